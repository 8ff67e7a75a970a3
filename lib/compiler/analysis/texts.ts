// Texts in a search. What patterns say about texts is not reasoned about, beyond that one holds or
// does not; texts made from the patterns are tried, and the interpreter has the last word. So
// rules over texts are refuted with witnesses, and proved only where that does not depend on which
// texts there are.
import { bytesOfHex } from '../interpret-view.js';
import type { FieldIr, TextConditionIr } from '../ir.js';
import type { Conjunction } from './conjunctions.js';
import { memberOf } from './sets.js';

/** Texts by field. */
export type Texts = ReadonlyMap<number, Uint8Array>;

/** Patterns that texts are made from, and combinations of texts that are tried. */
const patternsMax = 32;
const combinationsMax = 256;

/** The bytes of a string, or the entries of a group, stand beside the fields as integers. */
export function countOf(field: number): number {
  return -1 - field;
}

/** The field whose bytes or entries are meant; null: an integer field itself. */
export function countedField(field: number): number | null {
  return field < 0 ? -1 - field : null;
}

/** Texts to try for the fields that conditions or counts are about. */
export function* textsFor(known: Conjunction): Generator<Texts> {
  const conditions = new Map<number, TextConditionIr[]>();
  for (const key of known.fields) {
    const counted = countedField(key);
    if (counted !== null) conditions.set(counted, []);
  }
  for (const { condition } of known.texts) {
    conditions.set(condition.field, [...(conditions.get(condition.field) ?? []), condition]);
  }
  const choices = [...conditions].map(([field, about]) => {
    return { field, texts: candidates(known, field, about) };
  });
  let tried = 0;
  for (const combination of combine(choices)) {
    tried += 1;
    if (tried > combinationsMax) return;
    yield combination;
  }
}

interface Choice {
  readonly field: number;
  readonly texts: readonly Uint8Array[];
}

function* combine([first, ...rest]: readonly Choice[]): Generator<Texts> {
  if (first === undefined) {
    yield new Map();
    return;
  }
  for (const others of combine(rest)) {
    for (const text of first.texts) yield new Map([[first.field, text], ...others]);
  }
}

const letter = 'x'.charCodeAt(0);

function candidates(
  known: Conjunction,
  field: number,
  conditions: readonly TextConditionIr[],
): readonly Uint8Array[] {
  const place = known.domains.field(field);
  const wanted = place.type === 'string' ? memberOf(known.set(countOf(field))) : null;
  const plain = ['', 'x', 'zz'].map((text) => new Uint8Array(Buffer.from(text)));
  const made = conditions.flatMap(({ patterns, test, style }) =>
    patterns.slice(0, patternsMax).flatMap((hex) => {
      const whole = test === 'topic' ? topicText(hex, style ?? 'mqtt') : bytesOfHex(hex);
      return [whole, new Uint8Array([...whole, letter])];
    }),
  );
  const counted = wanted === null ? [] : [new Uint8Array(Number(wanted)).fill(letter)];
  return [...made, ...counted, ...plain].flatMap((text) => padded(place, text));
}

/** A topic that the pattern takes: a letter for each level that is open. */
function topicText(hex: string, style: 'mqtt' | 'nats'): Uint8Array {
  const [separator, open] = style === 'mqtt' ? ['/', ['+', '#']] : ['.', ['*', '>']];
  const levels = Buffer.from(hex, 'hex')
    .toString('latin1')
    .split(separator as string);
  const filled = levels.map((level) => (open?.includes(level) ? 'x' : level));
  return new Uint8Array(Buffer.from(filled.join(separator as string), 'latin1'));
}

/** The text as the field holds it; none if it is too long, or needs what the field has not. */
function padded({ type, bytes, limit, pad }: FieldIr, text: Uint8Array): Uint8Array[] {
  if (type === 'string') return text.length <= (limit ?? 0) ? [text] : [];
  if (type !== 'bytes' || text.length > bytes) return [];
  const whole = new Uint8Array(bytes).fill(pad === 'space' ? 0x20 : 0);
  whole.set(text);
  return [whole];
}
