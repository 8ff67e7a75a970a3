// `hyperroute stat`: the counters of a running router, read from its counters file by another
// process; the router is neither stopped nor asked.
import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { HyperRouteError } from '../errors.js';
import { CountersFile } from '../router/counters.js';
import { type Command, type CommandInput, wholeNumber } from './command.js';
import type { Io } from './io.js';
import { countersFolder, countersPath, type FoundRouter, findRouters, stateOf } from './live.js';
import { type StatReport, statReport, take } from './rates.js';
import { screen } from './screen.js';
import { secondsText, table } from './text.js';

const intervalMsMin = 10;
const intervalMsMax = 3_600_000;
const intervalMsDefault = 1000;

export const stat: Command = {
  name: 'stat',
  usage: '[NAME|PATH]',
  about: [
    'Without an argument: lists the routers of this user, running or dead.',
    'With the name of a router, or the path of its counters file: rates and totals for each',
    'endpoint and route, rejects by code, latency percentiles inside the router. A terminal shows',
    'a live table; anything else gets one report, unless --interval or --count asks for more.',
  ],
  options: {
    interval: { type: 'string', short: 'i', value: 'MS', about: 'time between reports (1000)' },
    count: { type: 'string', short: 'n', value: 'N', about: 'end after N reports' },
  },
  positionalsMin: 0,
  positionalsMax: 1,
  examples: [
    'hyperroute stat',
    'hyperroute stat order-gateway',
    'hyperroute stat order-gateway --json --interval 500 --count 10',
  ],
  run,
};

async function run(input: CommandInput): Promise<number> {
  const { io, positionals, values } = input;
  const range = { low: intervalMsMin, high: intervalMsMax };
  const intervalMs = wholeNumber(input, 'interval', { ...range, otherwise: intervalMsDefault });
  const isLive = io.out.isTerminal && values.json !== true;
  const endless = isLive || values.interval !== undefined;
  const count = wholeNumber(input, 'count', {
    low: 1,
    high: Number.MAX_SAFE_INTEGER,
    otherwise: endless ? Number.POSITIVE_INFINITY : 1,
  });
  const [name] = positionals;
  if (name === undefined) return list(io, values.json === true);
  return watch(countersPath(name), { io, intervalMs, count, isLive, json: values.json === true });
}

function list(io: Io, json: boolean): number {
  const found = findRouters();
  if (json) {
    io.json({ folder: countersFolder(), routers: found.map(listed) });
    return 0;
  }
  if (found.length === 0) {
    io.out.line(`no router of this user is running (${countersFolder()} holds no counters)`);
    return 0;
  }
  const rows = found.map((router) => {
    const { name, pid, state, uptimeSeconds } = listed(router);
    return [name, state, String(pid), secondsText(uptimeSeconds), router.path];
  });
  for (const line of table(['router', 'state', 'pid', 'up', 'counters'], rows, 5)) {
    io.out.line(line);
  }
  io.out.line('\nhyperroute stat NAME shows the counters of one.');
  return 0;
}

function listed({ path, snapshot, state }: FoundRouter) {
  const uptimeSeconds = Math.max(0, (Date.now() - snapshot.startedMs) / 1000);
  return { name: snapshot.name, pid: snapshot.pid, state, path, uptimeSeconds };
}

interface WatchOptions {
  readonly io: Io;
  readonly intervalMs: number;
  readonly count: number;
  readonly isLive: boolean;
  readonly json: boolean;
}

/** Reports until the count is reached, the router ends or a signal comes. */
async function watch(path: string, options: WatchOptions): Promise<number> {
  if (!existsSync(path)) {
    const context = `no router keeps its counters in ${path}`;
    throw new HyperRouteError('ERR_NOT_FOUND', `${context} (hyperroute stat lists them)`, {
      context,
    });
  }
  const stop = new AbortController();
  const interrupt = () => stop.abort();
  process.once('SIGINT', interrupt).once('SIGTERM', interrupt);
  const file = new CountersFile(path);
  try {
    return await watchFile(file, options, stop.signal);
  } finally {
    file.close();
    process.off('SIGINT', interrupt).off('SIGTERM', interrupt);
  }
}

async function watchFile(
  file: CountersFile,
  { io, intervalMs, count, isLive, json }: WatchOptions,
  signal: AbortSignal,
): Promise<number> {
  let before: ReturnType<typeof take> | undefined;
  for (let shown = 0; shown < count; shown++) {
    if (shown > 0) await sleep(intervalMs, undefined, { signal }).catch(() => undefined);
    if (signal.aborted) break;
    const now = take(file.read(), Date.now());
    const state = stateOf(file, now.snapshot);
    if (shown > 0 && !isLive && !json) io.out.line();
    show(statReport(file.path, state, now, before), { io, isLive, json });
    before = now;
    if (state === 'running') continue;
    if (!json) io.err.line(ending(now.snapshot.name, now.snapshot.pid, state === 'closed'));
    return state === 'closed' && shown > 0 ? 0 : 1;
  }
  return 0;
}

function ending(name: string, pid: number, closed: boolean): string {
  const how = closed ? 'has stopped' : 'died without closing its counters';
  return `the router ${name} (process ${pid}) ${how}; these are its last numbers`;
}

function show(
  report: StatReport,
  { io, isLive, json }: Pick<WatchOptions, 'io' | 'isLive' | 'json'>,
) {
  if (json) {
    io.json(report);
    return;
  }
  const lines = screen(report, io.out);
  if (!isLive) {
    for (const line of lines) io.out.line(line);
    return;
  }
  // Home, no wrapping of long lines, each line erased to its end, everything below erased:
  // redrawn without flicker.
  const fitting = lines.slice(0, Math.max(1, io.out.rows - 1));
  const drawn = fitting.map((line) => `${line}\x1b[K\n`).join('');
  io.out.write(`\x1b[H\x1b[?7l${drawn}\x1b[J\x1b[?7h`);
}
