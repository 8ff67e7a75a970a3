// Transforms: `transform(From, To, (o) => ({ … }))`, field by field, and the special values.
import { optionError, type SourcePlace } from '../../errors.js';
import { integerFacts, isIntegerType, widens } from '../../schema/model.js';
import { exactInteger, isRecord } from '../../schema/options.js';
import { type AnySchema, type FieldsOf, isSchema, type NameOf } from '../../schema/schema.js';
import { type PlacedField, placedFields } from '../placed.js';
import { type Capture, capture, currentCapture, placeHere } from './capture.js';
import { builtInCode, type CodeReference } from './codes.js';
import {
  type AnyRef,
  BytesFieldRef,
  isRef,
  NarrowingNode,
  NumberFieldRef,
  OutputValue,
  rangeCodeOf,
  refsOf,
  SymbolFieldRef,
  type ValueNode,
} from './refs.js';
import type { OutputsOf, Refs, Transform, Value } from './types.js';

/** What is written to one field; codes get their numbers when the router is defined. */
export type OutputNode =
  | { readonly kind: 'field'; readonly field: number }
  | { readonly kind: 'const'; readonly value: bigint }
  | {
      readonly kind: 'map';
      readonly field: number;
      readonly pairs: readonly (readonly [bigint, bigint])[];
      readonly code: CodeReference;
    }
  | { readonly kind: 'return-address' | 'sequence' | 'reject-code' };

export interface PlannedOutput {
  readonly name: string;
  readonly value: OutputNode;
  readonly rangeCode: CodeReference;
}

/** Runtime form of Transform. */
export class TransformNode {
  readonly name: string;
  readonly from: AnySchema;
  readonly to: AnySchema;
  readonly outputs: readonly PlannedOutput[];
  readonly place: SourcePlace;

  constructor(
    from: AnySchema,
    to: AnySchema,
    outputs: readonly PlannedOutput[],
    place: SourcePlace,
  ) {
    this.name = `${from.name}->${to.name}`;
    this.from = from;
    this.to = to;
    this.outputs = outputs;
    this.place = place;
  }
}

/** Refuses, in the types, outputs that the schema does not have. */
type Exact<Given, Allowed> = Given & {
  readonly [Key in Exclude<keyof Given, keyof Allowed>]: never;
};

/**
 * Says how a message of `to` is built from one of `from`: `build` gets the fields of the message
 * in hand and returns a value for every field of `to` that is not of its header: a field, a
 * constant, `sequence()`, `returnAddress()`, `rejectCode()`, or a checked conversion
 * (`o.qty.to('u16').orReject('QTY_RANGE')`). Nothing is ever truncated silently. `build` runs
 * once, now. Throws HyperRouteError ERR_ROUTE.
 *
 * @example
 * ```ts
 * const toVenue = transform(NewOrder, VenueOrder, (o) => ({
 *   seq: sequence(), price: o.price, qty: o.qty, ordId: returnAddress(), clOrdId: o.clOrdId }));
 * ```
 */
export function transform<
  From extends AnySchema,
  To extends AnySchema,
  const Outputs extends OutputsOf<To>,
>(
  from: From,
  to: To,
  build: (message: Refs<From>) => Exact<Outputs, FieldsOf<To>>,
): Transform<NameOf<From>, NameOf<To>> {
  const place = placeHere();
  for (const [option, value] of Object.entries({ from, to })) {
    if (!isSchema(value))
      throw optionError('ERR_ROUTE', `transform.${option}`, 'a schema', value, place);
  }
  if (typeof build !== 'function') {
    throw optionError('ERR_ROUTE', 'transform.build', 'a function', build, place);
  }
  const subject = `transform ${from.name}->${to.name}`;
  const outputs = capture(
    subject,
    (run) => build(refsOf(from, run)) as unknown,
    (returned, run) => planOutputs(returned, to, run, subject, place),
    'none',
  );
  return new TransformNode(from, to, outputs, place) as unknown as Transform<
    NameOf<From>,
    NameOf<To>
  >;
}

function planOutputs(
  returned: unknown,
  to: AnySchema,
  run: Capture,
  subject: string,
  place: SourcePlace,
): PlannedOutput[] {
  if (!isRecord(returned) || isRef(returned) || returned instanceof OutputValue) {
    const expected = `an object with a value for each field of ${to.name}`;
    throw optionError('ERR_ROUTE', subject, expected, returned, place);
  }
  return Object.entries(returned).map(([name, value]) => {
    const what = `${subject}.${name}`;
    const field = placedFields(to).find((candidate) => candidate.name === name);
    if (field === undefined) {
      const expected = `fields of ${to.name}: ${placedFields(to)
        .map((known) => known.name)
        .join(', ')}`;
      throw optionError('ERR_ROUTE', what, expected, name, place);
    }
    return planOutput(field, value, run, what, place);
  });
}

function planOutput(
  field: PlacedField,
  given: unknown,
  run: Capture,
  what: string,
  place: SourcePlace,
): PlannedOutput {
  const { name } = field;
  if (given instanceof NarrowingNode) {
    const expected = "a conversion that can fail to say what happens then: .orReject('CODE')";
    throw optionError('ERR_ROUTE', what, expected, 'a conversion without it', place);
  }
  if (isRef(given) || given instanceof OutputValue) {
    const output = isRef(given) ? outputOfRef(given, place) : given;
    const value = plan(field, output, run, what);
    return { name, value, rangeCode: output.narrowing ?? rangeCodeOf(place) };
  }
  return { name, value: constantOf(field, given, what, place), rangeCode: rangeCodeOf(place) };
}

function outputOfRef(ref: AnyRef, place: SourcePlace): OutputValue {
  const type = ref instanceof NumberFieldRef ? ref.type : 'bytes';
  return new OutputValue({ kind: 'field', ref, type }, null, place);
}

function plan(field: PlacedField, output: OutputValue, run: Capture, what: string): OutputNode {
  const { value, place } = output;
  if ('ref' in value) currentCapture(what, value.ref.capture);
  if (value.kind === 'map') return mapOf(field, value.ref, value.targets, what, place);
  if (value.kind !== 'field') return special(field, value.kind, what, place);
  const { ref } = value;
  if (ref.capture !== run) currentCapture(what, ref.capture);
  if (ref instanceof SymbolFieldRef) {
    const targets = Object.fromEntries(Object.keys(ref.symbols).map((symbol) => [symbol, symbol]));
    return mapOf(field, ref, targets, what, place);
  }
  if (ref instanceof BytesFieldRef) {
    if (field.shape === ref.field.shape && field.bytes === ref.field.bytes) {
      return { kind: 'field', field: ref.index };
    }
    throw unfit(field, `${ref.field.shape} of ${ref.field.bytes} bytes`, what, place);
  }
  if (field.symbols === null && isIntegerType(field.type) && isIntegerType(value.type)) {
    if (widens(value.type, field.type)) return { kind: 'field', field: ref.index };
  }
  throw unfit(field, `${ref.field.name} (${value.type})`, what, place);
}

function mapOf(
  field: PlacedField,
  ref: AnyRef,
  targets: Readonly<Record<string, string | bigint>>,
  what: string,
  place: SourcePlace,
): OutputNode {
  const symbols = ref.field.symbols ?? {};
  const pairs = Object.entries(targets).map(([symbol, target]) => {
    const to = typeof target === 'string' ? field.symbols?.[target] : target;
    const isNumber = field.symbols === null && typeof target === 'bigint';
    if (to === undefined || (typeof target === 'bigint' && !isNumber) || !holds(field, to)) {
      throw unfit(field, `${symbol} -> ${target}`, what, place);
    }
    return [symbols[symbol] as bigint, to] as const;
  });
  pairs.sort(([left], [right]) => (left < right ? -1 : 1));
  return { kind: 'map', field: ref.index, pairs, code: builtInCode('BAD_ENUM', place) };
}

function holds(field: PlacedField, value: bigint): boolean {
  if (!isIntegerType(field.type)) return false;
  const { low, high } = integerFacts[field.type];
  return value >= low && value <= high;
}

const specialTypes: Readonly<Record<string, readonly string[]>> = {
  'return-address': ['u64'],
  sequence: ['u8', 'u16', 'u32', 'u64'],
  'reject-code': ['u32', 'u64'],
};

function special(
  field: PlacedField,
  kind: Exclude<ValueNode['kind'], 'field' | 'map'>,
  what: string,
  place: SourcePlace,
): OutputNode {
  const types = specialTypes[kind] ?? [];
  if (field.symbols === null && types.includes(field.type)) return { kind };
  const expected = `a field of type ${types.join(', ')} for the ${kind}`;
  throw optionError('ERR_ROUTE', what, expected, `${field.name} (${field.type})`, place);
}

function constantOf(
  field: PlacedField,
  given: unknown,
  what: string,
  place: SourcePlace,
): OutputNode {
  if (field.symbols !== null) {
    const isBool = field.shape === 'bool';
    const isKind = isBool ? typeof given === 'boolean' : typeof given === 'string';
    const value = isKind ? field.symbols[String(given)] : undefined;
    if (value !== undefined) return { kind: 'const', value };
    throw unfit(field, given, what, place);
  }
  const value = exactInteger(given);
  if (value !== undefined && holds(field, value)) return { kind: 'const', value };
  throw unfit(field, given, what, place);
}

function unfit(field: PlacedField, received: unknown, what: string, place: SourcePlace): Error {
  return optionError('ERR_ROUTE', what, acceptedBy(field), received, place);
}

function acceptedBy(field: PlacedField): string {
  if (field.symbols !== null) return `one of ${Object.keys(field.symbols).join(', ')}`;
  if (!isIntegerType(field.type)) return `a field of ${field.bytes} ${field.shape}`;
  const { low, high } = integerFacts[field.type];
  return `a value of ${field.type} (${low} to ${high}), or a conversion to it with orReject`;
}

function specialValue<Kind extends 'return-address' | 'sequence' | 'reject-code'>(
  kind: Kind,
): Value<Kind> {
  currentCapture(kind);
  return new OutputValue({ kind }, null, placeHere()) as unknown as Value<Kind>;
}

/**
 * In a transform, for a u64 field: the address under which the connection or datagram sender of
 * the message in hand can be answered (`returnTo(r.field)`). Opaque; valid while the peer lives.
 */
export function returnAddress(): Value<'return-address'> {
  return specialValue('return-address');
}

/**
 * In a transform, for an unsigned field: the number of the message on the connection it leaves on,
 * from 1, modulo the size of the field.
 */
export function sequence(): Value<'sequence'> {
  return specialValue('sequence');
}

/** In the transform of `rejects`, for a u32 or u64 field: why the message was rejected. */
export function rejectCode(): Value<'reject-code'> {
  return specialValue('reject-code');
}
