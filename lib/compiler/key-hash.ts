// The hash by which pools pick: the mirror of native/route/key_hash_datapath.h, where the rules
// are. Names of members are hashed the same way, for the tables that such pools look into.

const seed = 0x9e3779b97f4a7c15n;
const wordFactor = 0xd6e8feb86659fd93n;
const firstFactor = 0xff51afd7ed558ccdn;
const secondFactor = 0xc4ceb9fe1a85ec53n;
/** What of a text goes into its hash. */
const textBytesMax = 256;

const low64 = (value: bigint): bigint => BigInt.asUintN(64, value);

/** The words that an integer or a text has in a key. Negative values count in two's complement. */
export function keyWords(value: bigint | Uint8Array): readonly bigint[] {
  if (typeof value === 'bigint') return [low64(value)];
  let count = Math.min(value.length, textBytesMax);
  while (count > 0 && (value[count - 1] === 0 || value[count - 1] === 0x20)) count -= 1;
  const words: bigint[] = [];
  for (let start = 0; start < count; start += 8) {
    const octets = [...value.subarray(start, Math.min(start + 8, count))];
    words.push(octets.reduceRight((word, octet) => (word << 8n) | BigInt(octet), 0n));
  }
  return [...words, BigInt(count)];
}

/** The hash of a key's words, an unsigned 64-bit number. */
export function hashWords(words: readonly bigint[]): bigint {
  let hash = seed;
  for (const word of words) {
    hash = low64((hash ^ word) * wordFactor);
    hash ^= hash >> 32n;
  }
  hash = low64(hash * firstFactor);
  hash ^= hash >> 29n;
  hash = low64(hash * secondFactor);
  return hash ^ (hash >> 32n);
}

/** The hash of a key: integers, and text or bytes. */
export function hashKey(values: readonly (bigint | Uint8Array)[]): bigint {
  return hashWords(values.flatMap(keyWords));
}

/** One of `count`, evenly, by the low half of a number. */
export function lowShare(number: bigint, count: number): number {
  return Number(((number & 0xffffffffn) * BigInt(count)) >> 32n);
}
