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
import type { Decision, Delivery, Interpreted } from './interpret-types.js';
import { knownView, viewOf } from './interpret-view.js';
import type {
  ActionIr,
  ConditionIr,
  DecisionTableIr,
  FamilyIr,
  FieldIr,
  PoolIr,
  RouteIr,
  RouterIr,
  RuleIr,
  SchemaIr,
} from './ir.js';

export type * from './interpret-types.js';
export { runTransform, type SequencePatch, type TransformContext, type Transformed };

/** What changes while a configuration runs: `interpret` changes all but `alive` and `load`. */
export interface InterpreterState extends PoolState {
  /** For each tap, numbered through all routes, how many messages its rule has sent. */
  readonly tapCounts: number[];
}

/** The state of a configuration that has just started: everything can be used, nothing is busy. */
export function initialState(ir: RouterIr, seed = 0n): InterpreterState {
  const tapCount = tapsBefore(ir, ir.routes.length, 0);
  return {
    poolPositions: ir.pools.map(() => 0),
    alive: ir.endpoints.map(() => 255),
    load: ir.endpoints.map(() => ({ queuedBytes: 0, outstanding: 0 })),
    random: randomState(seed),
    tapCounts: Array.from({ length: tapCount }, () => 0),
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
  return { outcome: 'reject', route, rule, rejectCode: code, skipped: 0, taps: [], deliveries: [] };
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

/** A message on its way through a route. */
interface Passing {
  readonly ir: RouterIr;
  readonly state: InterpreterState;
  readonly message: Uint8Array;
  readonly view: Uint8Array;
  readonly route: number;
}

/** The copies that an action sends, or a reject code. */
function act(
  { ir, state, message, view, route }: Passing,
  { target, transform }: ActionIr,
  manner: Pick<Delivery, 'rule' | 'bestEffort' | 'priority'>,
): readonly Delivery[] | number {
  if (target.kind === 'discard') return [];
  const to = transform === null ? null : (ir.transforms[transform]?.to ?? null);
  const outputBytes = transform === null ? message.length : outputBytesOf(ir, transform, message);
  if (transform !== null && outputBytes > nativeMessageBytesMax) return rejectCodes.OUT_OF_RANGE;
  const delivery = { transform, outputBytes, ...manner };
  if (target.kind === 'return-source') return [{ ...delivery, target: { kind: 'return-source' } }];
  if (target.kind === 'return-field') {
    const schema = ir.schemas[ir.routes[route]?.schema ?? 0] as SchemaIr;
    const address = fieldValue(schema, target.field, view);
    const endpoints = carriers(ir, to ?? (ir.routes[route]?.schema as number));
    return [{ ...delivery, target: { kind: 'return-address', address, endpoints } }];
  }
  if (target.kind === 'endpoint') {
    return [{ ...delivery, target: { kind: 'endpoint', endpoint: target.endpoint } }];
  }
  const { strategy } = ir.pools[target.pool] as PoolIr;
  if (strategy.kind === 'broadcast') {
    const bestEffort = manner.bestEffort || strategy.delivery === 'best-effort';
    const endpoints = usableMembers(ir, state, target.pool);
    if (endpoints.length === 0) return rejectCodes.NO_DESTINATION;
    return endpoints.map((endpoint) => {
      return { ...delivery, bestEffort, target: { kind: 'endpoint', endpoint } };
    });
  }
  const schema = ir.routes[route]?.schema ?? null;
  const endpoint = pickMember(ir, state, target.pool, { schema, message, view });
  if (endpoint === null) return rejectCodes.NO_DESTINATION;
  return [{ ...delivery, target: { kind: 'endpoint', endpoint } }];
}

/** The members of a pool that can be used; or who stands in for them; or, in a panic, all. */
function usableMembers(ir: RouterIr, state: InterpreterState, pool: number): readonly number[] {
  const { members, failover = [], panic = 'reject' } = ir.pools[pool] as PoolIr;
  const isUsable = (endpoint: number): boolean => (state.alive[endpoint] ?? 0) > 0;
  const all = members.map(({ endpoint }) => endpoint);
  const usable = all.filter(isUsable);
  if (usable.length > 0) return usable;
  const backup = failover.find(isUsable);
  if (backup !== undefined) return [backup];
  return panic === 'reject' ? [] : all;
}

/** How many taps the routes have, in the order of the configuration, before one of their rules. */
function tapsBefore(ir: RouterIr, route: number, rule: number): number {
  const earlier = ir.routes.slice(0, route).flatMap(({ rules }) => rules);
  const rules = [...earlier, ...(ir.routes[route]?.rules.slice(0, rule) ?? [])];
  return rules.reduce((count, { taps }) => count + (taps?.length ?? 0), 0);
}

/** Where the rules that hold send the message, each with its taps. `held`: their indices. */
function send(passing: Passing, held: Iterable<number>): Decision {
  const { ir, route, state } = passing;
  const deliveries: Delivery[] = [];
  const taps: number[] = [];
  let skipped = 0;
  let first: number | null = null;
  for (const index of held) {
    const rule = ir.routes[route]?.rules[index] as RuleIr;
    first ??= index;
    const manner = { rule: index, bestEffort: rule.bestEffort === true };
    const made = act(passing, rule.action, { ...manner, priority: rule.priority ?? 0 });
    if (typeof made === 'number' && !manner.bestEffort) return rejection(made, route, index);
    const firstTap = tapsBefore(ir, route, index);
    const tapped = (rule.taps ?? []).flatMap(({ action, every }, at) => {
      taps.push(firstTap + at);
      const isDue = (state.tapCounts[firstTap + at] ?? 0) % every === 0;
      return isDue ? [act(passing, action, { rule: index, bestEffort: true, priority: 0 })] : [];
    });
    for (const one of [made, ...tapped]) {
      if (typeof one === 'number') skipped += 1;
      else deliveries.push(...one);
    }
  }
  const outcome = deliveries.length === 0 ? 'discard' : 'deliver';
  return { outcome, route, rule: first, rejectCode: 0, skipped, taps, deliveries };
}

/** Where a message goes. Advances pool positions; `settle` what counts messages that have left. */
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
  const passing = { ir, state, message, view, route: routeIndex };
  if (route.mode === 'all') {
    const decision = send(passing, heldBy(route, isTrue));
    const isHeld = decision.rule !== null;
    return isHeld ? decision : rejection(rejectCodes.NO_ROUTE, routeIndex, null);
  }
  const index =
    route.table === undefined
      ? route.rules.findIndex((rule) => rule.when === null || isTrue(rule.when))
      : cellOf(route.table, (field) => fieldValue(schema, field, view));
  if (index < 0) return rejection(rejectCodes.NO_ROUTE, routeIndex, null);
  return send(passing, [index]);
}

/** The rules that hold, found one after the other as they are asked for. */
function* heldBy(route: RouteIr, isTrue: (condition: ConditionIr) => boolean): Generator<number> {
  for (const [index, { when }] of route.rules.entries()) {
    if (when === null || isTrue(when)) yield index;
  }
}

/** The message of a decision has left: the taps of the rules that held for it count it. */
export function settle(state: InterpreterState, { taps }: Decision): void {
  for (const tap of taps) state.tapCounts[tap] = (state.tapCounts[tap] ?? 0) + 1;
}

/** Where a rejected message goes. Never a reject: one that fails is counted and dropped. */
export function decideReject(
  ir: RouterIr,
  state: InterpreterState,
  message: Uint8Array,
  { route, rule }: Decision,
): Decision {
  const action = route === null ? null : (ir.routes[route]?.reject ?? null);
  const dropped: Decision = { ...rejection(0, route, rule), outcome: 'discard' };
  if (action === null || route === null) return dropped;
  const schema = ir.routes[route]?.schema ?? null;
  const view = schema === null ? message : knownView(ir.schemas[schema] as SchemaIr, message);
  const passing = { ir, state, message, view, route };
  const made = act(passing, action, { rule, bestEffort: false, priority: 0 });
  if (typeof made === 'number' || made.length === 0) return dropped;
  return { ...dropped, outcome: 'deliver', deliveries: made };
}

/** What leaves for each delivery; or why the message is rejected, by one that must be sent. */
function transformAll(
  ir: RouterIr,
  deliveries: readonly Delivery[],
  message: Uint8Array,
  context: TransformContext,
): (Transformed | null)[] | number {
  const outputs: (Transformed | null)[] = [];
  for (const { transform, bestEffort } of deliveries) {
    const made = runTransform(ir, transform, message, context);
    if (made.rejectCode !== 0 && !bestEffort) return made.rejectCode;
    outputs.push(made.rejectCode === 0 ? made : null);
  }
  return outputs;
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
  const context = { returnAddress, rejectCode: 0 };
  const made =
    decision.outcome === 'reject'
      ? decision.rejectCode
      : transformAll(ir, decision.deliveries, message, context);
  if (typeof made !== 'number') {
    settle(state, decision);
    return { decision, delivered: made, rejectCode: 0, reject: null, rejected: [] };
  }
  const reject = decideReject(ir, state, message, decision);
  const notice = { returnAddress, rejectCode: made };
  const sent = transformAll(ir, reject.deliveries, message, notice);
  const rejected = typeof sent === 'number' ? [] : sent;
  return { decision, delivered: [], rejectCode: made, reject, rejected };
}
