// The oracle's judgement: whether a condition holds for a message, straight from the IR.
//
// Arithmetic is exact in signed 128 bits, and conditions are evaluated from left to right only as
// far as they matter: an overflow on the way is thrown, and rejects the message.
import { nativeHeaderBytes } from '../schema/model.js';
import { readBytes, readField } from './fields.js';
import { bytesOfHex } from './interpret-view.js';
import { contains } from './intervals.js';
import type {
  BitsConditionIr,
  ConditionIr,
  ExprIr,
  FieldIr,
  SchemaIr,
  TextConditionIr,
  TopicStyle,
} from './ir.js';
import { wideHigh, wideLow } from './limits.js';
import { pluginError } from './plugins.js';

/** The message that conditions are about. */
export interface Subject {
  readonly schema: SchemaIr;
  /** Where the fields are. */
  readonly view: Uint8Array;
  /** The message as it came: what lies behind slots is here. */
  readonly message: Uint8Array;
}

/** Arithmetic left 128 bits. */
export class Overflow extends Error {}

/** Throws Overflow when arithmetic that matters leaves 128 bits. */
export function holds(condition: ConditionIr, subject: Subject): boolean {
  switch (condition.kind) {
    case 'and':
      return condition.terms.every((term) => holds(term, subject));
    case 'or':
      return condition.terms.some((term) => holds(term, subject));
    case 'plugin':
      throw pluginError(condition.call);
    case 'not':
      return !holds(condition.term, subject);
    case 'in':
      return contains(condition.intervals, evaluate(condition.value, subject));
    case 'bits':
      return bitsHold(condition, subject);
    case 'text':
      return textHolds(condition, subject);
    default: {
      const left = evaluate(condition.left, subject);
      const right = evaluate(condition.right, subject);
      const results = {
        eq: left === right,
        ne: left !== right,
        lt: left < right,
        lte: left <= right,
        gt: left > right,
        gte: left >= right,
      };
      return results[condition.op];
    }
  }
}

function fieldOf({ schema }: Subject, field: number): FieldIr {
  return schema.fields[field] as FieldIr;
}

function evaluate(expression: ExprIr, subject: Subject): bigint {
  if (expression.kind === 'const') return expression.value;
  if (expression.kind === 'field') {
    return readField(subject.view, fieldOf(subject, expression.field));
  }
  if (expression.kind === 'count') {
    return BigInt(slotOf(subject.view, fieldOf(subject, expression.field))[1]);
  }
  const left = evaluate(expression.left, subject);
  const right = evaluate(expression.right, subject);
  const exact =
    expression.kind === 'add'
      ? left + right
      : expression.kind === 'sub'
        ? left - right
        : left * right;
  if (exact < wideLow || exact > wideHigh) throw new Overflow();
  return exact;
}

function bitsHold({ field, mask, equal }: BitsConditionIr, subject: Subject): boolean {
  const place = fieldOf(subject, field);
  const value = readField(subject.view, place);
  return (BigInt.asUintN(place.bytes * 8, value) & mask) === equal;
}

/** Offset and count of a slot. */
function slotOf(view: Uint8Array, { offset }: FieldIr): readonly [number, number] {
  const words = new DataView(view.buffer, view.byteOffset + offset, 8);
  return [words.getUint32(0, true), words.getUint32(4, true)];
}

/** The bytes of a text: those behind the slot, or those before the padding. */
function textOf(field: FieldIr, { view, message }: Subject): Uint8Array {
  if (field.type === 'string') {
    const [offset, count] = slotOf(view, field);
    const start = nativeHeaderBytes + offset;
    return message.subarray(start, start + count);
  }
  const bytes = readBytes(view, field);
  if (field.pad === undefined) return bytes;
  const padding = field.pad === 'space' ? 0x20 : 0;
  let count = bytes.length;
  while (count > 0 && bytes[count - 1] === padding) count -= 1;
  return bytes.subarray(0, count);
}

function textHolds({ field, test, style, patterns }: TextConditionIr, subject: Subject): boolean {
  const text = oneCharacterAByte(textOf(fieldOf(subject, field), subject));
  const known = readPatterns.get(patterns) ?? patterns.map((hex) => fromHex(hex));
  readPatterns.set(patterns, known);
  return known.some((pattern) => {
    if (test === 'is') return text === pattern;
    if (test === 'prefix') return text.startsWith(pattern);
    return topicMatches(pattern, text, style ?? 'mqtt');
  });
}

/** Patterns are read once. */
const readPatterns = new WeakMap<readonly string[], readonly string[]>();

function fromHex(hex: string): string {
  return oneCharacterAByte(bytesOfHex(hex));
}

function oneCharacterAByte(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('latin1');
}

/** Level by level. The last wildcard takes the levels that are left: of NATS at least one. */
export function topicMatches(pattern: string, topic: string, style: TopicStyle): boolean {
  const [separator, one, rest] = style === 'mqtt' ? ['/', '+', '#'] : ['.', '*', '>'];
  const levels = topic.split(separator as string);
  const wanted = pattern.split(separator as string);
  for (const [index, level] of wanted.entries()) {
    if (level === rest) return style === 'mqtt' || levels.length > index;
    if (index >= levels.length) return false;
    if (level !== one && level !== levels[index]) return false;
  }
  return levels.length === wanted.length;
}
