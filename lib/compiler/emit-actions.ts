// Where the messages of a route go: an action for each rule, those of its taps, and what else it
// does.
import { optionError } from '../errors.js';
import { emitOpening } from './emit-correlations.js';
import { emitCarriers, schemaOf } from './emit-families.js';
import { fieldKind, isInteger } from './emit-fields.js';
import { actionKinds, bestEffortFlag, noIndex, noRecord } from './emit-format.js';
import { emitKey } from './emit-pools.js';
import type { ImageBuilder } from './emit-sections.js';
import { fixedBytesOf } from './emit-transforms.js';
import type { ActionIr, RouteIr, RouterIr, RuleIr, SchemaIr } from './ir.js';

/** The route that actions belong to. */
export interface ActionContext {
  readonly builder: ImageBuilder;
  readonly ir: RouterIr;
  readonly route: RouteIr;
  readonly schema: SchemaIr | null;
}

/** What an action's record says besides its destination. */
interface Manner {
  readonly priority: number;
  readonly flags: number;
  readonly extra: number;
}

const plain: Manner = { priority: 0, flags: 0, extra: noIndex };

/**
 * Appends the actions of a route's taps and rules, and for each rule the number of its own: rules
 * that do the same share one. Returns where the numbers start.
 */
export function emitRules(context: ActionContext): number {
  const { builder, route } = context;
  const { actions, slots } = builder.sections;
  let tapAction = actions.count;
  for (const { action } of route.rules.flatMap((rule) => rule.taps ?? [])) {
    emitAction(context, action);
  }
  const first = slots.count;
  for (const rule of route.rules) {
    const extra = emitExtra(context, rule, tapAction);
    tapAction += rule.taps?.length ?? 0;
    const flags = rule.bestEffort === true ? bestEffortFlag : 0;
    emitAction(context, rule.action, { priority: rule.priority ?? 0, flags, extra });
    const number = actions.share(builder.actionNumbers);
    if (number >= noIndex) {
      const expected = `at most ${noIndex} different actions in all routes`;
      throw optionError('ERR_ROUTE_LIMIT', route.name, expected, number, rule.position);
    }
    slots.u16(number);
  }
  return first;
}

/** What a rule does besides sending the message. */
function emitExtra(
  { builder, route, schema }: ActionContext,
  rule: RuleIr,
  tapAction: number,
): number {
  const { taps = [], open, closes = false } = rule;
  if (taps.length === 0 && open === undefined && !closes) return noIndex;
  const { extras, taps: section } = builder.sections;
  const index = extras.count;
  if (index >= noIndex) {
    const expected = `at most ${noIndex - 1} rules with taps, opens or closes in all routes`;
    throw optionError('ERR_ROUTE_LIMIT', route.name, expected, index, rule.position);
  }
  const opening = open === undefined ? noIndex : emitOpening(builder, open, schema);
  extras
    .u32(taps.length === 0 ? 0 : section.count)
    .u16(taps.length, opening)
    .u8(closes ? 1 : 0, 0, 0, 0);
  for (const [at, { every }] of taps.entries()) section.u32(tapAction + at, every);
  return index;
}

/** Appends one action. */
export function emitAction(
  { builder, ir, route, schema }: ActionContext,
  { transform, target }: ActionIr,
  manner: Manner = plain,
): void {
  let load = 0;
  let place = 0;
  let kind: number = actionKinds.discard;
  let carriers = noIndex;
  let key = noRecord;
  const to = transform === null ? undefined : ir.transforms[transform]?.to;
  if (target.kind === 'endpoint') {
    kind = actionKinds.endpoint;
    place = target.endpoint;
  } else if (target.kind === 'pool') {
    const isBroadcast = ir.pools[target.pool]?.strategy.kind === 'broadcast';
    kind = isBroadcast ? actionKinds.broadcast : actionKinds.pool;
    key = emitKey(builder, ir, route, target.pool);
    place = target.pool;
  } else if (target.kind === 'return-source') {
    kind = actionKinds.returnSource;
  } else if (target.kind === 'return-field') {
    const field = schema?.fields[target.field];
    if (field === undefined || !isInteger(field) || field.bytes !== 8) {
      const expected = 'a field of 8 bytes for the return address';
      throw optionError('ERR_ROUTE', route.name, expected, field?.name, route.position);
    }
    kind = actionKinds.returnField;
    load = fieldKind(field);
    place = field.offset;
    carriers = emitCarriers(builder, ir, to ?? route.schema ?? noIndex);
  } else if (target.kind === 'correlated-source' || target.kind === 'correlated-destination') {
    const isSource = target.kind === 'correlated-source';
    kind = isSource ? actionKinds.correlatedSource : actionKinds.correlatedDestination;
    carriers = emitCarriers(builder, ir, to ?? route.schema ?? noIndex);
  }
  const outputBytes = to === undefined ? 0 : fixedBytesOf(schemaOf(ir, to));
  builder.sections.actions
    .u8(kind, load)
    .u16(place, transform ?? noIndex, carriers)
    .u32(outputBytes, key)
    .u8(manner.priority, manner.flags)
    .u16(manner.extra);
}
