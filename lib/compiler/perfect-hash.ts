// A perfect hash of a known set of keys: each bucket of keys has a pilot, a number that sends all
// of its keys to slots that no other key has. native/route/exact_datapath.h computes the same.
// Values of rules are such keys, and texts.

/** Keys a bucket on average, and the share of the slots that are used: more is slower to find. */
const keysPerBucket = 4;
const slotShare = 0.95;
const pilotCount = 65_536;
const attemptsMax = 32;

const wordFactor = 0x9fb21c651e98df25n;
const lastFactor = 0xd6e8feb86659fd93n;
const seedStep = 0x9e3779b97f4a7c15n;

export interface PerfectHash {
  readonly seed: bigint;
  readonly pilots: Uint16Array;
  readonly slotCount: number;
  /** The slot of each key, in the order in which they were given. */
  readonly slots: Uint32Array;
}

const low64 = (value: bigint): bigint => BigInt.asUintN(64, value);

export function mixWord(hash: bigint, word: bigint): bigint {
  const mixed = low64((hash ^ word) * wordFactor);
  return mixed ^ (mixed >> 32n);
}

export function finishHash(hash: bigint): bigint {
  const mixed = low64(hash * lastFactor);
  return mixed ^ (mixed >> 32n);
}

export function hashWords(words: readonly bigint[], seed: bigint): bigint {
  return finishHash(words.reduce(mixWord, seed));
}

/** One of `count`, evenly, by a 32-bit number. */
function shareOf(number: number, count: number): number {
  return Math.floor(((number >>> 0) * count) / 2 ** 32);
}

export function slotOf(lowHash: number, pilot: number, slotCount: number): number {
  let mixed = Math.imul(lowHash ^ Math.imul(pilot, 0x9e3779b1), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 15), 0xc2b2ae35);
  return shareOf(mixed ^ (mixed >>> 16), slotCount);
}

/** Bytes of the tables for so many keys of so many words. */
export function perfectHashBytes(keyCount: number, keyWords: number) {
  const slots = slotCountOf(keyCount) * (keyWords + 1) * 8;
  return { pilots: bucketCountOf(keyCount) * 2, slots };
}

const slotCountOf = (keyCount: number): number => Math.ceil(keyCount / slotShare) + 1;
const bucketCountOf = (keyCount: number): number => Math.ceil(keyCount / keysPerBucket) + 1;

/** The 64 bits of a key, which is given by its number. */
export type KeyHash = (key: number, seed: bigint) => bigint;

/** So many distinct keys to slots. Deterministic. Throws RangeError when no seed was found. */
export function buildPerfectHash(keyCount: number, hashOf: KeyHash): PerfectHash {
  for (let attempt = 1; attempt <= attemptsMax; attempt += 1) {
    const seed = low64(seedStep * BigInt(attempt));
    const built = tryBuild(keyCount, hashOf, seed);
    if (built !== null) return built;
  }
  throw new RangeError(`no perfect hash of ${keyCount} keys after ${attemptsMax} attempts`);
}

function tryBuild(keyCount: number, hashOf: KeyHash, seed: bigint): PerfectHash | null {
  const bucketCount = bucketCountOf(keyCount);
  const slotCount = slotCountOf(keyCount);
  const lows = new Int32Array(keyCount);
  const buckets: number[][] = Array.from({ length: bucketCount }, () => []);
  for (let index = 0; index < keyCount; index += 1) {
    const hash = hashOf(index, seed);
    lows[index] = Number(BigInt.asIntN(32, hash));
    buckets[shareOf(Number(hash >> 32n), bucketCount)]?.push(index);
  }
  // The largest first, while there is room for them.
  const order = buckets.map((_, bucket) => bucket);
  const countOf = (bucket: number): number => buckets[bucket]?.length ?? 0;
  order.sort((a, b) => countOf(b) - countOf(a) || a - b);
  const pilots = new Uint16Array(bucketCount);
  const slots = new Uint32Array(keyCount);
  const used = new Uint8Array(slotCount);
  for (const bucket of order) {
    const members = buckets[bucket] ?? [];
    if (members.length === 0) break;
    const pilot = findPilot(members, lows, used);
    if (pilot === null) return null;
    pilots[bucket] = pilot;
    for (const member of members) {
      const slot = slotOf(lows[member] ?? 0, pilot, slotCount);
      slots[member] = slot;
      used[slot] = 1;
    }
  }
  return { seed, pilots, slotCount, slots };
}

/** The first pilot that sends the members to free slots, each to one of its own. */
function findPilot(members: readonly number[], lows: Int32Array, used: Uint8Array): number | null {
  const taken: number[] = [];
  for (let pilot = 0; pilot < pilotCount; pilot += 1) {
    taken.length = 0;
    for (const member of members) {
      const slot = slotOf(lows[member] ?? 0, pilot, used.length);
      if (used[slot] === 1 || taken.includes(slot)) break;
      taken.push(slot);
    }
    if (taken.length === members.length) return pilot;
  }
  return null;
}
