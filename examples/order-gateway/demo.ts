// The demo: starts four venues, the router and the clients, shows what happens, and judges from
// the records of clients and venues whether every order went its way. The router runs in this
// process; clients and venues are processes of their own and end with it, however it ends.
import { randomInt } from 'node:crypto';
import process from 'node:process';
import { setTimeout as delay } from 'node:timers/promises';
import { Child } from './children.js';
import { ownUdpSockets } from './kernel.js';
import { type Percentiles, percentiles } from './latency.js';
import type { ClientMessage, ClientRecords, VenueMessage, VenueRecords } from './records.js';
import { type DemoSummary, LiveTable, type Output, summaryText } from './report.js';
import { answerTimeoutMs, receiveBufferBytes, venueNames } from './rules.js';
import { judge, type Verdict } from './verdict.js';

const host = '127.0.0.1';
const messagesDefault = 200_000;
const messagesMax = 10_000_000;
const clientsDefault = 8;
const clientsMax = 64;
const startTimeoutMs = 30_000;
const recordsTimeoutMs = 30_000;
/** How long late copies may take to turn up after the last answer. */
const settleMs = 250;
/** Without any news from a client for this long, something hangs. */
const silenceMaxMs = answerTimeoutMs * 6;

/** Where the router has to listen and send to. */
export interface GatewayAddresses {
  readonly host: string;
  /** Ports of the venues, in the order of their numbers; the last is the block venue's. */
  readonly venuePorts: readonly number[];
}

/** A running router, as far as the demo needs it. */
export interface GatewayRouter {
  /** The port that clients connect to. */
  readonly clientPort: number;
  /** The time messages spent inside the router, by route; without samples there is no entry. */
  latency(): Readonly<Record<string, Percentiles>>;
  close(): Promise<void>;
}

export type StartGateway = (
  addresses: GatewayAddresses,
  signal: AbortSignal,
) => Promise<GatewayRouter>;

export interface DemoOptions {
  /** Orders in all, 1 to 10,000,000. Default 200,000. */
  readonly messages?: number | undefined;
  /** Client processes, 1 to 64. Default 8. */
  readonly clients?: number | undefined;
  /** The same seed makes the same orders. Default: another one each time. */
  readonly seed?: number | undefined;
  /** Print the summary as one JSON object instead of text. */
  readonly json?: boolean | undefined;
  /** Ends the demo and everything it started; `runDemo` then fails with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  /** The summary goes here. Default: standard output. */
  readonly stdout?: Output | undefined;
  /** The live table goes here. Default: standard error. */
  readonly stderr?: Output | undefined;
  /** The router to try. Default: hyperroute with router.config.ts. */
  readonly startGateway?: StartGateway | undefined;
}

/** The options with everything decided. */
interface Plan {
  readonly messages: number;
  readonly clients: number;
  readonly seed: number;
  readonly signal: AbortSignal;
  readonly stderr: Output;
  readonly startGateway: StartGateway;
}

/**
 * Runs the demo and prints its summary. Takes seconds to minutes; returns the summary, whose
 * `passed` says whether all was well. Fails if a process or the router does not start or ends
 * early, and when `signal` aborts; every process it started is gone by then.
 */
export async function runDemo(options: DemoOptions = {}): Promise<DemoSummary> {
  const stop = new AbortController();
  const plan: Plan = {
    messages: checkedCount('messages', options.messages ?? messagesDefault, 1, messagesMax),
    clients: checkedCount('clients', options.clients ?? clientsDefault, 1, clientsMax),
    seed: checkedCount('seed', options.seed ?? randomInt(2 ** 31), 0, 2 ** 32 - 1),
    signal: options.signal ? AbortSignal.any([options.signal, stop.signal]) : stop.signal,
    stderr: options.stderr ?? process.stderr,
    startGateway: options.startGateway ?? startHyperRoute,
  };
  const run = new DemoRun(plan, stop);
  try {
    const summary = await run.run();
    const text = options.json === true ? `${JSON.stringify(summary)}\n` : summaryText(summary);
    (options.stdout ?? process.stdout).write(text);
    return summary;
  } finally {
    await run.end();
  }
}

const startHyperRoute: StartGateway = async (addresses, signal) => {
  const { startGateway } = await import('./gateway.js');
  return startGateway(addresses, signal);
};

class DemoRun {
  readonly #plan: Plan;
  readonly #stop: AbortController;
  readonly #venues: Child<VenueMessage>[] = [];
  readonly #clients: Child<ClientMessage>[] = [];
  readonly #causes: string[] = [];
  #router: GatewayRouter | undefined;
  #table: LiveTable | undefined;

  constructor(plan: Plan, stop: AbortController) {
    this.#plan = plan;
    this.#stop = stop;
  }

  /** The whole demo, in order. */
  async run(): Promise<DemoSummary> {
    const { messages, clients, stderr, signal } = this.#plan;
    stderr.write(`starting ${venueNames.length} venues, the router and ${clients} clients …\n`);
    const foreignSockets = new Set((ownUdpSockets() ?? []).map(({ inode }) => inode));
    const venuePorts = await this.#startVenues();
    this.#router = await this.#plan.startGateway({ host, venuePorts }, signal);
    await this.#startClients(this.#router.clientPort);
    this.#table = new LiveTable(stderr, messages);
    const startedAtMs = performance.now();
    await this.#runClients(this.#table);
    const elapsedMs = performance.now() - startedAtMs;
    this.#table.stop();
    await delay(settleMs, undefined, { signal });
    const clientRecords = await this.#recordsOf<ClientRecords, ClientMessage>(this.#clients);
    const venueRecords = await this.#recordsOf<VenueRecords, VenueMessage>(this.#venues);
    const insideRouter = this.#router.latency();
    const drops = dropsBySocket(venueRecords, foreignSockets);
    await this.#router.close();
    for (const [index, { trouble }] of clientRecords.entries()) {
      if (trouble !== '') this.#causes.push(`Client ${index} stopped: ${trouble}.`);
    }
    const verdict = judge(clientRecords, venueRecords, messages);
    return this.#summary(verdict, elapsedMs, drops, insideRouter);
  }

  /** Ends whatever still runs; never fails. */
  async end(): Promise<void> {
    this.#table?.stop();
    this.#stop.abort(new Error('the demo is over'));
    const router = this.#router;
    const children = [...this.#clients, ...this.#venues].map((child) => child.end());
    await Promise.allSettled([...children, ...(router === undefined ? [] : [router.close()])]);
  }

  async #startVenues(): Promise<number[]> {
    const { messages, signal } = this.#plan;
    const ready = venueNames.map(async (name, venueIndex) => {
      const venue = new Child<VenueMessage>(name, './venue.js');
      this.#venues.push(venue);
      const answer = venue.next('ready', signal, startTimeoutMs);
      // Every order may come twice before the venue has to stop writing.
      venue.send({ type: 'start', venueIndex, host, recordMax: messages * 2 });
      return answer;
    });
    const answers = await Promise.all(ready);
    const smallest = Math.min(...answers.map((answer) => answer.receiveBufferBytes));
    if (smallest < receiveBufferBytes) {
      const hint = 'the sysctl net.core.rmem_max sets the limit';
      this.#causes.push(`Venues have ${smallest} bytes to receive of 4 MB: ${hint}.`);
    }
    return answers.map(({ port }) => port);
  }

  async #startClients(port: number): Promise<void> {
    const { clients, messages, seed, signal } = this.#plan;
    const ready = Array.from({ length: clients }, async (_, clientIndex) => {
      const client = new Child<ClientMessage>(`client ${clientIndex}`, './client.js');
      this.#clients.push(client);
      const answer = client.next('ready', signal, startTimeoutMs);
      const share = Math.floor(messages / clients) + (clientIndex < messages % clients ? 1 : 0);
      const who = { clientIndex, clientCount: clients, orderCount: share, seed };
      client.send({ type: 'start', ...who, host, port });
      return answer;
    });
    await Promise.all(ready);
  }

  async #runClients(table: LiveTable): Promise<void> {
    let newsAtMs = performance.now();
    const watch = setInterval(() => {
      if (performance.now() - newsAtMs < silenceMaxMs) return;
      this.#stop.abort(new Error(`no client reported progress for ${silenceMaxMs} ms`));
    }, 1000);
    this.#venues.forEach((venue, index) => {
      venue.on('progress', ({ orderCount }) => table.setVenue(index, orderCount));
    });
    this.#clients.forEach((client, index) => {
      client.on('progress', (progress) => {
        newsAtMs = performance.now();
        table.setClient(index, progress);
      });
    });
    try {
      const done = this.#clients.map((client) => client.next('done', this.#plan.signal));
      for (const client of this.#clients) client.send({ type: 'go' });
      await Promise.all(done);
    } finally {
      clearInterval(watch);
    }
  }

  async #recordsOf<Records, Message extends Records | { readonly type: string }>(
    children: readonly Child<Extract<Message, { readonly type: string }>>[],
  ): Promise<Records[]> {
    const records = children.map((child) => {
      const answer = child.next('records', this.#plan.signal, recordsTimeoutMs);
      child.send({ type: 'finish' });
      return answer as Promise<Records>;
    });
    return Promise.all(records);
  }

  #summary(
    verdict: Verdict,
    elapsedMs: number,
    kernelDrops: Record<string, number | null>,
    insideRouter: Readonly<Record<string, Percentiles>>,
  ): DemoSummary {
    const { messages, clients, seed } = this.#plan;
    const dropped = Object.values(kernelDrops).reduce<number>((sum, n) => sum + (n ?? 0), 0);
    // A dropped datagram was an order or a report: it is lost even if a copy made up for it.
    const lost = Math.max(verdict.lost, dropped);
    const { duplicated, misrouted, corrupted, reordered } = verdict;
    const passed = lost + duplicated + misrouted + corrupted + reordered === 0;
    return {
      passed,
      messages,
      clients,
      seed,
      elapsedMs: Math.round(elapsedMs),
      ordersPerSecond: Math.round(((messages - verdict.unsent) / elapsedMs) * 1000),
      lost,
      duplicated,
      misrouted,
      corrupted,
      reordered,
      destinations: Object.fromEntries(
        venueNames.map((name, index) => [name, verdict.venueCounts[index] ?? 0]),
      ),
      rejects: Object.fromEntries([...verdict.rejectCounts].sort(([x], [y]) => x - y)),
      roundTrip: percentiles(verdict.reportLatencyNs),
      rejectRoundTrip: percentiles(verdict.rejectLatencyNs),
      insideRouter,
      kernelDrops,
      causes: passed ? [] : [...dropCauses(kernelDrops), ...this.#causes, ...faultCauses(verdict)],
    };
  }
}

/** What the kernel dropped at the venues' sockets and at those the router opened here. */
function dropsBySocket(
  venues: readonly VenueRecords[],
  foreignSockets: ReadonlySet<number>,
): Record<string, number | null> {
  const drops: Record<string, number | null> = {};
  for (const [index, { kernelDrops }] of venues.entries()) {
    drops[venueNames[index] ?? String(index)] = kernelDrops < 0 ? null : kernelDrops;
  }
  const own = ownUdpSockets()?.filter(({ inode }) => !foreignSockets.has(inode));
  const router = own?.reduce((sum, socket) => sum + socket.drops, 0) ?? null;
  return { ...drops, router };
}

function dropCauses(drops: Readonly<Record<string, number | null>>): string[] {
  return Object.entries(drops)
    .filter(([, count]) => (count ?? 0) > 0)
    .map(([name, count]) => {
      const what = count === 1 ? '1 datagram' : `${count} datagrams`;
      return `The kernel dropped ${what} at the receive buffer of ${name}.`;
    });
}

function faultCauses({ refused, unsent }: Verdict): string[] {
  const causes: string[] = [];
  if (refused > 0) causes.push(`${refused} valid orders were rejected by the router.`);
  if (unsent > 0) causes.push(`${unsent} orders were given up before they were sent.`);
  return causes;
}

function checkedCount(name: string, value: number, min: number, max: number): number {
  if (Number.isInteger(value) && value >= min && value <= max) return value;
  throw new RangeError(`${name}: expected an integer from ${min} to ${max}, received ${value}`);
}
