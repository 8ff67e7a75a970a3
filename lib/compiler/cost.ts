// What tables cost: predicted nanoseconds of one lookup, by which the emitter chooses between the
// forms that a route's rules can take, and which its report names. Pure. The constants are those of
// a cloud machine that is not busy otherwise (AMD EPYC, 3 GHz, 32 KB and 512 KB of cache a core,
// 32 MB shared). They rank the forms and are no promise: another machine, and neighbours in the
// shared cache, change what large tables cost by a factor.

/** A load that depends on the one before, from a table of which every part is as likely. */
const loadSteps: readonly (readonly [bytes: number, ns: number])[] = [
  [32 << 10, 1.4],
  [512 << 10, 4],
  [16 << 20, 14],
];
const memoryNs = 80;

/** Reading a field as a key; a step of a branch-free search; the AND of one word. */
const fieldNs = 1;
const stepNs = 1.6;
/** Comparing with all keys in a node of a search tree. */
const nodeNs = 2.5;
const wordNs = 1;
/** Hashing one word of a key, mixing the hash at the end, comparing what is found. */
const hashWordNs = 2;
const hashNs = 6;
/** Walking the summaries of one group, and the words that are left. */
const groupNs = 3;
const walkNs = 8;
/** One instruction of a program. */
const instructionNs = 3;
/** Going from one matcher to the next. */
const matcherNs = 1.5;

/** A load from a table of that many bytes. */
export function loadNs(bytes: number): number {
  return loadSteps.find(([most]) => bytes <= most)?.[1] ?? memoryNs;
}

/** A class map that is one table. */
export function directMapNs(bytes: number): number {
  return fieldNs + loadNs(bytes);
}

/** A search among so many bounds: its first steps always load the same, so they are near. */
export function searchMapNs(steps: number): number {
  let ns = fieldNs;
  for (let step = 1; step <= steps; step += 1) ns += stepNs + loadNs(8 * 2 ** step) - loadNs(0);
  return ns;
}

/** A search in a tree: a line for each level, of which the upper ones are near. */
export function treeMapNs(levels: number, boundBytes: number): number {
  let ns = fieldNs;
  for (let level = 0, bytes = boundBytes; level <= levels; level += 1, bytes /= 9) {
    ns += nodeNs + loadNs(bytes);
  }
  return ns;
}

/** A search in the bucket that the key's top bits name. */
export function bucketMapNs(steps: number, bucketBytes: number, boundBytes: number): number {
  // The bounds of a bucket lie in one or two lines of the cache.
  return fieldNs + 2 + loadNs(bucketBytes) + loadNs(boundBytes) + steps * stepNs;
}

/** So many look-ups of a text in a perfect hash table. */
export function textMapNs(lookUps: number, pilotBytes: number, entryBytes: number): number {
  const hashing = hashNs + 2 * hashWordNs;
  return fieldNs + lookUps * (hashing + loadNs(pilotBytes) + loadNs(entryBytes));
}

/** A table of rules, one for each combination of classes. */
export function tableNs(mapsNs: number, fieldCount: number, cellBytes: number): number {
  return matcherNs + mapsNs + fieldCount * 0.5 + loadNs(cellBytes);
}

/** A text map whose answers are rules. */
export function textMatcherNs(mapNs: number): number {
  return matcherNs + mapNs;
}

/** One word of bits a class. */
export function wordMatcherNs(mapsNs: number, rowBytes: number, fieldCount: number): number {
  return matcherNs + mapsNs + fieldCount * (wordNs + loadNs(rowBytes)) + 3;
}

/** Groups of words a class. */
export function aggregatedNs(
  mapsNs: number,
  rowBytes: number,
  fieldCount: number,
  groupCount: number,
): number {
  const perField = groupCount * groupNs + loadNs(rowBytes) * 2;
  return matcherNs + mapsNs + fieldCount * perField + walkNs;
}

/** A perfect hash table. */
export function exactNs(
  fieldCount: number,
  keyWords: number,
  pilotBytes: number,
  slotBytes: number,
): number {
  const hashing = fieldCount * fieldNs + keyWords * hashWordNs + hashNs;
  return matcherNs + hashing + loadNs(pilotBytes) + loadNs(slotBytes);
}

/** An entry's place by its key; the entry itself comes on top. */
export function keyLookupNs(keyWords: number, indexBytes: number): number {
  return keyWords * (fieldNs + hashWordNs) + hashNs + loadNs(indexBytes);
}

/** The programs that a message may have to be asked about. */
export function programsNs(instructionCount: number): number {
  return instructionCount * instructionNs;
}
