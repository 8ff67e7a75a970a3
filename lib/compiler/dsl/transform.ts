// Transforms: `transform(From, To, (o) => ({ … }))`, field by field, and the special values.
import { optionError, type SourcePlace } from '../../errors.js';
import { type AnySchema, type FieldsOf, isSchema, type NameOf } from '../../schema/schema.js';
import type { PluginCallIr } from '../ir.js';
import { placedFields } from '../view.js';
import { capture, currentCapture, placeHere } from './capture.js';
import type { CodeReference } from './codes.js';
import { noteTransform } from './kept.js';
import type { OutputsOf } from './output-types.js';
import { OutputValue } from './outputs.js';
import { type PlannedOutput, planOutputs } from './plan.js';
import { refsOf } from './refs.js';
import type { Refs, Transform, Value } from './types.js';

/** A function of a plug-in that writes the message. */
export interface PluginTransform {
  readonly call: PluginCallIr;
  readonly codes: readonly CodeReference[];
}

/** Runtime form of Transform. */
export class TransformNode {
  readonly name: string;
  readonly from: AnySchema;
  readonly to: AnySchema;
  readonly outputs: readonly PlannedOutput[];
  readonly place: SourcePlace;
  readonly plugin: PluginTransform | null;

  constructor(
    from: AnySchema,
    to: AnySchema,
    outputs: readonly PlannedOutput[],
    place: SourcePlace,
    plugin: PluginTransform | null = null,
  ) {
    this.name = `${from.name}->${to.name}`;
    this.from = from;
    this.to = to;
    this.outputs = outputs;
    this.place = place;
    this.plugin = plugin;
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
    (run) => {
      noteTransform(run);
      return build(refsOf(from, run)) as unknown;
    },
    (returned, run) => {
      const target = { name: to.name, fields: placedFields(to) };
      return planOutputs(returned, target, run, subject, place);
    },
    'none',
  );
  return new TransformNode(from, to, outputs, place) as unknown as Transform<
    NameOf<From>,
    NameOf<To>
  >;
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
