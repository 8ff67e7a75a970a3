// The oracle: executes a configuration message by message straight from the IR, slowly and
// obviously. The native step must give the same results; it shares no code and no tables with
// this file, and this file knows nothing of route images.
//
// Frame check first: a message is MALFORMED or of UNKNOWN_TYPE without a route, because nothing of
// it can be relied on. Then the route of (source, schema), its checks in order, its rules in
// order, the target, and last the transform.
// Arithmetic that leaves 128 bits rejects the message with OUT_OF_RANGE.
import { rejectCodes } from '../codes.js';
import { nativeMessageBytesMax } from '../schema/model.js';
import { readField } from './fields.js';
import { holds, Overflow } from './interpret-condition.js';
import { type PoolState, pickMember, randomState } from './interpret-pool.js';
import {
  outputBytesOf,
  runTransform,
  type SequencePatch,
  type TransformContext,
  type Transformed,
} from './interpret-transform.js';
import { knownView, viewOf } from './interpret-view.js';
import type {
  ActionIr,
  ConditionIr,
  DecisionTableIr,
  FamilyIr,
  FieldIr,
  RouteIr,
  RouterIr,
  SchemaIr,
} from './ir.js';

export { runTransform, type SequencePatch, type TransformContext, type Transformed };

/** What changes while a configuration runs: `interpret` changes positions and random numbers. */
export type InterpreterState = PoolState;

export type DecidedTarget =
  | { readonly kind: 'endpoint'; readonly endpoint: number }
  | { readonly kind: 'return-source' }
  | {
      readonly kind: 'return-address';
      readonly address: bigint;
      /** Endpoints that carry the message: the address is stale when it names another one. */
      readonly endpoints: readonly number[];
    };

/** Mirrors the native Decision; null where that has kNoIndex. */
export interface Decision {
  readonly outcome: 'deliver' | 'discard' | 'reject';
  readonly target: DecidedTarget | null;
  readonly route: number | null;
  readonly rule: number | null;
  readonly transform: number | null;
  /** 0 unless rejected. */
  readonly rejectCode: number;
  /** Size of the message that leaves; 0 when none does. */
  readonly outputBytes: number;
}

/** A message's whole way: the decision, what left, and what was sent because of a reject. */
export interface Interpreted {
  readonly decision: Decision;
  /** What leaves for `decision.target`; null unless it is delivered. */
  readonly delivered: Transformed | null;
  /** Why it was rejected, by the decision or by its transform; 0: it was not. */
  readonly rejectCode: number;
  /** The reject's own decision, when the message was rejected. */
  readonly reject: Decision | null;
  /** What leaves for `reject.target`; null: the reject was counted and dropped. */
  readonly rejected: Transformed | null;
}

/** The state of a configuration that has just started: everything can be used, nothing is busy. */
export function initialState(ir: RouterIr, seed = 0n): InterpreterState {
  return {
    poolPositions: ir.pools.map(() => 0),
    alive: ir.endpoints.map(() => 255),
    load: ir.endpoints.map(() => ({ queuedBytes: 0, outstanding: 0 })),
    random: randomState(seed),
  };
}

interface Recognised {
  readonly code: number;
  readonly schema: number | null;
  /** Where the fields are read. */
  readonly view: Uint8Array;
}

/** The schema of a message, or why it has none. Raw endpoints take anything. */
function recognise(ir: RouterIr, source: number, message: Uint8Array): Recognised {
  const family = ir.families[ir.endpoints[source]?.family ?? 0] as FamilyIr;
  if (family.members.length === 0) return { code: 0, schema: null, view: message };
  const none = (code: number): Recognised => ({ code, schema: null, view: message });
  let index = family.members[0] as number;
  const { discriminator, size } = family;
  if (discriminator !== null) {
    if (message.length < discriminator.offset + discriminator.bytes) {
      return none(rejectCodes.MALFORMED);
    }
    const type = readField(message, discriminator);
    const member = family.members.find((candidate) => ir.schemas[candidate]?.templateId === type);
    if (member === undefined) return none(rejectCodes.UNKNOWN_TYPE);
    index = member;
  }
  const view = viewOf(ir.schemas[index] as SchemaIr, message);
  if (typeof view === 'number') return none(view);
  if (size !== null && readField(message, size) !== BigInt(message.length)) {
    return none(rejectCodes.MALFORMED);
  }
  return { code: 0, schema: index, view };
}

function fieldValue(schema: SchemaIr, field: number, message: Uint8Array): bigint {
  return readField(message, schema.fields[field] as FieldIr);
}

function rejection(code: number, route: number | null, rule: number | null): Decision {
  return {
    outcome: 'reject',
    target: null,
    route,
    rule,
    transform: null,
    rejectCode: code,
    outputBytes: 0,
  };
}

/**
 * The endpoints that can be sent a message of a schema: a raw one takes any bytes, one that finds
 * blocks in its datagrams takes nothing.
 */
function carriers(ir: RouterIr, schema: number): readonly number[] {
  return ir.endpoints.flatMap(({ family, options }, index) => {
    const framing = options.framing as { readonly kind?: unknown } | null | undefined;
    if (framing?.kind === 'blocks') return [];
    const members = ir.families[family]?.members ?? [];
    return members.length === 0 || members.includes(schema) ? [index] : [];
  });
}

/** The message that an action sends: its schema's size, or the message as it came. */
function act(
  ir: RouterIr,
  state: InterpreterState,
  message: Uint8Array,
  view: Uint8Array,
  action: ActionIr,
  route: number,
  rule: number | null,
): Decision {
  const { target, transform } = action;
  const base = { route, rule, transform, rejectCode: 0 };
  if (target.kind === 'discard') {
    return { ...base, outcome: 'discard', target: null, transform: null, outputBytes: 0 };
  }
  const to = transform === null ? null : (ir.transforms[transform]?.to ?? null);
  const outputBytes = transform === null ? message.length : outputBytesOf(ir, transform, message);
  if (transform !== null && outputBytes > nativeMessageBytesMax) {
    return rejection(rejectCodes.OUT_OF_RANGE, route, rule);
  }
  const deliver = { ...base, outcome: 'deliver', outputBytes } as const;
  if (target.kind === 'return-source') return { ...deliver, target: { kind: 'return-source' } };
  if (target.kind === 'return-field') {
    const schema = ir.schemas[ir.routes[route]?.schema ?? 0] as SchemaIr;
    const address = fieldValue(schema, target.field, view);
    const endpoints = carriers(ir, to ?? (ir.routes[route]?.schema as number));
    return { ...deliver, target: { kind: 'return-address', address, endpoints } };
  }
  const endpoint =
    target.kind === 'pool'
      ? pickMember(ir, state, target.pool, {
          schema: ir.routes[route]?.schema ?? null,
          message,
          view,
        })
      : target.endpoint;
  if (endpoint === null) return rejection(rejectCodes.NO_DESTINATION, route, rule);
  return { ...deliver, target: { kind: 'endpoint', endpoint } };
}

/** Where a message goes. Changes the state as picks do, nothing else. */
export function decide(
  ir: RouterIr,
  state: InterpreterState,
  source: number,
  message: Uint8Array,
): Decision {
  const { code, schema, view } = recognise(ir, source, message);
  if (code !== 0) return rejection(code, null, null);
  const route = ir.routes.findIndex(
    (candidate) => candidate.schema === schema && candidate.sources.includes(source),
  );
  if (route < 0) return rejection(rejectCodes.NO_ROUTE, null, null);
  try {
    return follow(ir, state, route, message, view);
  } catch (error) {
    if (error instanceof Overflow) return rejection(rejectCodes.OUT_OF_RANGE, route, null);
    throw error;
  }
}

/** The rule of the combination of classes that the message's values belong to; -1: none. */
function cellOf({ dimensions, cells }: DecisionTableIr, read: (field: number) => bigint): number {
  let cell = 0;
  for (const { field, starts } of dimensions) {
    const value = read(field);
    const place = starts.filter((start) => start <= value).length;
    cell = cell * (starts.length + 1) + place;
  }
  return cells[cell] ?? -1;
}

function follow(
  ir: RouterIr,
  state: InterpreterState,
  routeIndex: number,
  message: Uint8Array,
  view: Uint8Array,
): Decision {
  const route = ir.routes[routeIndex] as RouteIr;
  const schema = ir.schemas[route.schema ?? -1] as SchemaIr;
  const isTrue = (condition: ConditionIr): boolean => holds(condition, { schema, view, message });
  const failed = route.checks.find((check) => !isTrue(check.condition));
  if (failed !== undefined) return rejection(failed.code, routeIndex, null);
  const index =
    route.table === undefined
      ? route.rules.findIndex((rule) => rule.when === null || isTrue(rule.when))
      : cellOf(route.table, (field) => fieldValue(schema, field, view));
  const rule = route.rules[index];
  if (rule === undefined) return rejection(rejectCodes.NO_ROUTE, routeIndex, null);
  return act(ir, state, message, view, rule.action, routeIndex, index);
}

/** Where a rejected message goes. Never a reject: one that fails is counted and dropped. */
export function decideReject(
  ir: RouterIr,
  state: InterpreterState,
  message: Uint8Array,
  decision: Decision,
): Decision {
  const { route, rule } = decision;
  const action = route === null ? null : (ir.routes[route]?.reject ?? null);
  const dropped: Decision = { ...rejection(0, route, rule), outcome: 'discard' };
  if (action === null || route === null) return dropped;
  const schema = ir.routes[route]?.schema ?? null;
  const view = schema === null ? message : knownView(ir.schemas[schema] as SchemaIr, message);
  const made = act(ir, state, message, view, action, route, rule);
  return made.outcome === 'reject' ? dropped : made;
}

/** The whole way of one message, as the engine walks it when every queue has room. */
export function interpret(
  ir: RouterIr,
  state: InterpreterState,
  source: number,
  message: Uint8Array,
  returnAddress: bigint,
): Interpreted {
  const decision = decide(ir, state, source, message);
  let rejectCode = decision.rejectCode;
  if (decision.outcome === 'discard') {
    return { decision, delivered: null, rejectCode, reject: null, rejected: null };
  }
  if (decision.outcome === 'deliver') {
    const context = { returnAddress, rejectCode: 0 };
    const delivered = runTransform(ir, decision.transform, message, context);
    if (delivered.rejectCode === 0) {
      return { decision, delivered, rejectCode, reject: null, rejected: null };
    }
    rejectCode = delivered.rejectCode;
  }
  const reject = decideReject(ir, state, message, decision);
  if (reject.outcome !== 'deliver') {
    return { decision, delivered: null, rejectCode, reject, rejected: null };
  }
  const made = runTransform(ir, reject.transform, message, { returnAddress, rejectCode });
  const rejected = made.rejectCode === 0 ? made : null;
  return { decision, delivered: null, rejectCode, reject, rejected };
}
