// The longest of many prefixes that a text begins with, by a search among their lengths: by halves,
// from the middle one on. What a prefix begins with in the lengths that its search meets before is
// a mark, by which the search knows to go on among the longer ones.

export interface PrefixEntry {
  /** So many bytes at the start of these. */
  readonly text: Uint8Array;
  readonly bytes: number;
  /** Of the longest prefix in them; 0: none. */
  readonly answer: number;
  /** Whether there is no longer prefix that begins so. */
  readonly isFinal: boolean;
}

export interface PrefixSearch {
  /** Ascending, of all prefixes. */
  readonly lengths: readonly number[];
  readonly entries: readonly PrefixEntry[];
}

/** The prefixes ascend; their answers are 1, 2, 3, … */
export function prefixSearch(prefixes: readonly Uint8Array[]): PrefixSearch {
  const lengths = [...new Set(prefixes.map(({ length }) => length))].sort((a, b) => a - b);
  const marks = new Map(lengths.map((length, place) => [length, marksOf(lengths, place)]));
  const names = prefixes.map((bytes) => Buffer.from(bytes).toString('latin1'));
  const entries = new Map<string, PrefixEntry>();
  for (const [index, text] of prefixes.entries()) {
    const name = names[index] as string;
    const isFinal = names[index + 1]?.startsWith(name) !== true;
    entries.set(name, { text, bytes: text.length, answer: index + 1, isFinal });
  }
  // Prefixes of the one that is looked at, the longest last.
  const open: number[] = [];
  for (const [index, text] of prefixes.entries()) {
    const name = names[index] as string;
    while (open.length > 0 && !name.startsWith(names[open.at(-1) as number] as string)) open.pop();
    for (const bytes of marks.get(text.length) ?? []) {
      const mark = name.slice(0, bytes);
      if (entries.has(mark)) continue;
      const longest = open.findLast((prefix) => (names[prefix] as string).length <= bytes);
      const answer = longest === undefined ? 0 : longest + 1;
      entries.set(mark, { text, bytes, answer, isFinal: false });
    }
    open.push(index);
  }
  return { lengths, entries: [...entries.values()] };
}

/** The lesser lengths that the search meets before this one. */
function marksOf(lengths: readonly number[], place: number): number[] {
  const marks: number[] = [];
  for (let low = 0, high = lengths.length; low < high; ) {
    const middle = Math.floor((low + high) / 2);
    if (middle === place) break;
    if (middle > place) {
      high = middle;
    } else {
      marks.push(lengths[middle] as number);
      low = middle + 1;
    }
  }
  return marks;
}
