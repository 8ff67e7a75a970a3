// `hyperroute simulate`: where the messages of a file would go.
import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import type { RouterIr } from '../compiler/ir.js';
import { loadConfig } from '../config/load.js';
import { HyperRouteError, isHyperRouteError } from '../errors.js';
import { type Command, type CommandInput, UsageError } from './command.js';
import { copiesOf, type Decider, decidersOf, rejectCopiesOf, rejectName } from './decisions.js';
import type { Io } from './io.js';
import { type Arrival, arrivalOf, type TypedConfig, typedConfig } from './messages.js';
import { countText, table } from './text.js';

/** Longer lines are no messages. */
const lineBytesMax = 1 << 20;
/** Messages between two lines of progress. */
const progressEvery = 100_000;

export const simulate: Command = {
  name: 'simulate',
  usage: 'FILE',
  about: [
    'Decides every message of INPUT and reports the share of each rule and each destination, the',
    'rejects by code, and bytes. Everything is usable and no queue is full; nothing is opened or',
    'sent. INPUT has one JSON value a line:',
    '',
    '  {"from": "clients", "type": "NewOrder", "message": {"id": "1", "qty": 5}}',
    '  {"from": "clients", "hex": "0e00010700000000"}',
    '',
    '`from` may be left out where one endpoint has routes, `type` where it carries one type.',
    'Memory does not grow with the input; progress goes to stderr.',
  ],
  options: {
    input: { type: 'string', value: 'INPUT', about: 'the messages, a line each; - is stdin' },
  },
  positionalsMin: 1,
  positionalsMax: 1,
  examples: ['hyperroute simulate router.config.ts --input messages.jsonl'],
  run,
};

interface Tally {
  messages: number;
  bytes: number;
}

/** What became of all messages. */
export interface Totals {
  readonly arrived: Tally;
  /** By route and rule, in the order in which they were met first. */
  readonly rules: Map<string, Tally>;
  /** By endpoint; messages that went to a return address in one entry. */
  readonly destinations: Map<string, Tally>;
  readonly rejects: Map<string, Tally>;
  discarded: number;
}

async function run({ positionals, values, io }: CommandInput): Promise<number> {
  const [path = ''] = positionals;
  if (typeof values.input !== 'string') throw new UsageError('simulate: expected --input INPUT');
  const typed = typedConfig(await loadConfig(path));
  const { native, interpreter } = decidersOf(typed.ir);
  const decide = native ?? interpreter;
  const totals = emptyTotals();
  for await (const arrival of arrivalsOf(typed, values.input)) {
    add(totals, typed.ir, arrival, decide);
    if (totals.arrived.messages % progressEvery === 0) {
      io.err.line(`${countText(totals.arrived.messages)} messages`);
    }
  }
  const engine = native === null ? 'interpreter' : 'native';
  if (values.json === true) io.json({ ok: true, engine, ...asJson(totals) });
  else print(io, totals);
  return 0;
}

/** The messages of a file, a line each. Rejects with the line of the first that is none. */
export async function* arrivalsOf(typed: TypedConfig, path: string): AsyncGenerator<Arrival> {
  const input = path === '-' ? process.stdin : createReadStream(path);
  const lines = createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY });
  let line = 0;
  try {
    for await (const text of lines) {
      line += 1;
      if (text.trim() !== '') yield arrivalAt(typed, path, line, text);
    }
  } catch (error) {
    if (isHyperRouteError(error)) throw error;
    const context = `${path}: ${(error as Error).message}`;
    throw new HyperRouteError('ERR_CONFIG_LOAD', context, { context }, { cause: error });
  }
}

function arrivalAt(typed: TypedConfig, path: string, line: number, text: string): Arrival {
  try {
    if (text.length > lineBytesMax) throw new RangeError(`more than ${lineBytesMax} characters`);
    return arrivalOf(typed, JSON.parse(text));
  } catch (error) {
    const place = { file: path, line, column: 1 };
    const context = `${path}:${line}:1: ${(error as Error).message}`;
    throw new HyperRouteError('ERR_MESSAGE', context, { place, context });
  }
}

export function emptyTotals(): Totals {
  const arrived = { messages: 0, bytes: 0 };
  return { arrived, rules: new Map(), destinations: new Map(), rejects: new Map(), discarded: 0 };
}

function count(tallies: Map<string, Tally>, key: string, bytes: number): void {
  const tally = tallies.get(key) ?? { messages: 0, bytes: 0 };
  tally.messages += 1;
  tally.bytes += bytes;
  tallies.set(key, tally);
}

function add(totals: Totals, ir: RouterIr, { source, message }: Arrival, decide: Decider): void {
  const decided = decide(source, message);
  const { decision, rejectCode } = decided;
  totals.arrived.messages += 1;
  totals.arrived.bytes += message.length;
  const route = decision.route === null ? undefined : ir.routes[decision.route];
  const rule = decision.rule === null ? undefined : route?.rules[decision.rule];
  if (route !== undefined && rule !== undefined) {
    count(totals.rules, `${route.name} ${rule.name}`, message.length);
  }
  if (rejectCode !== 0) count(totals.rejects, rejectName(ir, rejectCode), message.length);
  else if (decision.outcome === 'discard') totals.discarded += 1;
  for (const copy of [...copiesOf(ir, source, decided), ...rejectCopiesOf(ir, source, decided)]) {
    count(totals.destinations, copy.to ?? '(return address)', copy.message.length);
  }
}

function asJson(totals: Totals): object {
  const { arrived, rules, destinations, rejects, discarded } = totals;
  const shares = (tallies: Map<string, Tally>): object =>
    Object.fromEntries(
      [...tallies].map(([name, { messages, bytes }]) => {
        return [name, { messages, bytes, share: messages / arrived.messages }];
      }),
    );
  return {
    ...arrived,
    discarded,
    rules: shares(rules),
    destinations: shares(destinations),
    rejects: shares(rejects),
  };
}

function print({ out }: Io, totals: Totals): void {
  const { arrived, rules, destinations, rejects, discarded } = totals;
  out.line(`${countText(arrived.messages)} messages, ${countText(arrived.bytes)} bytes`);
  const show = (title: string, tallies: Map<string, Tally>): void => {
    if (tallies.size === 0) return;
    const rows = [...tallies].map(([name, { messages, bytes }]) => [
      name,
      countText(messages),
      `${((100 * messages) / arrived.messages).toFixed(1)} %`,
      countText(bytes),
    ]);
    out.line();
    for (const line of table([title, 'messages', 'share', 'bytes'], rows)) out.line(line);
  };
  show('rule', rules);
  show('destination', destinations);
  show('reject', rejects);
  if (discarded > 0) out.line(`\ndiscarded  ${countText(discarded)}`);
}
