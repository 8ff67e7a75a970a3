// Correlations: `correlate('orders', { … })`, what rules remember in them, and what is found there.
import { isDeepStrictEqual } from 'node:util';
import { optionError, type SourcePlace, Words } from '../../errors.js';
import type { ElementModel } from '../../schema/model.js';
import { checkName, isRecord, OptionReader } from '../../schema/options.js';
import { FieldSpec, type TypeSpec } from '../../schema/spec.js';
import type { CorrelationIr, SavedIr } from '../ir.js';
import { correlationCapacityMax, correlationTimeoutMsMax } from '../limits.js';
import { loneField, type PlacedField } from '../view.js';
import { currentCapture, placeHere } from './capture.js';
import type { CorrelateOptions, Correlation, KeptFields, KeyFields } from './correlate-types.js';
import { keptRef } from './kept.js';
import { OutputValue } from './outputs.js';
import { type AnyRef, isRef } from './refs.js';
import { SpecialTarget } from './targets.js';

/** A field of a correlation: what the IR says of it, and what it means. */
export interface KeptField {
  readonly ir: SavedIr;
  readonly field: PlacedField;
}

/** Runtime form of Lookup. */
export class LookupNode {
  readonly correlation: CorrelationNode;
  readonly by: 'id' | 'key';
  /** Indices among the fields of the message. */
  readonly fields: readonly number[];

  constructor(correlation: CorrelationNode, by: 'id' | 'key', refs: readonly AnyRef[]) {
    this.correlation = correlation;
    this.by = by;
    this.fields = refs.map(({ index }) => index);
  }
}

/** What a rule opens: indices among the fields of the message. */
export interface OpenNode {
  readonly correlation: CorrelationNode;
  readonly key: readonly number[];
  readonly saved: readonly number[];
}

type Settings = Pick<CorrelationIr, 'capacity' | 'timeoutMs' | 'full'>;

/** Runtime form of Correlation. */
export class CorrelationNode {
  readonly name: string;
  readonly settings: Settings;
  readonly keyFields: readonly KeptField[];
  readonly keptFields: readonly KeptField[];
  readonly place: SourcePlace;
  readonly saved: Readonly<Record<string, AnyRef>>;
  readonly #source = new SpecialTarget('correlated-source', null, this);
  readonly #destination = new SpecialTarget('correlated-destination', null, this);

  constructor(
    name: string,
    settings: Settings,
    keyFields: readonly KeptField[],
    keptFields: readonly KeptField[],
    place: SourcePlace,
  ) {
    this.name = name;
    this.settings = settings;
    this.keyFields = keyFields;
    this.keptFields = keptFields;
    this.place = place;
    const saved = keptFields.map(({ ir, field }, index) => {
      const get = (): AnyRef => keptRef(this, field, index);
      return [ir.name, { get, enumerable: true }] as const;
    });
    this.saved = Object.freeze(Object.defineProperties({}, Object.fromEntries(saved)));
    Object.freeze(this);
  }

  id(): OutputValue {
    currentCapture(`${this.name}.id`);
    return new OutputValue({ kind: 'correlation-id', correlation: this }, null, placeHere());
  }

  foundId(): OutputValue {
    currentCapture(`${this.name}.foundId`);
    return new OutputValue({ kind: 'found-id', correlation: this }, null, placeHere());
  }

  source(): SpecialTarget {
    return this.#source;
  }

  destination(): SpecialTarget {
    return this.#destination;
  }

  byId(id: unknown): LookupNode {
    const what = `${this.name}.byId`;
    const ref = requiredRef(id, what);
    if (ref.field.type === 'u64' && !ref.field.opaque) return new LookupNode(this, 'id', [ref]);
    const received = new Words(`${ref.field.name} (${ref.field.type})`);
    throw optionError('ERR_ROUTE', what, 'a u64 field', received, placeHere());
  }

  byKey(...key: readonly unknown[]): LookupNode {
    const what = `${this.name}.byKey`;
    if (this.keyFields.length === 0) {
      const expected = 'a correlation that was given a `key`';
      throw optionError('ERR_ROUTE', what, expected, new Words('one without it'), placeHere());
    }
    return new LookupNode(this, 'key', keptRefs(key, this.keyFields, what));
  }
}

/** What a rule's `opens` says. Throws ERR_ROUTE. */
export function openingOf(correlation: unknown, opening: unknown): OpenNode {
  const place = placeHere();
  const node = correlationOf(correlation, 'opens');
  const reader = new OptionReader(opening, `opens(${node.name})`, place, 'ERR_ROUTE');
  const keys = reader.raw('key') ?? [];
  const values = reader.raw('save') ?? {};
  reader.done();
  if (!Array.isArray(keys)) throw reader.error('key', 'an array of fields', keys);
  if (!isRecord(values)) throw reader.error('save', 'fields by name', values);
  const names = node.keptFields.map(({ ir }) => ir.name);
  const stranger = Object.keys(values).find((name) => !names.includes(name));
  if (stranger !== undefined) {
    throw reader.error('save', `fields of ${node.name}: ${names.join(', ')}`, stranger);
  }
  const indices = (refs: readonly AnyRef[]): number[] => refs.map(({ index }) => index);
  const saved = names.map((name) => values[name]);
  return {
    correlation: node,
    key: indices(keptRefs(keys, node.keyFields, `${reader.path}.key`)),
    saved: indices(keptRefs(saved, node.keptFields, `${reader.path}.save`)),
  };
}

function correlationOf(value: unknown, option: string): CorrelationNode {
  if (value instanceof CorrelationNode) return value;
  const expected = 'a correlation made by correlate(…)';
  throw optionError('ERR_ROUTE', option, expected, value, placeHere());
}

/** Fields of a message for those of a correlation, one for one and each of the same type. */
function keptRefs(
  given: readonly unknown[],
  wanted: readonly KeptField[],
  what: string,
): readonly AnyRef[] {
  if (given.length !== wanted.length) {
    const names = wanted.map(({ ir }) => ir.name).join(', ');
    const expected = wanted.length === 0 ? 'no fields' : `${wanted.length} fields: ${names}`;
    throw optionError('ERR_ROUTE', what, expected, given.length, placeHere());
  }
  return wanted.map((kept, index) => {
    const option = `${what}.${kept.ir.name}`;
    const ref = requiredRef(given[index], option);
    if (isAlike(ref, kept)) return ref;
    const { name, type, bytes } = ref.field;
    const received = new Words(`${name} (${type}, ${bytes} bytes)`);
    throw optionError('ERR_ROUTE', option, keptText(kept), received, placeHere());
  });
}

function isAlike({ field }: AnyRef, { ir, field: kept }: KeptField): boolean {
  const isSame = field.type === ir.type && field.bytes === ir.bytes;
  const isShaped = field.opaque ? field.shape === kept.shape : !kept.opaque;
  const meansSame = field.scale === kept.scale && field.isTimestamp === kept.isTimestamp;
  const isWithin = ir.max === undefined || field.ir.max !== undefined;
  const isNamed = isDeepStrictEqual({ ...field.symbols }, { ...kept.symbols });
  // What is no symbol is read alike on the way in and on the way out.
  const [given, wanted] = [field.enumeration?.unknown, kept.enumeration?.unknown];
  return isSame && isShaped && meansSame && isWithin && isNamed && isDeepStrictEqual(given, wanted);
}

function keptText({ ir, field: { scale, isTimestamp, symbols, enumeration, flags } }: KeptField) {
  const digits = scale === null ? '' : `, ${scale} digits behind the point`;
  const meaning = isTimestamp ? ', a timestamp' : digits;
  const names = symbols ?? flags;
  const named = names === null ? '' : `, of ${Object.keys(names).join(', ')}`;
  const policy = enumeration?.unknown.policy;
  const others = policy === undefined || policy === 'reject' ? '' : `, others: ${policy}`;
  const padded = ir.pad === undefined ? '' : `, padded with ${ir.pad}`;
  const text = `${ir.type}, ${ir.bytes} bytes${meaning}${named}${others}${padded}`;
  return `a field like ${ir.name} (${text})`;
}

function requiredRef(value: unknown, what: string): AnyRef {
  if (isRef(value) && value.field.presence === null) {
    currentCapture(what, value.capture);
    return value;
  }
  const received = isRef(value) ? new Words(`${value.field.name}, which is optional`) : value;
  const expected = 'a field that every message has';
  throw optionError('ERR_ROUTE', what, expected, received, placeHere());
}

const defaultTimeoutMs = 30_000;

/**
 * Messages that wait for what belongs to them, such as orders for their reports. A rule opens an
 * entry (`.opens(orders, { key, save })`), a route finds it (`lookup`), a rule closes it
 * (`.closes()`). The table is allocated when the router starts, never grows, and is the only thing
 * that a router remembers of messages. An entry that waits longer than `timeout` is forgotten, and
 * counts as a failure of the destination. One worker serves all routes that use a correlation.
 * Throws HyperRouteError ERR_ROUTE.
 *
 * @example
 * ```ts
 * const orders = correlate('orders', {
 *   capacity: 100_000,
 *   timeout: '30s',
 *   key: { client: t.u32, clOrdId: t.u64 },
 *   saved: { clOrdId: t.u64 },
 * });
 * ```
 */
export function correlate<
  K extends KeyFields = Record<never, never>,
  S extends KeptFields = Record<never, never>,
>(name: string, options: CorrelateOptions<K, S>): Correlation<K, S> {
  const place = placeHere();
  const path = `correlations.${checkName(name, 'correlate.name', 'ERR_ROUTE', place)}`;
  const reader = new OptionReader(options, path, place, 'ERR_ROUTE');
  const settings: Settings = {
    capacity: reader.integer('capacity', 1, correlationCapacityMax, undefined),
    timeoutMs: reader.duration('timeout', 1, correlationTimeoutMsMax, defaultTimeoutMs),
    full: reader.choice('full', ['reject', 'evict-oldest'], 'reject'),
  };
  const key = keptFields(reader, 'key', null);
  const saved = keptFields(reader, 'saved', name);
  reader.done();
  const node: unknown = new CorrelationNode(name, settings, key, saved, place);
  return node as Correlation<K, S>;
}

/** `owner`: the correlation that keeps them; null: they are those of a key. */
function keptFields(reader: OptionReader, option: string, owner: string | null): KeptField[] {
  const given = reader.raw(option) ?? {};
  if (!isRecord(given)) throw reader.error(option, 'types by name', given);
  return Object.entries(given).map(([name, spec]) => {
    const path = `${reader.path}.${option}.${name}`;
    checkName(name, path, 'ERR_ROUTE', reader.place);
    const isPlain = spec instanceof FieldSpec && spec.options.need === 'required';
    if (isPlain && isKeepable(spec.type, owner === null)) {
      // Where it is named, it is named as people write it.
      const field = loneField(owner === null ? name : `${owner}.saved.${name}`, spec.type);
      return { ir: savedIr(name, field), field };
    }
    const names = ['an integer type', 'an enumeration', 'a boolean'];
    if (owner !== null) names.push('a float', 'flags');
    const expected = `${names.join(', ')}, or text or bytes of a fixed size`;
    const received = spec instanceof FieldSpec ? spec.type.kind : spec;
    throw optionError('ERR_ROUTE', path, expected, received, reader.place);
  });
}

const numberKinds: readonly string[] = ['integer', 'decimal', 'timestamp', 'enum', 'bool'];
const bytesKinds: readonly string[] = ['ascii', 'bytes'];
/** Kept as the numbers that their bytes are. */
const carriedKinds: readonly string[] = ['float', 'flags'];

function isKeepable(type: TypeSpec, isKey: boolean): type is ElementModel {
  const isCarried = !isKey && carriedKinds.includes(type.kind);
  return numberKinds.includes(type.kind) || bytesKinds.includes(type.kind) || isCarried;
}

function savedIr(name: string, field: PlacedField): SavedIr {
  const { type, bytes, pad, max } = field.ir;
  const meaning = meaningOf(field);
  return {
    ...{ name, type: type as SavedIr['type'], bytes },
    ...(pad === undefined ? {} : { pad }),
    ...(max === undefined ? {} : { max }),
    ...(meaning === '[]' ? {} : { meaning }),
  };
}

/** Digits behind the point, symbols, and what else is read from the number. */
function meaningOf({ opaque, shape, scale, isTimestamp, symbols, flags }: PlacedField): string {
  const named = Object.entries({ ...symbols, ...flags }).map(([name, value]) => `${name} ${value}`);
  const measure = isTimestamp ? ['timestamp'] : scale === null ? [] : [`scale ${scale}`];
  return JSON.stringify([...(opaque ? [shape] : []), ...measure, ...named]);
}
