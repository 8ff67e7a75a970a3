// `hyperroute explain`: where one message goes, and why.
import { isDeepStrictEqual } from 'node:util';
import { rejectCodes } from '../codes.js';
import { conditionText, fieldsRead } from '../compiler/analysis/condition-text.js';
import { holdsFor, readableValue } from '../compiler/analysis/index.js';
import { isInteger } from '../compiler/emit-fields.js';
import { readField } from '../compiler/fields.js';
import type { Decision, Interpreted } from '../compiler/interpret.js';
import { rankedSlot } from '../compiler/interpret-pool.js';
import { viewOf } from '../compiler/interpret-view.js';
import type { ActionIr, ConditionIr, RouteIr, RouterIr, SchemaIr } from '../compiler/ir.js';
import { loadConfig } from '../config/load.js';
import { HyperRouteError, isHyperRouteError } from '../errors.js';
import { type Command, type CommandInput, UsageError } from './command.js';
import { costsOf, type RouteCost } from './costs.js';
import {
  type Copy,
  copiesOf,
  type Deciders,
  decidersOf,
  rejectCopiesOf,
  rejectName,
} from './decisions.js';
import { type LookupView, lookupText, lookupView } from './explain-lookup.js';
import type { Io } from './io.js';
import {
  type Arrival,
  arrivalOf,
  type MessageView,
  showMessage,
  type TypedConfig,
  typedConfig,
} from './messages.js';
import { rejectReason } from './reasons.js';

/** Rules before the one that decides that are shown. */
const rulesShownMax = 20;

export const explain: Command = {
  name: 'explain',
  usage: 'FILE',
  about: [
    'Says where one message goes and why: its route, the checks, the rules up to the one that',
    'decides with the values they look at, the tables that find it, the destination, and what the',
    'transform makes of it. The native image decides, where there is an addon, and the',
    'interpreter, and they must agree. Nothing is opened or sent.',
  ],
  options: {
    message: { type: 'string', value: 'JSON', about: 'the message, as JSON of its type' },
    hex: { type: 'string', value: 'BYTES', about: 'the message, as bytes in hexadecimal' },
    from: {
      type: 'string',
      value: 'ENDPOINT',
      about: 'where it comes from; may be left out if one has routes',
    },
    type: { type: 'string', value: 'NAME', about: 'its type, where the endpoint carries several' },
  },
  positionalsMin: 1,
  positionalsMax: 1,
  examples: [
    `hyperroute explain router.config.ts --from clients --type NewOrder --message '{"qty": 5}'`,
    'hyperroute explain router.config.ts --from clients --hex 0e00010700000000',
  ],
  run,
};

/** A condition and how it comes out for the message. */
interface Judged {
  readonly condition: string;
  /** null: its arithmetic leaves 128 bits, or it asks a compiled plug-in. */
  readonly holds: boolean | null;
  /** What it looks at. */
  readonly values: Readonly<Record<string, bigint | string>>;
}

interface JudgedRule extends Judged {
  readonly rule: number;
  readonly name: string;
  readonly line: number;
}

interface CopyView extends MessageView {
  readonly to: string | null;
  readonly transform: string | null;
  readonly ops: readonly string[];
}

interface Explanation {
  readonly ok: true;
  readonly engine: 'native' | 'interpreter';
  /** Whether both have decided, alike. */
  readonly compared: boolean;
  readonly message: MessageView & { readonly from: string };
  readonly route: string | null;
  readonly checks: readonly (Judged & { readonly code: string })[];
  /** The last ones up to the rule that decides; where all send, those that hold. */
  readonly rules: readonly JudgedRule[];
  /** What is looked up before the rules are asked; a router that just started knows nothing. */
  readonly lookup: LookupView | null;
  /** Rules before those. */
  readonly rulesBefore: number;
  readonly table: RouteCost | null;
  readonly outcome: 'deliver' | 'discard' | 'reject';
  /** The name of the code; null: not rejected. */
  readonly reject: string | null;
  /** Why, where neither checks, rules nor a lookup say so. */
  readonly reason: string | null;
  readonly pool: {
    readonly name: string;
    readonly strategy: string;
    readonly members: readonly string[];
    /** Where the message's key is looked up; null: the strategy has no slots by key. */
    readonly slot: {
      readonly index: number;
      readonly count: number;
      /** Who is tried, in this order; everything counts as up. */
      readonly ranked: readonly string[];
      /** The member that the key names, who is tried before. */
      readonly named: string | null;
    } | null;
  } | null;
  /** What leaves, because of a reject as well. */
  readonly copies: readonly CopyView[];
}

async function run({ positionals, values, io }: CommandInput): Promise<number> {
  const [path = ''] = positionals;
  const given = { message: textOf(values.message), hex: textOf(values.hex) };
  if ((given.message === undefined) === (given.hex === undefined)) {
    throw new UsageError('explain: expected either --message JSON or --hex BYTES');
  }
  const typed = typedConfig(await loadConfig(path));
  const arrival = arrivalOf(
    typed,
    given.message === undefined ? { hex: given.hex } : { message: jsonOf(given.message) },
    { from: textOf(values.from), type: textOf(values.type) },
  );
  const explanation = explainOne(typed, decidersOf(typed.ir), arrival);
  if (values.json === true) io.json(explanation);
  else print(io, explanation);
  return 0;
}

function textOf(value: string | boolean | undefined): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new UsageError(`--message: ${(error as Error).message}`);
  }
}

function explainOne(typed: TypedConfig, deciders: Deciders, arrival: Arrival): Explanation {
  const { ir } = typed;
  const { source, message } = arrival;
  const { decided, isCompared } = agreed(deciders, arrival);
  const { decision } = decided;
  const route = decision.route === null ? null : (ir.routes[decision.route] ?? null);
  const view = (copy: Copy): CopyView => copyView(typed, deciders, source, copy);
  const checks = (route?.checks ?? []).map(({ condition, code }) => ({
    ...judge(ir, route as RouteIr, condition, arrival),
    code: rejectName(ir, code),
  }));
  const judged =
    route === null || !hasLookedAtRules(decision, checks)
      ? { rules: [], before: 0 }
      : judgedRules(ir, route, decision, arrival);
  const action = route?.rules[decision.rule ?? -1]?.action;
  return {
    ok: true,
    engine: deciders.native === null ? 'interpreter' : 'native',
    compared: isCompared,
    message: { from: ir.endpoints[source]?.name ?? '', ...showMessage(typed, source, message) },
    route: route?.name ?? null,
    checks,
    rules: judged.rules,
    rulesBefore: judged.before,
    lookup: route === null ? null : lookupView(ir, route, decision, arrival),
    table: decision.route === null ? null : (costsOf(deciders.report)[decision.route] ?? null),
    outcome: decided.rejectCode === 0 ? decision.outcome : 'reject',
    reject: decided.rejectCode === 0 ? null : rejectName(ir, decided.rejectCode),
    reason: rejectReason(ir, arrival, decided),
    pool: action === undefined ? null : poolOf(ir, route, action, message),
    copies: [...copiesOf(ir, source, decided), ...rejectCopiesOf(ir, source, decided)].map(view),
  };
}

/** What a check rejects never gets to the rules; of those, one may leave the range of numbers. */
function hasLookedAtRules({ rule, rejectCode }: Decision, checks: readonly Judged[]): boolean {
  if (rule !== null) return true;
  // What it says of a message that belongs to nothing is what it would say if it did.
  const codes: readonly number[] = [
    rejectCodes.NO_ROUTE,
    rejectCodes.NOT_CORRELATED,
    rejectCodes.OUT_OF_RANGE,
  ];
  // A check may reject with any of these codes.
  return codes.includes(rejectCode) && checks.every(({ holds }) => holds === true);
}

/** What the image and the interpreter say alike. */
function agreed(
  { native, interpreter }: Deciders,
  { source, message }: Arrival,
): { readonly decided: Interpreted; readonly isCompared: boolean } {
  if (native === null) return { decided: interpreter(source, message), isCompared: false };
  const actual = native(source, message);
  const expected = unlessPlugin(() => interpreter(source, message));
  if (expected === null) return { decided: actual, isCompared: false };
  if (isDeepStrictEqual(actual, expected)) return { decided: actual, isCompared: true };
  const hex = Buffer.from(message).toString('hex');
  const context = `the image and the interpreter disagree about ${hex}: a defect of hyperroute`;
  throw new HyperRouteError('ERR_IMAGE_CORRUPT', context, { context });
}

/** Compiled plug-ins run in the engine alone: the interpreter has no opinion then. */
function unlessPlugin(decide: () => Interpreted): Interpreted | null {
  try {
    return decide();
  } catch (error) {
    if (isHyperRouteError(error, 'ERR_PLUGIN')) return null;
    throw error;
  }
}

function judge(ir: RouterIr, route: RouteIr, condition: ConditionIr, arrival: Arrival): Judged {
  const schema = ir.schemas[route.schema ?? -1];
  if (schema === undefined) return { condition: 'always', holds: true, values: {} };
  const view = viewOf(schema, arrival.message);
  const values: Record<string, bigint | string> = {};
  for (const index of fieldsRead(condition)) {
    const field = schema.fields[index];
    if (field === undefined || !isInteger(field) || typeof view === 'number') continue;
    if (field.name.endsWith('?')) continue;
    values[field.name] = readableValue(field, readField(view, field));
  }
  const holds = holdsFor(ir, route, condition, arrival.source, arrival.message);
  return { condition: conditionText(condition, schema), holds, values };
}

/** The rule that leaves the range of numbers; the last one if none does. */
function overflowing(ir: RouterIr, route: RouteIr, decision: Decision, arrival: Arrival): number {
  const last = route.rules.length - 1;
  if (decision.rejectCode !== rejectCodes.OUT_OF_RANGE) return last;
  const found = route.rules.findIndex(({ when }) => {
    return when !== null && holdsFor(ir, route, when, arrival.source, arrival.message) === null;
  });
  return found < 0 ? last : found;
}

/** The rules that were looked at last; where all of them send, and of a table, those that hold. */
function judgedRules(
  ir: RouterIr,
  route: RouteIr,
  decision: Decision,
  arrival: Arrival,
): { readonly rules: readonly JudgedRule[]; readonly before: number } {
  const found = decision.rule ?? ifFound(ir, route, decision, arrival);
  const last = found ?? overflowing(ir, route, decision, arrival);
  const first = Math.max(0, last - rulesShownMax);
  const isSelected = route.mode === 'all' || route.table !== undefined;
  const holding = new Set(decision.deliveries.map(({ rule }) => rule ?? -1));
  if (decision.rule !== null) holding.add(decision.rule);
  const indices = isSelected
    ? [...holding].sort((a, b) => a - b)
    : Array.from({ length: last + 1 - first }, (_, index) => first + index);
  const rules = indices.slice(0, rulesShownMax + 1).flatMap((index): JudgedRule[] => {
    const rule = route.rules[index];
    if (rule === undefined) return [];
    const { when, name, position } = rule;
    const condition = route.table === undefined ? 'otherwise' : 'by table';
    const judged =
      when === null ? { condition, holds: true, values: {} } : judge(ir, route, when, arrival);
    return [{ rule: index, name, line: position.line, ...judged }];
  });
  return { rules, before: isSelected ? 0 : first };
}

/** The rule that would decide if the route's lookup had found something. */
function ifFound(
  ir: RouterIr,
  { rules, ...route }: RouteIr,
  { rejectCode }: Decision,
  { source, message }: Arrival,
): number | undefined {
  if (rejectCode !== rejectCodes.NOT_CORRELATED || route.table !== undefined) return undefined;
  const holds = ({ when }: RouteIr['rules'][number]): boolean =>
    when === null || holdsFor(ir, { ...route, rules }, when, source, message) === true;
  const index = rules.findIndex(holds);
  return index < 0 ? undefined : index;
}

function poolOf(
  ir: RouterIr,
  route: RouteIr | null,
  { target }: ActionIr,
  message: Uint8Array,
): Explanation['pool'] {
  const pool = target.kind === 'pool' ? ir.pools[target.pool] : undefined;
  if (pool === undefined) return null;
  const nameOf = (endpoint: number): string => ir.endpoints[endpoint]?.name ?? '';
  const members = pool.members.map(({ endpoint }) => nameOf(endpoint));
  const schema = route?.schema ?? null;
  const view = schema === null ? message : viewOf(ir.schemas[schema] as SchemaIr, message);
  const found = rankedSlot(ir, pool, { schema, message, view: view as Uint8Array });
  const slot =
    found === null
      ? null
      : {
          index: found.slot,
          count: found.slotCount,
          ranked: found.ranked.map(nameOf),
          named: found.named === null ? null : nameOf(found.named),
        };
  return { name: pool.name, strategy: pool.strategy.kind, members, slot };
}

function copyView(typed: TypedConfig, { report }: Deciders, source: number, copy: Copy): CopyView {
  const { to, endpoint, transform, message } = copy;
  const { transform: name = null, ops = [] } = report.transforms[transform ?? -1] ?? {};
  return { to, transform: name, ops, ...showMessage(typed, endpoint ?? source, message) };
}

function print({ out }: Io, explanation: Explanation): void {
  const { message, route, checks, rules, table, pool, copies, reject, outcome } = explanation;
  const shown = ({ json, hex }: MessageView): string =>
    json === null ? hex : JSON.stringify(json);
  const mark = (holds: boolean | null): string =>
    holds === true ? out.style('green', 'yes') : out.style('dim', holds === null ? '?  ' : 'no ');
  const judged = ({ condition, holds, values }: Judged): string => {
    const read = Object.entries(values).map(([name, value]) => `${name} ${value}`);
    const note = read.length === 0 ? '' : out.style('dim', `  (${read.join(', ')})`);
    return `${mark(holds)}  ${condition}${note}`;
  };
  out.line(`message    ${message.type} from ${message.from}: ${shown(message)}`);
  out.line(`route      ${route ?? 'none'}`);
  for (const check of checks) out.line(`check      ${judged(check)}  else ${check.code}`);
  if (explanation.lookup !== null) out.line(`lookup     ${lookupText(explanation.lookup)}`);
  if (explanation.rulesBefore > 0) out.line(`rules      ${explanation.rulesBefore} before these`);
  for (const rule of rules) out.line(`rule       ${judged(rule)}  → ${rule.name}`);
  if (table !== null) {
    out.line(`table      ${table.matcher}, about ${table.ns} ns, ${table.bytes} bytes`);
  }
  if (pool !== null)
    out.line(`pool       ${pool.name}: ${pool.strategy} of ${pool.members.join(', ')}`);
  if (pool?.slot) {
    const { index, count, ranked, named } = pool.slot;
    const first = named === null ? '' : `${named}, which the key names, then `;
    const order = `${first}${ranked.join(', ')}`;
    out.line(`slot       ${index} of ${count}: ${order}, where all are up`);
  }
  out.line(`outcome    ${reject === null ? outcome : `${out.style('red', 'reject')} ${reject}`}`);
  if (explanation.reason !== null) out.line(`because    ${explanation.reason}`);
  for (const copy of copies) {
    out.line(`sent       to ${copy.to ?? 'the return address'}: ${copy.type} ${shown(copy)}`);
    if (copy.transform !== null) out.line(`transform  ${copy.transform}: ${copy.ops.join(', ')}`);
  }
  const engines = {
    native: 'the native image; the interpreter cannot run its plug-ins',
    interpreter: 'the interpreter; there is no addon',
  };
  const both = 'the native image and the interpreter agree';
  out.line(`decided by ${explanation.compared ? both : engines[explanation.engine]}`);
}
