// `hyperroute prove`: what is certain of a configuration's routes, for people and for continuous
// integration: total coverage, rules that never decide, rules that hold together, and what the
// tables cost at worst.
import {
  budgetDefault,
  type Doubt,
  findOverlaps,
  findShadowed,
  findUncovered,
  type Verdict,
  type Witness,
} from '../compiler/analysis/index.js';
import { emitWithReport } from '../compiler/emit.js';
import type { RouteIr } from '../compiler/ir.js';
import { type LoadedConfig, loadConfig } from '../config/load.js';
import { type Command, type CommandInput, UsageError, wholeNumber } from './command.js';
import { costsOf, type RouteCost } from './costs.js';
import type { Io } from './io.js';
import { type MessageView, showMessage, type TypedConfig, typedConfig } from './messages.js';
import { isWorking, printCorrelations, proveCorrelations } from './prove-correlations.js';
import { countText } from './text.js';

const budgetMax = 10_000_000_000;
/** Overlaps that are shown of each route. */
const overlapsMax = 20;

export const prove: Command = {
  name: 'prove',
  usage: 'FILE',
  about: [
    'Proves or refutes of every route of the configuration that each message has a rule, that each',
    'rule decides for some message, and, of rules that must not, that they never hold together.',
    'What is refuted has a witness: a whole message, in bytes and in JSON. What is neither within',
    'the budget is undecided. Says what the tables of each route cost; and of every correlation',
    'whether something can be found in it, and whether what waits in it can be answered.',
    '',
    'Exit code 1 if a statement is refuted, with --strict also if one is undecided, or if a table',
    'costs more than --budget-ns or --budget-bytes.',
  ],
  options: {
    budget: {
      type: 'string',
      value: 'N',
      about: `tests of conditions that one answer may take (${countText(budgetDefault)})`,
    },
    'budget-ns': {
      type: 'string',
      value: 'N',
      about: 'the most nanoseconds that a route may be predicted to take',
    },
    'budget-bytes': {
      type: 'string',
      value: 'N',
      about: "the most bytes that a route's tables may have",
    },
    strict: { type: 'boolean', about: 'undecided is not good enough' },
  },
  positionalsMin: 1,
  positionalsMax: 1,
  examples: [
    'hyperroute prove router.config.ts',
    'hyperroute prove router.config.ts --strict --budget-ns 100 --budget-bytes 1000000',
  ],
  run,
};

/** A rule as reports name it. */
interface RuleName {
  readonly rule: number;
  readonly name: string;
  readonly line: number;
}

interface WitnessJson extends MessageView {
  readonly from: string;
  /** What matters of the message. */
  readonly fields: Readonly<Record<string, bigint | string>>;
}

interface RouteProof {
  readonly route: string;
  readonly coverage: {
    readonly verdict: Verdict;
    readonly witness: WitnessJson | null;
    readonly doubt: Doubt | null;
  };
  readonly shadowed: {
    readonly verdict: Verdict;
    readonly rules: readonly (RuleName & {
      readonly reason: 'never' | 'covered';
      readonly by: RuleName | null;
    })[];
    readonly undecided: readonly (RuleName & { readonly doubt: Doubt })[];
  };
  readonly overlaps: {
    readonly verdict: Verdict;
    /** Whether rules that hold together are a mistake here. */
    readonly forbidden: boolean;
    readonly pairs: readonly {
      readonly rules: readonly RuleName[];
      readonly witness: WitnessJson;
    }[];
    readonly truncated: boolean;
    readonly undecided: number;
  };
  readonly cost: RouteCost;
  /** Costs that are over a budget. */
  readonly over: readonly string[];
}

async function run(input: CommandInput): Promise<number> {
  const { positionals, values, io } = input;
  const [path = ''] = positionals;
  const budget = wholeNumber(input, 'budget', {
    low: 1,
    high: budgetMax,
    otherwise: budgetDefault,
  });
  const limits = {
    ns: limitOf(input, 'budget-ns'),
    bytes: limitOf(input, 'budget-bytes'),
  };
  const config = await loadConfig(path);
  const typed = typedConfig(config);
  const costs = costsOf(emitWithReport(config.ir).report);
  const proofs = config.ir.routes.map((route, index) =>
    proveRoute(typed, route, index, budget, costs[index] as RouteCost, limits),
  );
  const deciding = proofs.map(decidingOf);
  const correlations = proveCorrelations(config.ir, (route, rule) => {
    return deciding[route]?.get(rule) ?? 'proved';
  });
  const strict = values.strict === true;
  const isProved = proofs.every((proof) => isGood(proof, strict));
  const ok = isProved && correlations.every((proof) => isWorking(proof, strict));
  if (values.json === true) {
    const { file, ir } = config;
    io.json({ ok, file, name: ir.name, routes: proofs, correlations });
  } else {
    print(io, config, proofs, ok);
    printCorrelations(io, correlations);
  }
  return ok ? 0 : 1;
}

interface Limits {
  readonly ns: number | null;
  readonly bytes: number | null;
}

function limitOf({ values }: CommandInput, name: 'budget-ns' | 'budget-bytes'): number | null {
  const given = values[name];
  if (given === undefined) return null;
  const value = Number(given);
  if (Number.isFinite(value) && value > 0) return value;
  throw new UsageError(`--${name}: expected a number above 0, received ${JSON.stringify(given)}`);
}

function isGood({ coverage, shadowed, overlaps, over }: RouteProof, strict: boolean): boolean {
  const verdicts = [coverage.verdict, shadowed.verdict];
  if (overlaps.forbidden) verdicts.push(overlaps.verdict);
  const isBad = (verdict: Verdict): boolean =>
    verdict === 'refuted' || (strict && verdict === 'undecided');
  return over.length === 0 && !verdicts.some(isBad);
}

/** The rules of a route that do not certainly decide for some message. */
function decidingOf({ shadowed }: RouteProof): ReadonlyMap<number, Verdict> {
  return new Map([
    ...shadowed.rules.map(({ rule }) => [rule, 'refuted'] as const),
    ...shadowed.undecided.map(({ rule }) => [rule, 'undecided'] as const),
  ]);
}

function proveRoute(
  typed: TypedConfig,
  route: RouteIr,
  index: number,
  budget: number,
  cost: RouteCost,
  limits: Limits,
): RouteProof {
  const { ir } = typed;
  const named = (rule: number): RuleName => ruleName(route, rule);
  const shown = (witness: Witness): WitnessJson => witnessJson(typed, witness);
  const coverage = findUncovered(ir, index, { budget });
  const shadows = findShadowed(ir, index, { budget });
  const overlaps = findOverlaps(ir, index, { budget, limit: overlapsMax });
  const isOver = (value: number, limit: number | null): boolean => limit !== null && value > limit;
  return {
    route: route.name,
    coverage: {
      verdict: coverage.verdict,
      witness: coverage.witness === null ? null : shown(coverage.witness),
      doubt: coverage.doubt,
    },
    shadowed: {
      verdict: shadows.verdict,
      rules: shadows.shadowed.map(({ rule, reason, by }) => {
        return { ...named(rule), reason, by: by === null ? null : named(by) };
      }),
      undecided: shadows.undecided.map(({ rule, doubt }) => ({ ...named(rule), doubt })),
    },
    overlaps: {
      verdict: overlaps.verdict,
      forbidden: route.mode === 'unique',
      pairs: overlaps.overlaps.map(({ rules, witness }) => {
        return { rules: rules.map(named), witness: shown(witness) };
      }),
      truncated: overlaps.truncated,
      undecided: overlaps.undecided.length,
    },
    cost,
    over: [
      ...(isOver(cost.ns, limits.ns) ? ['ns'] : []),
      ...(isOver(cost.bytes, limits.bytes) ? ['bytes'] : []),
    ],
  };
}

function ruleName(route: RouteIr, rule: number): RuleName {
  const { name = '', position = route.position } = route.rules[rule] ?? {};
  return { rule, name, line: position.line };
}

function witnessJson(typed: TypedConfig, { source, message, fields }: Witness): WitnessJson {
  const from = typed.ir.endpoints[source]?.name ?? '';
  return { from, ...showMessage(typed, source, message), fields };
}

const words: Readonly<Record<Verdict, (good: boolean) => 'green' | 'yellow' | 'red'>> = {
  proved: () => 'green',
  refuted: (good) => (good ? 'yellow' : 'red'),
  undecided: () => 'yellow',
};

const doubtTexts: Readonly<Record<Doubt, string>> = {
  budget: 'the budget was used up',
  arithmetic: 'arithmetic is beyond the search',
  text: 'no text that was tried decides it',
  message: 'no message with the values found could be made',
};

function print(
  { out }: Io,
  { file, ir }: LoadedConfig,
  proofs: readonly RouteProof[],
  ok: boolean,
): void {
  const style = (verdict: Verdict, isAllowed = false): string =>
    out.style(words[verdict](isAllowed), verdict.padEnd(9));
  const witness = ({ from, type, json, hex }: WitnessJson, indent: string): void => {
    out.line(`${indent}${type} from ${from}: ${json === null ? hex : JSON.stringify(json)}`);
  };
  const ruleText = ({ name, line }: RuleName): string => `rule ${name} (line ${line})`;
  const verdict = ok ? out.style('green', 'ok') : out.style('red', 'not ok');
  out.line(`${verdict} ${out.style('bold', ir.name)}  ${file}`);
  for (const { route, coverage, shadowed, overlaps, cost, over } of proofs) {
    out.line();
    out.line(out.style('bold', `route ${route}`));
    out.line(`  ${style(coverage.verdict)}  every message has a rule`);
    if (coverage.witness !== null) witness(coverage.witness, '    none for ');
    if (coverage.doubt !== null) out.line(`    ${doubtTexts[coverage.doubt]}`);
    out.line(`  ${style(shadowed.verdict)}  every rule decides for some message`);
    for (const rule of shadowed.rules) {
      const why =
        rule.reason === 'never'
          ? 'holds for no message'
          : `is hidden by ${rule.by === null ? 'earlier rules together' : ruleText(rule.by)}`;
      out.line(`    ${ruleText(rule)} ${why}`);
    }
    for (const rule of shadowed.undecided)
      out.line(`    ${ruleText(rule)}: ${doubtTexts[rule.doubt]}`);
    const isAllowed = !overlaps.forbidden;
    const remark = overlaps.verdict === 'refuted' && isAllowed ? ' (they need not)' : '';
    const statement = `rules exclude each other${remark}`;
    out.line(`  ${style(overlaps.verdict, isAllowed)}  ${statement}`);
    for (const { rules, witness: found } of overlaps.pairs) {
      out.line(`    ${rules.map(ruleText).join(' and ')} hold for`);
      witness(found, '      ');
    }
    if (overlaps.truncated) out.line('    and more');
    if (overlaps.undecided > 0) out.line(`    ${overlaps.undecided} pairs are undecided`);
    const table = `${cost.matcher}, about ${cost.ns} ns, ${countText(cost.bytes)} bytes`;
    out.line(`  table      ${table}${over.length === 0 ? '' : out.style('red', `: over budget`)}`);
  }
}
