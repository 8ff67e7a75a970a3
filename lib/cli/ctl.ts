// `hyperroute ctl`: asks a running router, through its control socket, to change, or what it is.
import { connect, type Socket } from 'node:net';
import { type ErrorDetail, HyperRouteError } from '../errors.js';
import type { DrainReport } from '../router/options.js';
import type { RouterStatus, StatusEndpoint } from '../router/status.js';
import type { UpdateReport } from '../router/update.js';
import { fewOf } from '../schema/options.js';
import { type Command, type CommandInput, UsageError, wholeNumber } from './command.js';
import { updateLines } from './events.js';
import type { Io } from './io.js';
import { controlNames, controlPath, findRouters } from './live.js';
import { countText, percentText, secondsText, table } from './text.js';

/** Longer than the router takes to answer at the most. */
const answerMsMax = 150_000;

export const ctl: Command = {
  name: 'ctl',
  usage: 'NAME|PATH ACTION …',
  about: [
    'Changes a router that runs with `run --control`, while messages flow. Actions:',
    '',
    '  status                 endpoints and how they fare, pools and their members, host names,',
    '                         slow functions',
    '  drain ENDPOINT         pools send it nothing more; what is queued leaves',
    '  undrain ENDPOINT       pools send to it again',
    '  add POOL ENDPOINT      a pool gets one member more; with --like and --remote a new endpoint',
    '  remove POOL ENDPOINT   a pool gets one member less; an endpoint that is not needed closes',
    '  reweight POOL A=3 B=1  members of a pool get other weights',
    '  reload [FILE]          loads the configuration again, or another file',
    '',
    'What is refused changes nothing.',
  ],
  options: {
    like: { type: 'string', value: 'ENDPOINT', about: 'add: the endpoint whose options to take' },
    remote: { type: 'string', value: 'HOST:PORT', about: 'add: where the new endpoint sends' },
    weight: { type: 'string', value: 'N', about: 'add: its share beside the others (1)' },
    'max-moved': {
      type: 'string',
      value: 'SHARE',
      about: 'refuse a change that moves more of a pool, 0 to 1 (1)',
    },
  },
  positionalsMin: 2,
  positionalsMax: 258,
  examples: [
    'hyperroute ctl order-gateway status',
    'hyperroute ctl order-gateway drain venue-2',
    'hyperroute ctl order-gateway add venues venue-4 --like venue-1 --remote 127.0.0.1:9104',
    'hyperroute ctl order-gateway reload --max-moved 0.1',
  ],
  run,
};

type Request = Readonly<Record<string, unknown>>;

/** An action: what it asks for, from its words, and how the answer is shown. */
interface Action {
  readonly words: readonly [min: number, max: number];
  readonly request: (words: readonly string[], input: CommandInput) => Request;
  readonly show: (io: Io, result: never, words: readonly string[]) => void;
}

const actions: Readonly<Record<string, Action>> = {
  status: { words: [0, 0], request: () => ({}), show: showStatus },
  drain: { words: [1, 1], request: ([endpoint]) => ({ endpoint }), show: showDrain },
  undrain: { words: [1, 1], request: ([endpoint]) => ({ endpoint }), show: showUndrain },
  add: { words: [2, 2], request: addRequest, show: showUpdate },
  remove: {
    words: [2, 2],
    request: ([pool, endpoint], input) => ({ pool, endpoint, ...limitOf(input) }),
    show: showUpdate,
  },
  reweight: { words: [2, 256], request: reweightRequest, show: showUpdate },
  reload: {
    words: [0, 1],
    request: ([file], input) => ({ ...(file === undefined ? {} : { file }), ...limitOf(input) }),
    show: showUpdate,
  },
};

async function run(input: CommandInput): Promise<number> {
  const { positionals, values, io } = input;
  const [name = '', op = '', ...words] = positionals;
  const action = Object.hasOwn(actions, op) ? actions[op] : undefined;
  if (action === undefined) {
    const known = Object.keys(actions).join(', ');
    throw new UsageError(`unknown action ${JSON.stringify(op)}: expected one of ${known}`);
  }
  const [min, max] = action.words;
  if (words.length < min || words.length > max) {
    throw new UsageError(
      `${op}: expected ${min === max ? min : `${min} to ${max}`} words after it`,
    );
  }
  const result = await ask(name, { op, ...action.request(words, input) });
  if (values.json === true) io.json({ ok: true, result });
  else action.show(io, result as never, words);
  return 0;
}

function limitOf({ values }: CommandInput): Request {
  const given = values['max-moved'];
  if (given === undefined) return {};
  const maxMoved = Number(given);
  if (maxMoved >= 0 && maxMoved <= 1) return { maxMoved };
  throw new UsageError(`--max-moved: expected a share from 0 to 1, received ${given}`);
}

function addRequest([pool, endpoint]: readonly string[], input: CommandInput): Request {
  const { like, remote } = input.values;
  const weight = wholeNumber(input, 'weight', { low: 1, high: 1000, otherwise: 1 });
  const address = remote === undefined ? {} : { remote: addressOf(String(remote)) };
  const model = like === undefined ? {} : { like: String(like) };
  return { pool, member: { endpoint, weight, ...model, ...address }, ...limitOf(input) };
}

function addressOf(text: string): { host: string; port: number } {
  const [, bracketed, plain, port] = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(text) ?? [];
  if (port !== undefined) return { host: bracketed ?? plain ?? '', port: Number(port) };
  throw new UsageError(`--remote: expected HOST:PORT, received ${JSON.stringify(text)}`);
}

function reweightRequest(words: readonly string[], input: CommandInput): Request {
  const [pool, ...pairs] = words;
  const weights = pairs.map((pair) => {
    const [, member = '', weight] = /^(.+)=(\d{1,4})$/.exec(pair) ?? [];
    if (weight !== undefined) return [member, Number(weight)] as const;
    throw new UsageError(`reweight: expected ENDPOINT=WEIGHT, received ${JSON.stringify(pair)}`);
  });
  return { pool, weights: Object.fromEntries(weights), ...limitOf(input) };
}

/** One request and its answer. Throws what the router refused, or that there is none. */
async function ask(name: string, request: Request): Promise<unknown> {
  const path = controlPath(name);
  const socket = connect(path);
  socket.setTimeout(answerMsMax, () => socket.destroy());
  try {
    const answer = JSON.parse(await exchange(socket, name, JSON.stringify(request))) as {
      readonly ok: boolean;
      readonly result?: unknown;
      readonly error?: { readonly code: string; readonly message: string };
    };
    if (answer.ok) return answer.result;
    const { code = 'ERR_SYSTEM', message = '', ...detail } = answer.error ?? {};
    const known = code as HyperRouteError['code'];
    const context = { context: message, ...detail } as ErrorDetail<typeof known>;
    throw new HyperRouteError(known, message, context);
  } finally {
    socket.destroy();
  }
}

function exchange(socket: Socket, name: string, line: string): Promise<string> {
  const path = controlPath(name);
  return new Promise((resolve, reject) => {
    const fail = (context: string): void =>
      reject(new HyperRouteError('ERR_NOT_FOUND', context, { context }));
    socket.once('error', ({ message }) =>
      fail(`no router answers at ${path}: ${message}; ${socketHint(name)}`),
    );
    socket.once('close', () => fail(`${path}: the router let go without an answer`));
    let text = '';
    socket.setEncoding('utf8').on('data', (more: string) => {
      text += more;
      const end = text.indexOf('\n');
      if (end >= 0) resolve(text.slice(0, end));
    });
    socket.write(`${line}\n`);
  });
}

/** What to do where no router answers. */
function socketHint(name: string): string {
  const isRunning = findRouters().some(
    ({ snapshot, state }) => snapshot.name === name && state === 'running',
  );
  const start = `\`hyperroute run FILE --control ${name}\``;
  const hint = isRunning
    ? `router ${name} runs without a control socket: start it with ${start}`
    : `start the router with ${start}`;
  const others = controlNames().filter((known) => known !== name);
  if (others.length === 0) return hint;
  return `${hint}; there are control sockets named ${fewOf(others)}`;
}

function showStatus(io: Io, status: RouterStatus): void {
  const { out } = io;
  out.line(`${status.name} (process ${status.pid})\n`);
  const nowMs = Date.now();
  const endpoints = status.endpoints.map((endpoint) => {
    const { name, kind, address, state, share, sinceMs } = endpoint;
    const part = share > 0 && share < 1 ? ` ${percentText(share)}` : '';
    const since = secondsText(Math.max(0, nowMs - sinceMs) / 1000);
    return [name, kind, address ?? '-', `${state}${part}`, since, noteOf(endpoint)];
  });
  const titles = ['endpoint', 'kind', 'address', 'state', 'since', ''];
  for (const line of table(titles, endpoints, 6)) out.line(line);
  const states = new Map(status.endpoints.map(({ name, state }) => [name, state]));
  const members = status.pools.flatMap(({ name, strategy, members: all }) =>
    all.map(({ endpoint, weight, drained }, index) => {
      const first = index === 0 ? [name, strategy] : ['', ''];
      const state = states.get(endpoint) ?? 'up';
      return [...first, endpoint, String(weight), drained ? 'drained' : state];
    }),
  );
  if (members.length > 0) out.line();
  const heads = ['pool', 'strategy', 'member', 'weight', 'state'];
  for (const line of members.length > 0 ? table(heads, members, 5) : []) out.line(line);
  for (const { endpoint, host, addresses, leaving, failures, lastError } of status.names) {
    const left = leaving.length > 0 ? `, leaving ${leaving.join(' ')}` : '';
    const failed = failures > 0 ? `, ${failures} failures` : '';
    const last = lastError === null ? '' : ` (${lastError})`;
    out.line(`\n${endpoint}: ${host} is ${addresses.join(' ')}${left}${failed}${last}`);
  }
  for (const [name, { handled, replied, failed, lastError }] of Object.entries(status.slow)) {
    const last = lastError === null ? '' : ` (${lastError})`;
    out.line(`\n${name}: ${handled} handled, ${replied} replies, ${failed} failed${last}`);
  }
}

/** Why an endpoint is in its state, and what has happened to it since the start. */
function noteOf({
  reason,
  ejections,
  trips,
  probesFailed,
  drained,
  state,
  connection,
}: StatusEndpoint): string {
  const counts = [
    [ejections, 'ejections'],
    [trips, 'trips of its breaker'],
    [probesFailed, 'probes failed'],
  ] as const;
  const notes = counts.flatMap(([count, what]) => (count > 0 ? `${countText(count)} ${what}` : []));
  const drain = drained && state !== 'draining' ? ['drained'] : [];
  const why = connection?.state === 'connecting' ? connection.reason : 'none';
  const link = why === 'none' ? [] : [why.replaceAll('-', ' ')];
  return [reason, ...link, ...drain, ...notes].filter((note) => note !== '').join('; ');
}

function showDrain(io: Io, { endpoint, flushed }: DrainReport): void {
  const rest = flushed ? 'nothing is queued for it' : 'messages are still queued for it';
  io.out.line(`${endpoint} is drained: pools send it nothing; ${rest}`);
}

function showUndrain(io: Io, _result: unknown, [endpoint]: readonly string[]): void {
  io.out.line(`${endpoint} is used by its pools again`);
}

function showUpdate(io: Io, report: UpdateReport): void {
  for (const line of updateLines(report)) io.out.line(line);
}
