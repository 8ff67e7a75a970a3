// CRC-32C (Castagnoli, RFC 3720), the check sum of the images that the engine loads.

// Table n is for a byte with n more behind it, so that four bytes are looked up at once.
const tables = makeTables();

/** The CRC-32C of some bytes, as an unsigned number. Pure; allocates nothing. */
export function crc32c(bytes: Uint8Array): number {
  const last = bytes.length & ~3;
  let crc = -1;
  for (let at = 0; at < last; at += 4) {
    crc ^= byteAt(bytes, at) | (byteAt(bytes, at + 1) << 8);
    crc ^= (byteAt(bytes, at + 2) << 16) | (byteAt(bytes, at + 3) << 24);
    crc =
      entryOf(3, crc & 0xff) ^
      entryOf(2, (crc >>> 8) & 0xff) ^
      entryOf(1, (crc >>> 16) & 0xff) ^
      entryOf(0, crc >>> 24);
  }
  for (let at = last; at < bytes.length; at += 1) {
    crc = (crc >>> 8) ^ entryOf(0, (crc ^ byteAt(bytes, at)) & 0xff);
  }
  return (crc ^ -1) >>> 0;
}

const byteAt = (bytes: Uint8Array, at: number): number => bytes[at] ?? 0;
const entryOf = (table: number, byte: number): number => tables[256 * table + byte] ?? 0;

/**
 * In few steps: a long loop makes V8 start its optimizing compiler, which costs every process that
 * imports the package 3.5 MB.
 */
function makeTables(): Int32Array {
  const reflectedPolynomial = 0x82f63b78;
  const made = new Int32Array(4 * 256);
  // The bytes of one bit, from the highest down; any other is the sum of those of its bits.
  let crc = 1;
  for (let bit = 128; bit > 0; bit >>= 1) {
    crc = (crc & 1) === 0 ? crc >>> 1 : (crc >>> 1) ^ reflectedPolynomial;
    for (let byte = 0; byte < 256; byte += 2 * bit) made[byte + bit] = crc ^ (made[byte] ?? 0);
  }
  for (let at = 256; at < made.length; at += 1) {
    const before = made[at - 256] ?? 0;
    made[at] = (before >>> 8) ^ (made[before & 0xff] ?? 0);
  }
  return made;
}
