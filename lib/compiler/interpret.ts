// The oracle: executes a configuration message by message straight from the IR, slowly and
// obviously. The native step must give the same results; it shares no code and no tables with
// this file, and this file knows nothing of route images.
//
// Frame check first: a message is MALFORMED or of UNKNOWN_TYPE without a route, because nothing of
// it can be relied on. Then the route of (source, schema), its checks in order, its rules in
// order, the target, and last the transform. A route's lookup comes behind its checks; what a rule
// remembers is opened when the message has left.
// Arithmetic that leaves 128 bits rejects the message with OUT_OF_RANGE.
import { rejectCodes } from '../codes.js';
import { readField } from './fields.js';
import { act } from './interpret-act.js';
import { holds, Overflow } from './interpret-condition.js';
import { lookUp } from './interpret-correlation.js';
import {
  type InterpreterState,
  nothing,
  type Passing,
  remember,
  reserve,
  settle,
  tapsBefore,
} from './interpret-state.js';
import {
  runTransform,
  type SequencePatch,
  type TransformContext,
  type Transformed,
} from './interpret-transform.js';
import type { Decision, Delivery, Interpreted } from './interpret-types.js';
import { knownView, viewOf } from './interpret-view.js';
import type {
  ConditionIr,
  DecisionTableIr,
  FamilyIr,
  FieldIr,
  RouteIr,
  RouterIr,
  RuleIr,
  SchemaIr,
} from './ir.js';

export { type InterpreterState, initialState, setClock, settle } from './interpret-state.js';
export type * from './interpret-types.js';
export { runTransform, type SequencePatch, type TransformContext, type Transformed };

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
    const reserved = reserve(passing, rule);
    if (typeof reserved === 'number') return rejection(reserved, route, index);
    const manner = { rule: index, bestEffort: rule.bestEffort === true };
    const made = act(passing, rule.action, { ...manner, priority: rule.priority ?? 0 });
    if (typeof made === 'number' && !manner.bestEffort) return rejection(made, route, index);
    remember(state, rule, reserved, typeof made === 'number' ? [] : made.deliveries);
    const firstTap = tapsBefore(ir, route, index);
    const tapped = (rule.taps ?? []).flatMap(({ action, every }, at) => {
      taps.push(firstTap + at);
      const isDue = (state.tapCounts[firstTap + at] ?? 0) % every === 0;
      return isDue ? [act(passing, action, { rule: index, bestEffort: true, priority: 0 })] : [];
    });
    for (const one of [made, ...tapped]) {
      skipped += typeof one === 'number' ? 1 : one.leftOut;
      if (typeof one !== 'number') deliveries.push(...one.deliveries);
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
  state.passing = nothing;
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
  if (route.lookup !== undefined) {
    const found = lookUp(state.correlations, route.lookup, schema, view);
    if (found === null) return rejection(rejectCodes.NOT_CORRELATED, routeIndex, null);
    state.passing = { ...nothing, found };
  }
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
  if (typeof made === 'number' || made.deliveries.length === 0) return dropped;
  const { deliveries, leftOut: skipped } = made;
  return { ...dropped, outcome: 'deliver', deliveries, skipped };
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
  const { opening, found } = state.passing;
  const context = {
    ...{ returnAddress, rejectCode: 0 },
    ...(opening === null ? {} : { correlationId: opening.id }),
    ...(found === null ? {} : { saved: found.saved, foundId: found.id }),
  };
  const made =
    decision.outcome === 'reject'
      ? decision.rejectCode
      : transformAll(ir, decision.deliveries, message, context);
  if (typeof made !== 'number') {
    settle(state, decision, returnAddress);
    return { decision, delivered: made, rejectCode: 0, reject: null, rejected: [] };
  }
  const reject = decideReject(ir, state, message, decision);
  const notice = { returnAddress, rejectCode: made };
  const sent = transformAll(ir, reject.deliveries, message, notice);
  const rejected = typeof sent === 'number' ? [] : sent;
  return { decision, delivered: [], rejectCode: made, reject, rejected };
}
