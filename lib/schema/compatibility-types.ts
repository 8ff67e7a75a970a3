// What a change of a field's type means for those who read and write it.
import type { Comparison, Effect } from './compatibility-findings.js';
import { backwardOnly, breaking, forwardOnly, harmless } from './compatibility-findings.js';
import {
  type ArrayModel,
  type DecimalModel,
  type EnumModel,
  type FlagsModel,
  type IntegerModel,
  integerFacts,
  isSlotType,
  type SlotModel,
  type TypeModel,
} from './model.js';

const newField = 'leave the field as it is and add another one of the new type by .extend()';

/** A field's type in two schemas. */
export interface TypePair {
  readonly path: string;
  readonly old: TypeModel;
  readonly next: TypeModel;
  /** Whether both schemas still read the field: only then its values matter, not just its bytes. */
  readonly isLive: boolean;
  /** Whether the field also has another name: then it is another field with the same id. */
  readonly isRenamed: boolean;
}

/** Compares two types but for the fields of groups. */
export function compareTypes(comparison: Comparison, pair: TypePair): void {
  const { old, next, path } = pair;
  if (old.kind === 'integer' && next.kind === 'integer') {
    compareIntegers(comparison, pair, old, next);
  } else if (old.kind === 'decimal' && next.kind === 'decimal') {
    compareDecimals(comparison, pair, old, next);
  } else if (old.kind === 'float' && next.kind === 'float') {
    if (old.base === next.base) return;
    widenOrChange(comparison, pair, old.base === 'f32');
  } else if (old.kind === 'enum' && next.kind === 'enum') {
    compareEnums(comparison, pair, old, next);
  } else if (old.kind === 'flags' && next.kind === 'flags') {
    compareFlags(comparison, pair, old, next);
  } else if (old.kind === 'array' && next.kind === 'array') {
    compareArrays(comparison, pair, old, next);
  } else if (isSlotType(old) && isSlotType(next) && old.kind === next.kind) {
    if (pair.isLive) compareMaxima(comparison, path, maxOf(old), maxOf(next));
  } else if (!isSameBytes(old, next)) {
    changed(comparison, pair);
  }
}

function maxOf(type: SlotModel): number {
  return type.kind === 'group' ? type.countMax : type.bytesMax;
}

/** For types that have nothing but a size. */
function isSameBytes(old: TypeModel, next: TypeModel): boolean {
  if (old.kind !== next.kind) return false;
  const names = Object.keys(old) as (keyof TypeModel)[];
  return names.every((name) => old[name] === next[name]);
}

/** A type as it is written in a schema. */
export function typeText(type: TypeModel): string {
  switch (type.kind) {
    case 'integer':
      return type.safe ? 'u53' : type.base;
    case 'float':
      return type.base;
    case 'enum':
    case 'flags':
      return `${type.kind} (${type.base})`;
    case 'decimal':
      return `decimal(${type.scale}) (${type.base})`;
    case 'ascii':
      return `ascii(${type.bytes}${type.pad === 'space' ? ', space' : ''})`;
    case 'bytes':
      return `bytes(${type.bytes})`;
    case 'array':
      return `${typeText(type.element)}[${type.count}]`;
    case 'bits':
      return `bits(${type.bits})`;
    case 'string':
    case 'blob':
      return `${type.kind} ≤ ${type.bytesMax}`;
    case 'group':
      return `group ≤ ${type.countMax}`;
    default:
      return type.kind;
  }
}

function changed(comparison: Comparison, { path, old, next, isRenamed }: TypePair): void {
  const types = `was ${typeText(old)} and is ${typeText(next)}`;
  if (!comparison.isNative) {
    const advice = 'describe the other format as a schema with a template id of its own';
    comparison.tear('type-changed', path, `${types}: the bytes mean something else`, advice);
  } else if (isRenamed) {
    const advice = 'give the new field an id that was never used; .extend() finds one';
    const message = `another field has its id: it ${types}`;
    comparison.tear('id-reused', path, message, advice);
  } else {
    const message = `${types}: readers take the bytes for something else`;
    comparison.tear('type-changed', path, message, newField);
  }
}

/** A type that holds everything the other one does; foreign formats have no room for that. */
function widenOrChange(comparison: Comparison, pair: TypePair, isWider: boolean): void {
  if (!isWider || !comparison.isNative || pair.isRenamed) {
    changed(comparison, pair);
    return;
  }
  const { path, old, next } = pair;
  const message =
    `was ${typeText(old)} and is ${typeText(next)}, which holds every old value; ` +
    'but the bytes differ, so new readers need a transform before them and old ones cannot follow';
  comparison.widen(path, message, `convert by a transform, or ${newField}`);
}

function rangeOf({ base, safe }: IntegerModel): readonly [bigint, bigint] {
  const { low, high } = integerFacts[base];
  return [low, safe ? BigInt(Number.MAX_SAFE_INTEGER) : high];
}

function compareIntegers(
  comparison: Comparison,
  pair: TypePair,
  old: IntegerModel,
  next: IntegerModel,
): void {
  const [oldRange, newRange] = [rangeOf(old), rangeOf(next)];
  if (old.base !== next.base) {
    const isWider = newRange[0] <= oldRange[0] && newRange[1] >= oldRange[1];
    widenOrChange(comparison, pair, isWider);
    return;
  }
  if (old.safe === next.safe || !pair.isLive) return;
  const message = next.safe
    ? 'was u64 and is u53: the same bytes, but numbers above 2^53 - 1 are refused now'
    : 'was u53 and is u64: the same bytes, but old readers refuse numbers above 2^53 - 1';
  const advice = 'keep the type until no such number can be on its way';
  comparison.add(
    'range-changed',
    pair.path,
    next.safe ? forwardOnly : backwardOnly,
    message,
    advice,
  );
}

function compareDecimals(
  comparison: Comparison,
  pair: TypePair,
  old: DecimalModel,
  next: DecimalModel,
): void {
  if (old.scale !== next.scale) {
    const message = `has ${next.scale} decimal places, had ${old.scale}: another value of a unit`;
    comparison.tear('scale-changed', pair.path, message, newField);
  }
  if (old.base === next.base) return;
  const [oldFacts, newFacts] = [integerFacts[old.base], integerFacts[next.base]];
  const isWider = newFacts.low <= oldFacts.low && newFacts.high >= oldFacts.high;
  widenOrChange(comparison, pair, isWider && old.scale === next.scale);
}

function compareArrays(
  comparison: Comparison,
  pair: TypePair,
  old: ArrayModel,
  next: ArrayModel,
): void {
  const isSameSize =
    old.count === next.count &&
    old.element.kind === next.element.kind &&
    ('base' in old.element ? old.element.base : '') ===
      ('base' in next.element ? next.element.base : '');
  if (!isSameSize) {
    changed(comparison, pair);
    return;
  }
  const path = `${pair.path}[]`;
  compareTypes(comparison, { ...pair, path, old: old.element, next: next.element });
}

function compareMaxima(comparison: Comparison, path: string, old: number, next: number): void {
  if (next > old) {
    const message = `its maximum rose from ${old} to ${next}: old readers refuse longer ones`;
    const advice = 'raise it in the readers first and in the writers once all of them know';
    comparison.add('max-raised', path, backwardOnly, message, advice);
  } else if (next < old) {
    const message = `its maximum fell from ${old} to ${next}: new readers refuse longer old ones`;
    const advice = 'keep the maximum, and let writers stay below it';
    comparison.add('max-lowered', path, forwardOnly, message, advice);
  }
}

const otherBase = 'declare the base that leaves room from the start, or add another field';

function compareEnums(
  comparison: Comparison,
  pair: TypePair,
  old: EnumModel,
  next: EnumModel,
): void {
  const { path, isLive } = pair;
  if (old.base !== next.base) {
    const message = `its base was ${old.base} and is ${next.base}: it takes other bytes`;
    comparison.tear('base-changed', path, message, otherBase);
  }
  if (!isLive) return;
  compareSymbols(comparison, path, old, next);
  compareUnknown(comparison, path, old, next);
}

function compareSymbols(
  comparison: Comparison,
  path: string,
  old: EnumModel,
  next: EnumModel,
): void {
  for (const [symbol, value] of Object.entries(old.symbols)) {
    const now = next.symbols[symbol];
    if (now === value) continue;
    if (now === undefined) {
      const heir = Object.entries(next.symbols).find(([, number]) => number === value)?.[0];
      const message =
        heir === undefined
          ? `lost the symbol ${symbol} (${value}), which old messages have`
          : `calls ${value} ${heir}, which was ${symbol}`;
      const advice = `keep ${symbol}; stop to write it if it is no longer meant`;
      comparison.add('symbol-removed', path, breaking, message, advice);
    } else {
      const message = `numbers ${symbol} ${now}, which was ${value}: readers take one for another`;
      const advice = 'give new numbers to new symbols only';
      comparison.add('symbol-renumbered', path, breaking, message, advice);
    }
  }
  const known = new Set(Object.values(old.symbols));
  for (const [symbol, value] of Object.entries(next.symbols)) {
    if (Object.hasOwn(old.symbols, symbol) || known.has(value)) continue;
    addSymbol(comparison, path, `${symbol} (${value})`, old);
  }
}

/** What an old reader makes of a number that it has no symbol for. */
const unknownTexts = {
  reject: 'refuse it',
  raw: 'see its number',
} as const;

function addSymbol(comparison: Comparison, path: string, symbol: string, old: EnumModel): void {
  const { unknown } = old;
  const seen =
    unknown.policy === 'default' ? `see it as ${unknown.symbol}` : unknownTexts[unknown.policy];
  const message = `has a new symbol, ${symbol}; old readers ${seen}`;
  if (unknown.policy !== 'reject') {
    comparison.add('symbol-added', path, harmless, message);
    return;
  }
  const advice =
    "update the readers first; an enumeration with unknown: { default: … } or 'raw' needs no order";
  comparison.add('symbol-added', path, backwardOnly, message, advice);
}

function policyText({ unknown }: EnumModel): string {
  return unknown.policy === 'default' ? `read as ${unknown.symbol}` : unknown.policy;
}

function compareUnknown(
  comparison: Comparison,
  path: string,
  old: EnumModel,
  next: EnumModel,
): void {
  const [was, is] = [policyText(old), policyText(next)];
  if (was === is) return;
  // Only under `raw` a message can hold a number without a symbol.
  const effect: Effect = {
    backward: old.unknown.policy !== 'raw' || next.unknown.policy !== 'reject',
    forward: next.unknown.policy !== 'raw' || old.unknown.policy !== 'reject',
  };
  const message = `numbers without a symbol were ${was} and are ${is}`;
  const advice =
    effect.backward && effect.forward
      ? undefined
      : 'let writers keep to symbols until all readers take numbers';
  comparison.add('unknown-changed', path, effect, message, advice);
}

function compareFlags(
  comparison: Comparison,
  pair: TypePair,
  old: FlagsModel,
  next: FlagsModel,
): void {
  const { path, isLive } = pair;
  if (old.base !== next.base) {
    const message = `its base was ${old.base} and is ${next.base}: it takes other bytes`;
    comparison.tear('base-changed', path, message, otherBase);
  }
  if (!isLive) return;
  for (const [flag, bit] of Object.entries(old.flags)) {
    const now = next.flags[flag];
    if (now === bit) continue;
    const isGone = now === undefined;
    const message = isGone
      ? `lost the flag ${flag} (bit ${bit}), which old messages have`
      : `has ${flag} as bit ${now}, which was bit ${bit}`;
    const advice = isGone ? `keep ${flag}; stop to set it` : 'give new bits to new flags only';
    comparison.add(isGone ? 'flag-removed' : 'flag-renumbered', path, breaking, message, advice);
  }
  const known = new Set(Object.values(old.flags));
  for (const [flag, bit] of Object.entries(next.flags)) {
    if (Object.hasOwn(old.flags, flag) || known.has(bit)) continue;
    const message = `has a new flag, ${flag} (bit ${bit}); old readers ignore it`;
    comparison.add('flag-added', path, harmless, message);
  }
}
