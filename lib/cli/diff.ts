// `hyperroute diff`: what distinguishes two configurations by what they mean, and which messages
// it sends elsewhere.
import {
  diffRouters,
  type PoolDiff,
  type RouteDiff,
  type RouterDiff,
  type RuleReference,
} from '../compiler/diff.js';
import { loadConfig } from '../config/load.js';
import type { Command, CommandInput } from './command.js';
import { copiesOf, type Decider, decidersOf, rejectName } from './decisions.js';
import { type ChangedValue, type Details, detailsOf } from './diff-details.js';
import type { Io } from './io.js';
import { type Arrival, type TypedConfig, typedConfig } from './messages.js';
import { arrivalsOf } from './simulate.js';
import { countText, table } from './text.js';
import { countWay, type Way } from './ways.js';

export const diff: Command = {
  name: 'diff',
  usage: 'OLD NEW',
  about: [
    'Compares two configurations by what they mean: endpoints, pools and routes by name, rules by',
    'what they say; and says which share of the keys of each pool gets another destination.',
    'With --input every message of a file, as for simulate, is decided by both, each from its',
    'start: which share goes elsewhere, and from where to where.',
    '',
    'Exit code 0 whether or not there are differences.',
  ],
  options: {
    input: { type: 'string', value: 'INPUT', about: 'messages, a line each; - is stdin' },
  },
  positionalsMin: 2,
  positionalsMax: 2,
  examples: [
    'hyperroute diff router.config.ts next.config.ts',
    'hyperroute diff router.config.ts next.config.ts --input messages.jsonl --json',
  ],
  run,
};

/** What became of given messages. */
interface Moves {
  readonly messages: number;
  readonly moved: number;
  readonly share: number;
  /** The most frequent ones first. */
  readonly ways: readonly Readonly<Way>[];
}

async function run({ positionals, values, io }: CommandInput): Promise<number> {
  const [oldPath = '', newPath = ''] = positionals;
  const before = typedConfig(await loadConfig(oldPath));
  const after = typedConfig(await loadConfig(newPath));
  const difference = diffRouters(before.ir, after.ir);
  const moves =
    typeof values.input === 'string' ? await movesOf(before, after, values.input) : null;
  const isSame = isEmpty(difference);
  const details = detailsOf(before.ir, after.ir, difference);
  if (values.json === true) io.json({ ok: true, same: isSame, ...difference, details, moves });
  else print(io, difference, details, isSame, moves);
  return 0;
}

async function movesOf(before: TypedConfig, after: TypedConfig, path: string): Promise<Moves> {
  const old = deciderOf(before);
  const now = deciderOf(after);
  const ways = new Map<string, Way>();
  let messages = 0;
  let moved = 0;
  for await (const arrival of arrivalsOf(before, path)) {
    messages += 1;
    const from = destinationOf(before, arrival, old);
    const name = before.ir.endpoints[arrival.source]?.name;
    const source = after.ir.endpoints.findIndex((endpoint) => endpoint.name === name);
    const to = source < 0 ? 'no such endpoint' : destinationOf(after, { ...arrival, source }, now);
    if (from === to) continue;
    moved += 1;
    countWay(ways, from, to);
  }
  const sorted = [...ways.values()].sort((a, b) => b.messages - a.messages);
  return { messages, moved, share: messages === 0 ? 0 : moved / messages, ways: sorted };
}

function deciderOf({ ir }: TypedConfig): Decider {
  const { native, interpreter } = decidersOf(ir);
  return native ?? interpreter;
}

/** Where a message goes, as a word: its destinations, or why it has none. */
function destinationOf({ ir }: TypedConfig, { source, message }: Arrival, decide: Decider): string {
  const decided = decide(source, message);
  if (decided.rejectCode !== 0) return `reject ${rejectName(ir, decided.rejectCode)}`;
  const copies = copiesOf(ir, source, decided);
  if (copies.length === 0) return 'discard';
  return copies.map(({ to }) => to ?? '(return address)').join(' + ');
}

/** What is compared by name, as it is called. */
const nouns = {
  schemas: 'message',
  rejectCodes: 'reject code',
  endpoints: 'endpoint',
  transforms: 'transform',
  correlations: 'correlation',
} as const;

type Kind = keyof typeof nouns;

function isEmpty(difference: RouterDiff): boolean {
  const { settings, pools, routes } = difference;
  const names = [{ settings }, ...Object.keys(nouns).map((kind) => difference[kind as Kind])];
  const isSame = names.every((each) => Object.values(each).every(({ length }) => length === 0));
  return isSame && routes.length === 0 && pools.every(({ change }) => change === 'same');
}

function print(
  { out }: Io,
  difference: RouterDiff,
  details: Details,
  isSame: boolean,
  moves: Moves | null,
): void {
  if (isSame) out.line('no difference');
  if (details.settings.length > 0) out.line('~ router');
  printValues(out, details.settings);
  for (const [kind, noun] of Object.entries(nouns) as [Kind, string][]) {
    const { added, removed, changed } = difference[kind];
    const signs = [
      ['+', added],
      ['-', removed],
      ['~', changed],
    ] as const;
    for (const [sign, names] of signs) {
      for (const name of names) {
        out.line(`${sign} ${noun} ${name}`);
        if (sign === '~') printValues(out, details[kind][name] ?? []);
      }
    }
  }
  for (const pool of difference.pools) printPool(out, pool, details);
  for (const route of difference.routes) printRoute(out, route, details);
  if (moves === null) return;
  out.line();
  const share = percent(moves.share);
  out.line(
    `${countText(moves.moved)} of ${countText(moves.messages)} messages go elsewhere (${share})`,
  );
  const rows = moves.ways.map(({ from, to, messages }) => [from, to, countText(messages)]);
  if (rows.length === 0) return;
  for (const line of table(['from', 'to', 'messages'], rows, 2)) out.line(line);
}

const changeSigns = { added: '+', removed: '-', changed: '~', same: ' ' } as const;

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}

function printPool(out: Io['out'], pool: PoolDiff, details: Details): void {
  if (pool.change === 'same') return;
  out.line(
    `${changeSigns[pool.change]} pool ${pool.pool}: ${percent(pool.movedShare)} of its keys move`,
  );
  for (const name of pool.added) out.line(`    + ${name}`);
  for (const name of pool.removed) out.line(`    - ${name}`);
  // Of members that have come or gone, the name says enough.
  const names = [...pool.added, ...pool.removed];
  const known = names.flatMap((name) => [`weight of ${name}`, `id of ${name}`]);
  if (names.length > 0) known.push('members');
  const values = details.pools[pool.pool] ?? [];
  printValues(
    out,
    values.filter(({ option }) => !known.includes(option)),
  );
}

function printValues(out: Io['out'], values: readonly ChangedValue[], indent = 4): void {
  for (const { option, before, after } of values) {
    out.line(`${' '.repeat(indent)}${option}: ${before ?? '(none)'} → ${after ?? '(none)'}`);
  }
}

function printRoute(
  out: Io['out'],
  { route, change, parts, rules }: RouteDiff,
  details: Details,
): void {
  out.line(
    `${changeSigns[change]} route ${route}${parts.length === 0 ? '' : `: ${parts.join(', ')}`}`,
  );
  if (change !== 'changed') return;
  printValues(out, details.routes[route] ?? []);
  const text = ({ name, position }: RuleReference): string =>
    `rule ${name} (line ${position.line})`;
  for (const rule of rules.removed) out.line(`    - ${text(rule)}`);
  for (const rule of rules.added) out.line(`    + ${text(rule)}`);
  for (const [index, rule] of rules.changed.entries()) {
    out.line(`    ~ ${text(rule.before)} is now ${text(rule.after)}`);
    const condition = details.conditions[route]?.[index] ?? null;
    if (condition !== null) out.line(`        ${condition.before} → ${condition.after}`);
    printValues(out, details.actions[route]?.[index] ?? [], 8);
  }
  for (const rule of rules.moved) out.line(`    > ${text(rule.before)} is now ${text(rule.after)}`);
}
