// The longest of many prefixes that a text begins with, by a search among their lengths: by halves,
// from the middle one on. What a prefix begins with in the lengths that its search meets before is
// a mark, by which the search knows to go on among the longer ones.

export interface PrefixEntry {
  /** One character a byte; and the prefix that begins with it. */
  readonly text: string;
  readonly whole: string;
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

/** The prefixes ascend, one character a byte; their answers are 1, 2, 3, … */
export function prefixSearch(prefixes: readonly string[]): PrefixSearch {
  const lengths = [...new Set(prefixes.map(({ length }) => length))].sort((a, b) => a - b);
  const marks = new Map(lengths.map((length, place) => [length, marksOf(lengths, place)]));
  const entries = new Map<string, PrefixEntry>();
  for (const [index, text] of prefixes.entries()) {
    const isFinal = prefixes[index + 1]?.startsWith(text) !== true;
    entries.set(text, { text, whole: text, answer: index + 1, isFinal });
  }
  // Prefixes of the one that is looked at, the longest last.
  const open: number[] = [];
  const lengthOf = (index: number): number => (prefixes[index] as string).length;
  for (const [index, whole] of prefixes.entries()) {
    while (open.length > 0 && !whole.startsWith(prefixes[open.at(-1) as number] as string)) {
      open.pop();
    }
    for (const bytes of marks.get(whole.length) ?? []) {
      const text = whole.slice(0, bytes);
      if (entries.has(text)) continue;
      const longest = open.findLast((prefix) => lengthOf(prefix) <= bytes);
      const answer = longest === undefined ? 0 : longest + 1;
      entries.set(text, { text, whole, answer, isFinal: false });
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
