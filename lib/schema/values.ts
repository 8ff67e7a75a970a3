// Whether a JavaScript value is one of a field type: for defaults, where speed does not matter.
import { isFlags } from './codec/fixed.js';
import { integerFacts, isBigint } from './model.js';
import type { TypeSpec } from './spec.js';

/** What the value should have been; null: it is fine. */
export function valueFault(type: TypeSpec, value: unknown): string | null {
  switch (type.kind) {
    case 'integer':
      if (type.safe) return within(value, 0n, BigInt(Number.MAX_SAFE_INTEGER), false);
      return within(value, ...rangeOf(type.base), isBigint(type.base));
    case 'decimal':
    case 'timestamp':
      return within(value, ...rangeOf(type.base), isBigint(type.base));
    case 'bits':
      return within(value, 0n, (1n << BigInt(type.bits)) - 1n, false);
    case 'float':
      return typeof value === 'number' ? null : 'a number';
    case 'bool':
      return typeof value === 'boolean' ? null : 'true or false';
    case 'enum':
      if (typeof value === 'string' && Object.hasOwn(type.symbols, value)) return null;
      return `one of ${Object.keys(type.symbols).join(', ')}`;
    case 'flags':
      return flagsFault(type.flags, value);
    case 'ascii':
      return asciiFault(type.bytes, value);
    case 'bytes':
      if (value instanceof Uint8Array && value.length === type.bytes) return null;
      return `a Uint8Array of ${type.bytes} bytes`;
    case 'array': {
      const expected = `an array of ${type.count} values`;
      if (!Array.isArray(value) || value.length !== type.count) return expected;
      const fault = value
        .map((item) => valueFault(type.element, item))
        .find((text) => text !== null);
      return fault === undefined || fault === null ? null : `${expected}, each ${fault}`;
    }
    default:
      return 'no default: a string, blob or group that is missing is empty';
  }
}

function rangeOf(base: keyof typeof integerFacts): readonly [bigint, bigint] {
  const { low, high } = integerFacts[base];
  return [low, high];
}

function within(value: unknown, low: bigint, high: bigint, isBig: boolean): string | null {
  const word = isBig ? 'a bigint' : 'an integer';
  const expected = `${word} from ${low} to ${high}`;
  if (isBig) return typeof value === 'bigint' && value >= low && value <= high ? null : expected;
  if (typeof value !== 'number' || !Number.isInteger(value)) return expected;
  return BigInt(value) >= low && BigInt(value) <= high ? null : expected;
}

function flagsFault(flags: Readonly<Record<string, number>>, value: unknown): string | null {
  const expected = `an object with booleans for ${Object.keys(flags).join(', ')}`;
  if (!isFlags(value, flags)) return expected;
  const isSound = Object.entries(value).every(
    ([name, bit]) => Object.hasOwn(flags, name) && typeof bit === 'boolean',
  );
  return isSound ? null : expected;
}

function asciiFault(bytes: number, value: unknown): string | null {
  const isSound =
    typeof value === 'string' &&
    value.length <= bytes &&
    [...value].every((character) => character > '\0' && character <= '\x7f');
  return isSound ? null : `up to ${bytes} ASCII characters, none of them NUL`;
}
