// The perfect hash table of rules for exact values.
import { fieldKind } from './emit-fields.js';
import { classMapKinds, noRecord } from './emit-format.js';
import type { ImageBuilder } from './emit-sections.js';
import type { Term } from './emit-terms.js';
import { buildPerfectHash, hashWords } from './perfect-hash.js';
import { type KeyParts, keyParts, type MatcherPlan, type PlannedField } from './plan-matchers.js';

/** Appends the table of a plan of exact values. Returns the fields of the matcher's record. */
export function emitExact(builder: ImageBuilder, { terms, fields }: MatcherPlan) {
  const parts = keyParts(fields) ?? { wordCount: 0, places: [] };
  const { matchFields, slots, words } = builder.sections;
  const firstField = matchFields.count;
  for (const [at, { field }] of fields.entries()) {
    const { word, shift } = parts.places[at] ?? { word: 0, shift: 0 };
    matchFields.u8(classMapKinds.keyPart, fieldKind(field)).u16(field.offset);
    matchFields.u32(word, shift, 0).u8(0, 0).u16(0).u32(0, 0, 0);
  }
  const rules = rulesByKey(terms, fields, parts);
  const entries = [...rules.values()];
  const keys = entries.map(({ words }) => words);
  const hash = buildPerfectHash(keys.length, (key, seed) => hashWords(keys[key] ?? [], seed));
  const pilots = slots.count;
  for (const pilot of hash.pilots) slots.u16(pilot);
  const table = words.alignLine().count;
  const entryWords = parts.wordCount + 1;
  const filled = new BigUint64Array(hash.slotCount * entryWords);
  for (let slot = 0; slot < hash.slotCount; slot += 1) {
    filled[slot * entryWords + parts.wordCount] = BigInt(noRecord);
  }
  for (const [index, { words: key, rule }] of entries.entries()) {
    const start = (hash.slots[index] ?? 0) * entryWords;
    filled.set([...key, BigInt(rule)], start);
  }
  words.append(new Uint8Array(filled.buffer));
  return {
    fields: [firstField, fields.length],
    ...{ table, count: hash.slotCount, keyWords: parts.wordCount },
    ...{ pilots, pilotCount: hash.pilots.length, seed: hash.seed },
  };
}

interface Entry {
  readonly words: readonly bigint[];
  readonly rule: number;
}

/** Every key with the first rule that has it. */
function rulesByKey(
  terms: readonly Term[],
  fields: readonly PlannedField[],
  parts: KeyParts,
): Map<string, Entry> {
  const rules = new Map<string, Entry>();
  for (const { box, rule } of terms) {
    let keys: bigint[][] = [new Array<bigint>(parts.wordCount).fill(0n)];
    for (const [at, { index, field }] of fields.entries()) {
      const { word, shift } = parts.places[at] ?? { word: 0, shift: 0 };
      const values = [...pointsOf(box.get(index) ?? [])];
      const patterns = values.map(
        (value) => BigInt.asUintN(field.bytes * 8, value) << BigInt(shift),
      );
      keys = keys.flatMap((key) =>
        patterns.map((bits) => key.with(word, (key[word] ?? 0n) | bits)),
      );
    }
    for (const words of keys) {
      const name = words.join();
      if (!rules.has(name)) rules.set(name, { words, rule });
    }
  }
  return rules;
}

function* pointsOf(intervals: readonly (readonly [bigint, bigint])[]): Generator<bigint> {
  for (const [low, high] of intervals)
    for (let value = low; value <= high; value += 1n) yield value;
}
