// Random conditions on text and bits. The texts beside each pattern are noted as boundaries of the
// field: integers in big-endian order of its bytes, so that messages can be made of them.
import type { ConditionIr, FieldIr, TextTest, TopicStyle } from '../../lib/compiler/ir.js';
import type { RandomValues } from './random-values.js';

/** Few characters, so that patterns begin like each other; one of them not ASCII. */
const characters = ['a', 'b', 'c', '$', '\xe9', '~'] as const;
const signs = { mqtt: ['/', '+', '#'], nats: ['.', '*', '>'] } as const;

/** A condition on a text field of a message. */
export function randomTextCondition(
  random: RandomValues,
  index: number,
  field: FieldIr,
  boundaries: bigint[],
): ConditionIr {
  const test = random.pick<TextTest>(['is', 'prefix', 'topic']);
  const style = random.pick(['mqtt', 'nats'] as const);
  const count = random.chance(70) ? 1 : random.between(2, 5);
  const patterns = Array.from({ length: count }, () => randomPattern(random, field, test, style));
  for (const text of patterns) {
    for (const near of textsNear(random, text, style)) boundaries.push(asInteger(near, field));
  }
  return {
    ...{ kind: 'text', field: index, test },
    ...(test === 'topic' ? { style } : {}),
    patterns: [...new Set(patterns.map(hexOf))],
  };
}

/** A condition on some bits of an integer field. */
export function randomBitsCondition(
  random: RandomValues,
  index: number,
  { bytes }: FieldIr,
  boundaries: bigint[],
): ConditionIr {
  const width = BigInt(8 * bytes);
  const all = (1n << width) - 1n;
  const low = (1n << BigInt(random.below(8 * bytes))) - 1n;
  const spread = random.u64() & random.u64() & all;
  const mask = random.pick([all, all ^ low, low, 1n << BigInt(random.below(8 * bytes)), spread]);
  const wanted = mask === 0n ? 1n : mask;
  const equal = random.u64() & wanted;
  boundaries.push(equal, equal | (all ^ wanted), equal ^ wanted);
  return { kind: 'bits', field: index, mask: wanted, equal };
}

/** A pattern that the field can meet, one character a byte. */
export function randomPattern(
  random: RandomValues,
  field: FieldIr,
  test: TextTest,
  style: TopicStyle,
): string {
  if (test === 'topic') return randomTopic(random, style, true);
  const most = field.type === 'string' ? (field.limit ?? 0) : field.bytes;
  const isRaw = field.type === 'bytes' && field.pad === undefined;
  const longest = random.chance(20) ? 48 : 18;
  const count = isRaw && test === 'is' ? most : random.between(1, Math.min(most, longest));
  const text = random.chance(30)
    ? randomTopic(random, style, false)
        .slice(0, count)
        .padEnd(isRaw ? count : 0, 'a')
    : randomText(random, count);
  return text === '' ? 'a' : text;
}

function randomText(random: RandomValues, count: number): string {
  // Mostly the same start: then prefixes lie within each other, also across eight bytes.
  const same = 'aaabcaaabcaaaaaabbbc'.repeat(3);
  const start = random.chance(50) ? same.slice(0, random.below(count + 1)) : '';
  const rest = Array.from({ length: count - start.length }, () => random.pick(characters));
  return start + rest.join('');
}

/** A topic, or a pattern of topics; now and then with levels that are empty, or long. */
export function randomTopic(random: RandomValues, style: TopicStyle, isPattern: boolean): string {
  const [separator, one, rest] = signs[style];
  const levels = Array.from({ length: random.between(1, 4) }, (_unused, index) => {
    const kind = random.below(12);
    if (isPattern && kind < 3) return one;
    if (kind === 3) return '';
    if (kind === 4) return randomText(random, random.between(7, index === 0 ? 36 : 9));
    return random.pick(['a', 'b', 'aa']);
  });
  if (isPattern && random.chance(30)) levels.push(rest);
  return levels.join(separator);
}

/** The text itself, a bit more and less of it, and topics that meet it or just do not. */
export function textsNear(random: RandomValues, text: string, style: TopicStyle): string[] {
  const [separator, one, rest] = signs[style];
  const topic = text
    .split(separator)
    .map((level) => (level === one || level === rest ? random.pick(['a', 'x', '']) : level));
  const joined = topic.join(separator);
  const last = text.charCodeAt(text.length - 1);
  return [
    ...[text, `${text}a`, `${text}\0a`, `${text} `, text.slice(0, -1)],
    ...[text.slice(0, -1) + String.fromCharCode((last + 1) & 0xff), `a${text}`],
    ...[joined, `${joined}${separator}`, `${joined}${separator}a`, separator + joined],
    ...[topic.slice(0, -1).join(separator), `${joined}${separator}a${separator}b`],
  ];
}

/** The field with the text in it, as a big-endian integer. */
function asInteger(text: string, { bytes, pad }: FieldIr): bigint {
  const padding = pad === 'space' ? 0x20 : 0;
  const content = new Uint8Array(bytes).fill(padding);
  content.set(Buffer.from(text, 'latin1').subarray(0, bytes));
  return BigInt(`0x${Buffer.from(content).toString('hex')}`);
}

export function hexOf(text: string): string {
  return Buffer.from(text, 'latin1').toString('hex');
}
