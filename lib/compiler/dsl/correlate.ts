// Correlations: `correlate('orders', { … })`, what rules remember in them, and what is found there.
import { isDeepStrictEqual } from 'node:util';
import { optionError, type SourcePlace } from '../../errors.js';
import { integerFacts } from '../../schema/model.js';
import { checkName, isRecord, OptionReader } from '../../schema/options.js';
import { FieldSpec } from '../../schema/spec.js';
import type { CorrelationIr, SavedIr } from '../ir.js';
import { correlationCapacityMax, correlationTimeoutMsMax } from '../limits.js';
import { currentCapture, placeHere } from './capture.js';
import type { CorrelateOptions, Correlation, KeptFields, KeyFields } from './correlate-types.js';
import { OutputValue } from './outputs.js';
import { type AnyRef, isRef } from './refs.js';
import { SpecialTarget } from './targets.js';

/** A field of a correlation: what the IR says of it, and what it means. */
export interface KeptField {
  readonly ir: SavedIr;
  readonly scale: number | null;
  readonly isTimestamp: boolean;
  readonly symbols: Readonly<Record<string, bigint>> | null;
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
  readonly saved: Readonly<Record<string, OutputValue>>;
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
    const values = keptFields.map(({ ir }, index) => {
      const value = { kind: 'saved', correlation: this, index } as const;
      return [ir.name, new OutputValue(value, null, place)] as const;
    });
    this.saved = Object.freeze(Object.fromEntries(values));
    Object.freeze(this);
  }

  id(): OutputValue {
    currentCapture(`${this.name}.id`);
    return new OutputValue({ kind: 'correlation-id', correlation: this }, null, placeHere());
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
    const received = `${ref.field.name} (${ref.field.type})`;
    throw optionError('ERR_ROUTE', what, 'a u64 field', received, placeHere());
  }

  byKey(...key: readonly unknown[]): LookupNode {
    const what = `${this.name}.byKey`;
    if (this.keyFields.length === 0) {
      const expected = 'a correlation that was given a `key`';
      throw optionError('ERR_ROUTE', what, expected, 'one without it', placeHere());
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
    const received = `${name} (${type}, ${bytes} bytes)`;
    throw optionError('ERR_ROUTE', option, keptText(kept), received, placeHere());
  });
}

function isAlike({ field }: AnyRef, { ir, scale, isTimestamp, symbols }: KeptField): boolean {
  const isSame = field.type === ir.type && field.bytes === ir.bytes && field.ir.pad === ir.pad;
  const meansSame = field.scale === scale && field.isTimestamp === isTimestamp;
  const isBytes = !field.opaque || field.shape === 'bytes' || field.ir.pad !== undefined;
  const isWithin = ir.max === undefined || field.ir.max !== undefined;
  const named = isDeepStrictEqual({ ...(field.symbols ?? {}) }, { ...(symbols ?? {}) });
  return isSame && meansSame && isBytes && isWithin && named;
}

function keptText({ ir, scale, isTimestamp, symbols }: KeptField): string {
  const digits = scale === null ? '' : `, ${scale} digits behind the point`;
  const meaning = isTimestamp ? ', a timestamp' : digits;
  const names = symbols === null ? '' : `, of ${Object.keys(symbols).join(', ')}`;
  const padded = ir.pad === undefined ? '' : `, padded with ${ir.pad}`;
  return `a field like ${ir.name} (${ir.type}, ${ir.bytes} bytes${meaning}${names}${padded})`;
}

function requiredRef(value: unknown, what: string): AnyRef {
  if (isRef(value) && value.field.presence === null) {
    currentCapture(what, value.capture);
    return value;
  }
  const received = isRef(value) ? `${value.field.name}, which is optional` : value;
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
  const key = keptFields(reader, 'key', true);
  const saved = keptFields(reader, 'saved', false);
  reader.done();
  const node: unknown = new CorrelationNode(name, settings, key, saved, place);
  return node as Correlation<K, S>;
}

function keptFields(reader: OptionReader, option: string, isKey: boolean): KeptField[] {
  const given = reader.raw(option) ?? {};
  if (!isRecord(given)) throw reader.error(option, 'types by name', given);
  return Object.entries(given).map(([name, spec]) => {
    const path = `${reader.path}.${option}.${name}`;
    checkName(name, path, 'ERR_ROUTE', reader.place);
    const isPlain = spec instanceof FieldSpec && spec.options.need === 'required';
    const kept = isPlain ? keptField(name, spec, isKey) : null;
    if (kept !== null) return kept;
    const symbols = isKey ? ', an enumeration, a boolean' : '';
    const expected = `an integer type${symbols}, or text or bytes of a fixed size`;
    const received = spec instanceof FieldSpec ? spec.type.kind : spec;
    throw optionError('ERR_ROUTE', path, expected, received, reader.place);
  });
}

function keptField(name: string, { type }: FieldSpec, isKey: boolean): KeptField | null {
  const plain = { scale: null, isTimestamp: false, symbols: null };
  if (type.kind === 'ascii' || type.kind === 'bytes') {
    const pad = type.kind === 'ascii' ? { pad: type.pad } : {};
    return { ...plain, ir: { name, type: 'bytes', bytes: type.bytes, ...pad } };
  }
  const isSymbol = type.kind === 'enum' || type.kind === 'bool';
  const isNumber = type.kind === 'integer' || type.kind === 'decimal' || type.kind === 'timestamp';
  if (!isNumber && !(isSymbol && isKey)) return null;
  const max = type.kind === 'integer' && type.safe ? { max: safeMax } : {};
  const ir: SavedIr = { name, type: type.base, bytes: integerFacts[type.base].bytes, ...max };
  return {
    ir,
    scale: type.kind === 'decimal' ? type.scale : null,
    isTimestamp: type.kind === 'timestamp',
    symbols: type.kind === 'enum' ? type.symbols : type.kind === 'bool' ? boolSymbols : null,
  };
}

const safeMax = BigInt(Number.MAX_SAFE_INTEGER);
const boolSymbols = Object.freeze({ false: 0n, true: 1n });
