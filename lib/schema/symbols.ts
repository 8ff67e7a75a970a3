// Names for numbers: the symbols of enumerations and the bits of flags.
import { optionError, type SourcePlace } from '../errors.js';
import { objectNames } from './declare.js';
import {
  type EnumModel,
  type FlagsModel,
  integerFacts,
  isScalarType,
  type UnknownSymbol,
  type UnsignedType,
} from './model.js';
import { exactInteger, OptionReader, quotedList } from './options.js';

/** Integer types an enumeration can be stored as. */
export type EnumBase = 'u8' | 'u16' | 'u32' | 'u64' | 'i8' | 'i16' | 'i32' | 'i64';

const enumBases: readonly EnumBase[] = ['u8', 'u16', 'u32', 'u64', 'i8', 'i16', 'i32', 'i64'];
const flagBases: readonly UnsignedType[] = ['u8', 'u16', 'u32', 'u64'];
const symbolsMax = 4096;

export interface EnumOptions<Symbols extends string> {
  /** Its size on the wire; u8 if nothing is said. */
  readonly base?: EnumBase;
  /**
   * What a number without a symbol decodes as: not at all (`'reject'`, the default), as the number
   * (`'raw'`), or as a symbol (`{ default: 'other' }`), which lets old readers meet new symbols.
   */
  readonly unknown?: 'reject' | 'raw' | { readonly default: Symbols };
}

/** What a number without a symbol decodes as, apart from symbols. */
export type UnknownOf<Options> = Options extends { readonly unknown: 'raw' } ? number : never;

type Entries = readonly (readonly [unknown, unknown])[];

/** An enumeration from its [symbol, number] pairs. Throws ERR_SCHEMA. */
export function enumerate(entries: Entries, options: unknown, place: SourcePlace): EnumModel {
  const reader = new OptionReader(options, 't.enum', place, 'ERR_SCHEMA');
  const base = reader.raw('base') ?? 'u8';
  if (!isScalarType(base)) throw reader.error('base', `one of ${quotedList(enumBases)}`, base);
  const unknown = reader.raw('unknown') ?? 'reject';
  reader.done();
  const symbols = enumSymbols(entries, base, 't.enum', place);
  return Object.freeze({
    kind: 'enum',
    base,
    symbols,
    unknown: unknownSymbol(unknown, symbols, place),
  });
}

/** Symbols and their values, each once and within the base. Throws ERR_SCHEMA. */
export function enumSymbols(
  entries: Entries,
  base: EnumBase,
  option: string,
  place: SourcePlace,
): Readonly<Record<string, bigint>> {
  if (entries.length < 1 || entries.length > symbolsMax) {
    const expected = `1 to ${symbolsMax} symbols`;
    throw optionError('ERR_SCHEMA', option, expected, entries.length, place);
  }
  const { low, high } = integerFacts[base];
  const symbols = Object.create(null) as Record<string, bigint>;
  const taken = new Set<bigint>();
  for (const [symbol, number] of entries) {
    checkWord(symbol, option, 'symbols', place);
    const value = exactInteger(number);
    if (value === undefined || value < low || value > high) {
      const expected = `an integer from ${low} to ${high} (base '${base}')`;
      throw optionError('ERR_SCHEMA', `${option}.${symbol}`, expected, number, place);
    }
    if (symbol in symbols || taken.has(value)) {
      const expected = 'symbols and values that each occur once';
      throw optionError('ERR_SCHEMA', `${option}.${symbol}`, expected, number, place);
    }
    symbols[symbol] = value;
    taken.add(value);
  }
  return Object.freeze(symbols);
}

function unknownSymbol(
  given: unknown,
  symbols: Readonly<Record<string, bigint>>,
  place: SourcePlace,
): UnknownSymbol {
  if (given === 'reject' || given === 'raw') return Object.freeze({ policy: given });
  const symbol = (given as { default?: unknown } | null)?.default;
  if (typeof symbol === 'string' && Object.hasOwn(symbols, symbol)) {
    return Object.freeze({ policy: 'default', symbol });
  }
  const expected = `'reject', 'raw' or { default: one of ${quotedList(Object.keys(symbols))} }`;
  throw optionError('ERR_SCHEMA', 't.enum.unknown', expected, given, place);
}

/** Flags from their [name, bit] pairs; the smallest base that holds them. Throws ERR_SCHEMA. */
export function bitFlags(entries: Entries, options: unknown, place: SourcePlace): FlagsModel {
  const reader = new OptionReader(options, 't.flags', place, 'ERR_SCHEMA');
  const given = reader.raw('base');
  reader.done();
  if (entries.length < 1 || entries.length > 64) {
    throw optionError('ERR_SCHEMA', 't.flags', '1 to 64 names', entries.length, place);
  }
  const bitMax = Math.max(...entries.map(([, bit]) => Number(bit)));
  const smallest = flagBases.find((candidate) => bitMax < integerFacts[candidate].bytes * 8);
  const base = flagBases.find((candidate) => candidate === (given ?? smallest ?? 'u64'));
  if (base === undefined) {
    throw optionError(
      'ERR_SCHEMA',
      't.flags.base',
      `one of ${quotedList(flagBases)}`,
      given,
      place,
    );
  }
  const flags = Object.create(null) as Record<string, number>;
  const bits = integerFacts[base].bytes * 8;
  for (const [name, bit] of entries) {
    checkWord(name, 't.flags', 'names', place);
    if (!/^[A-Za-z][A-Za-z0-9_]*$/.test(name) || objectNames.has(name)) {
      const expected = 'names of letters, digits or "_" that objects do not have themselves';
      throw optionError('ERR_SCHEMA', 't.flags', expected, name, place);
    }
    if (!Number.isInteger(bit) || Number(bit) < 0 || Number(bit) >= bits) {
      const expected = `a bit from 0 to ${bits - 1} (base '${base}')`;
      throw optionError('ERR_SCHEMA', `t.flags.${name}`, expected, bit, place);
    }
    if (name in flags || Object.values(flags).includes(Number(bit))) {
      const expected = 'names and bits that each occur once';
      throw optionError('ERR_SCHEMA', `t.flags.${name}`, expected, bit, place);
    }
    flags[name] = Number(bit);
  }
  return Object.freeze({ kind: 'flags', base, flags: Object.freeze(flags) });
}

function checkWord(
  word: unknown,
  option: string,
  what: string,
  place: SourcePlace,
): asserts word is string {
  if (typeof word === 'string' && word !== '' && word !== '__proto__') return;
  throw optionError('ERR_SCHEMA', option, `${what} that are not empty`, word, place);
}
