// CRC-32C (Castagnoli, RFC 3720), the check sum of the images that the engine loads.

const table = makeTable();

/** The CRC-32C of some bytes, as an unsigned number. Pure; allocates nothing. */
export function crc32c(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) crc = (crc >>> 8) ^ (table[(crc ^ byte) & 0xff] ?? 0);
  return (crc ^ 0xffffffff) >>> 0;
}

function makeTable(): Uint32Array {
  const reflectedPolynomial = 0x82f63b78;
  return Uint32Array.from({ length: 256 }, (_, index) => {
    let crc = index;
    for (let bit = 0; bit < 8; bit += 1) {
      crc = (crc & 1) === 0 ? crc >>> 1 : (crc >>> 1) ^ reflectedPolynomial;
    }
    return crc;
  });
}
