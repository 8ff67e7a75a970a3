// What the demo shows: the live table while it runs and the summary at its end.
import type { WriteStream } from 'node:tty';
import { LatencyBuckets, type Percentiles } from './latency.js';
import type { ClientProgress } from './records.js';
import { venueNames } from './rules.js';

/** The summary; with `--json` it is printed as it is. */
export interface DemoSummary {
  /** Whether every order went its way: everything below that counts faults is 0. */
  readonly passed: boolean;
  readonly messages: number;
  readonly clients: number;
  readonly seed: number;
  readonly elapsedMs: number;
  readonly ordersPerSecond: number;
  readonly lost: number;
  readonly duplicated: number;
  readonly misrouted: number;
  readonly corrupted: number;
  readonly reordered: number;
  /** Orders received by each venue, as the venues counted them. */
  readonly destinations: Readonly<Record<string, number>>;
  /** Rejects received by the clients, by code. */
  readonly rejects: Readonly<Record<string, number>>;
  /** From an order to its report and to its reject, as the clients measured it. */
  readonly roundTrip: Percentiles | null;
  readonly rejectRoundTrip: Percentiles | null;
  /** Time inside the router by route, as the router measured a sample of its messages. */
  readonly insideRouter: Readonly<Record<string, Percentiles>>;
  /** Datagrams the kernel dropped at each socket; null where it does not tell. */
  readonly kernelDrops: Readonly<Record<string, number | null>>;
  /** What lies behind the faults, as sentences. */
  readonly causes: readonly string[];
}

export type Output = Pick<WriteStream, 'write'> & { readonly isTTY?: boolean };

const redrawIntervalMs = 500;
const lineIntervalMs = 2000;
const nameColumns = 26;

/** Shows progress on a terminal as a table that is redrawn, elsewhere as a line now and then. */
export class LiveTable {
  readonly #output: Output;
  readonly #orderCount: number;
  readonly #timer: NodeJS.Timeout;
  readonly #startedAtMs = performance.now();
  readonly #clients: ClientProgress[] = [];
  readonly #venueCounts: number[] = venueNames.map(() => 0);
  readonly #latency = new LatencyBuckets();
  #answeredBefore = 0;
  #drawnAtMs = performance.now();
  #drawnLines = 0;
  #isStopped = false;

  constructor(output: Output, orderCount: number) {
    this.#output = output;
    this.#orderCount = orderCount;
    const intervalMs = output.isTTY === true ? redrawIntervalMs : lineIntervalMs;
    this.#timer = setInterval(() => this.#draw(), intervalMs);
  }

  setClient(clientIndex: number, progress: ClientProgress): void {
    this.#clients[clientIndex] = progress;
    this.#latency.merge(progress.latencyDelta);
  }

  setVenue(venueIndex: number, orderCount: number): void {
    this.#venueCounts[venueIndex] = orderCount;
  }

  /** Draws for the last time, with the rate of the whole run. Does nothing more after that. */
  stop(): void {
    if (this.#isStopped) return;
    this.#isStopped = true;
    clearInterval(this.#timer);
    this.#answeredBefore = 0;
    this.#drawnAtMs = this.#startedAtMs;
    this.#draw();
  }

  #sum(pick: (progress: ClientProgress) => number): number {
    return this.#clients.reduce((sum, progress) => sum + pick(progress), 0);
  }

  #draw(): void {
    const nowMs = performance.now();
    const rejects = this.#sum((client) => client.rejectCount);
    const answered = this.#sum((client) => client.reportCount) + rejects;
    const perSecond = ((answered - this.#answeredBefore) / (nowMs - this.#drawnAtMs)) * 1000;
    this.#answeredBefore = answered;
    this.#drawnAtMs = nowMs;
    const lost = this.#sum((client) => client.lostCount);
    const elapsed = ((nowMs - this.#startedAtMs) / 1000).toFixed(1);
    const head =
      `${elapsed} s  ${count(answered)} of ${count(this.#orderCount)} orders answered` +
      `  ${count(perSecond)}/s`;
    const tail =
      `rejected ${count(rejects)}  lost ${count(lost)}  round trip ` +
      `p50 ${time(this.#latency.quantileNs(0.5))}  p99 ${time(this.#latency.quantileNs(0.99))}`;
    if (this.#output.isTTY !== true) {
      this.#output.write(`${head}  ${tail}\n`);
      return;
    }
    const rows = venueNames.map((name, index) => {
      const orders = this.#venueCounts[index] ?? 0;
      const share = answered === 0 ? 0 : Math.min(1, orders / answered);
      return `  ${name.padEnd(8)}${count(orders).padStart(12)}  ${'█'.repeat(share * 40)}`;
    });
    const lines = [head, ...rows, `  ${tail}`];
    const back = this.#drawnLines > 0 ? `\u001b[${this.#drawnLines}A` : '';
    this.#output.write(`${back}${lines.map((line) => `\u001b[2K${line}\n`).join('')}`);
    this.#drawnLines = lines.length;
  }
}

/** The summary as text for people. */
export function summaryText(summary: DemoSummary): string {
  const seconds = (summary.elapsedMs / 1000).toFixed(1);
  const executed = Object.values(summary.destinations).reduce((sum, orders) => sum + orders, 0);
  const lines = [
    '',
    `${count(summary.messages)} orders of ${summary.clients} clients in ${seconds} s, ` +
      `${count(summary.ordersPerSecond)} orders/s`,
    '',
    '  destination      orders   share',
    ...Object.entries(summary.destinations).map(([name, orders]) => {
      const share = executed === 0 ? 0 : (orders / executed) * 100;
      return `  ${name.padEnd(12)}${count(orders).padStart(11)}  ${share.toFixed(1).padStart(5)} %`;
    }),
    ...Object.entries(summary.rejects).map(
      ([code, rejects]) => `  ${`reject ${code}`.padEnd(12)}${count(rejects).padStart(11)}`,
    ),
    '',
    latencyLine('round trip', summary.roundTrip),
    latencyLine('reject round trip', summary.rejectRoundTrip),
    ...Object.entries(summary.insideRouter).map(([route, figures]) =>
      latencyLine(`router, ${route}`, figures),
    ),
    '',
    `  lost ${summary.lost}   duplicated ${summary.duplicated}   misrouted ${summary.misrouted}` +
      `   corrupted ${summary.corrupted}   reordered ${summary.reordered}`,
    ...summary.causes.map((cause) => `  ${cause}`),
    '',
    summary.passed
      ? '  Every order reached its destination once and was answered once.'
      : `  FAILED. The same orders again: --seed ${summary.seed}`,
    '',
  ];
  return lines.join('\n');
}

function latencyLine(name: string, figures: Percentiles | null): string {
  if (figures === null) return `  ${name.padEnd(nameColumns)}no samples`;
  return (
    `  ${name.padEnd(nameColumns)}p50 ${time(figures.p50Ns)}  p90 ${time(figures.p90Ns)}  ` +
    `p99 ${time(figures.p99Ns)}  p99.9 ${time(figures.p999Ns)}  max ${time(figures.maxNs)}`
  );
}

function count(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}

/** A time with three digits and the unit that suits it. */
function time(nanoseconds: number | undefined): string {
  if (nanoseconds === undefined) return '–';
  if (nanoseconds < 1000) return `${Math.round(nanoseconds)} ns`;
  if (nanoseconds < 1e6) return `${(nanoseconds / 1e3).toPrecision(3)} µs`;
  if (nanoseconds < 1e9) return `${(nanoseconds / 1e6).toPrecision(3)} ms`;
  return `${(nanoseconds / 1e9).toPrecision(3)} s`;
}
