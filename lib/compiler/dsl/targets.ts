// Where messages can go: endpoints, pools, back to a sender, nowhere.
import { optionError, type SourcePlace } from '../../errors.js';
import type { AnySchema, NameOf } from '../../schema/schema.js';
import type { Raw, Union } from '../../schema/union.js';
import type { EndpointControlIr, EndpointIr, PoolIr } from '../ir.js';
import type { BalancingNode, StrategyTable } from './balancing.js';
import { currentCapture, placeHere } from './capture.js';
import type { CorrelationNode } from './correlate.js';
import { NumberFieldRef } from './refs.js';
import type { Destination, RawName, Source, Value } from './types.js';

/** What an endpoint can be said to carry. */
export type Messages = Raw | Union | AnySchema;

/** The names of the types that come from an endpoint. */
export type CarriedBy<M extends Messages> =
  M extends Union<string, infer Member>
    ? NameOf<Member>
    : M extends AnySchema
      ? NameOf<M>
      : RawName;

/** The names of the types that can be sent to an endpoint: a raw one takes any bytes. */
export type AcceptedBy<M extends Messages> = M extends Raw ? string : CarriedBy<M>;

/** An endpoint of any kind and message family. */
export interface AnyEndpoint {
  readonly name: string;
  readonly kind: EndpointIr['kind'];
}

/** Both a source and a destination of messages. */
export interface Endpoint<Carried extends string = never, Accepted extends string = Carried>
  extends AnyEndpoint,
    Source<Carried>,
    Destination<Accepted> {}

/** The endpoint that carries the messages of a family. */
export type EndpointOf<M extends Messages> = Endpoint<CarriedBy<M>, AcceptedBy<M>>;

/** Runtime form of Endpoint. */
export class EndpointNode {
  readonly name: string;
  readonly kind: EndpointIr['kind'];
  readonly messages: Messages;
  readonly options: Readonly<Record<string, unknown>>;
  readonly place: SourcePlace;
  readonly control: EndpointControlIr | undefined;

  constructor(
    name: string,
    kind: EndpointIr['kind'],
    messages: Messages,
    options: Readonly<Record<string, unknown>>,
    place: SourcePlace,
    control?: EndpointControlIr,
  ) {
    this.name = name;
    this.kind = kind;
    this.messages = messages;
    this.options = options;
    this.place = place;
    this.control = control;
  }
}

/** Runtime form of Pool. */
export class PoolNode {
  readonly name: string;
  readonly members: readonly EndpointNode[];
  /** Of the members, in their order. */
  readonly weights: readonly number[];
  readonly ids: readonly (bigint | undefined)[];
  readonly balancing: BalancingNode;
  /** Of a user's strategy. */
  readonly slots: StrategyTable['slots'];
  readonly failover: readonly EndpointNode[];
  readonly control: Pick<PoolIr, 'panic' | 'eject' | 'slowStartMs'>;
  readonly place: SourcePlace;

  constructor(parts: Omit<PoolNode, 'constructor'>) {
    this.name = parts.name;
    this.members = parts.members;
    this.weights = parts.weights;
    this.ids = parts.ids;
    this.balancing = parts.balancing;
    this.slots = parts.slots;
    this.failover = parts.failover;
    this.control = parts.control;
    this.place = parts.place;
  }
}

type SpecialKind =
  | 'return-source'
  | 'return-field'
  | 'discard'
  | 'correlated-source'
  | 'correlated-destination';

/** Runtime form of `returnTo` and `discard`, and of where a correlation leads. */
export class SpecialTarget {
  readonly kind: SpecialKind;
  readonly ref: NumberFieldRef | null;
  readonly correlation: CorrelationNode | null;

  constructor(
    kind: SpecialKind,
    ref: NumberFieldRef | null = null,
    correlation: CorrelationNode | null = null,
  ) {
    this.kind = kind;
    this.ref = ref;
    this.correlation = correlation;
  }
}

export type TargetNode = EndpointNode | PoolNode | SpecialTarget;

/** A pool as a destination of the types that all its members take. */
export interface Pool<Accepted extends string = never> extends Destination<Accepted> {
  readonly name: string;
}

/** Names the connection or datagram sender that the message in hand came from. */
export const source: unique symbol = Symbol('hyperroute.source');

/**
 * Sends back: `returnTo(source)` to where the message in hand came from, `returnTo(r.ordId)` to
 * the return address that a u64 field of it carries. An address whose peer has gone rejects the
 * message with STALE_RETURN_ADDRESS.
 */
export function returnTo(address: typeof source | Value<'u64'>): Destination<string> {
  return returnTarget(address) as unknown as Destination<string>;
}

function returnTarget(address: unknown): SpecialTarget {
  if (address === source) return new SpecialTarget('return-source');
  const isRequired = address instanceof NumberFieldRef && address.field.presence === null;
  if (isRequired && address.type === 'u64') {
    currentCapture('returnTo', address.capture);
    return new SpecialTarget('return-field', address);
  }
  const received =
    address instanceof NumberFieldRef ? `${address.text} (${address.type})` : address;
  const expected = '`source` or a u64 field that every message has';
  throw optionError('ERR_ROUTE', 'returnTo', expected, received, placeHere());
}

/** The message is counted and dropped. */
export const discard: Destination<string> = new SpecialTarget(
  'discard',
) as unknown as Destination<string>;

export function isTarget(value: unknown): value is TargetNode {
  return (
    value instanceof EndpointNode || value instanceof PoolNode || value instanceof SpecialTarget
  );
}

/** The target behind a destination. Throws when the value is none. */
export function targetOf(value: unknown, option: string, place: SourcePlace): TargetNode {
  if (isTarget(value)) return value;
  const expected = 'an endpoint, a pool, returnTo(…), discard or orders.source()';
  throw optionError('ERR_ROUTE', option, expected, value, place);
}
