// The only loader of the native addon. It loads on first use, so that schemas, `check` and the
// JavaScript codec work where there is no addon.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ErrorCode } from './codes.js';
import { type ErrorDetail, HyperRouteError } from './errors.js';

/** What the addon exports. Internal: everything public wraps it. */
export interface NativeAddon {
  /** Version of this interface; a binary with another one is refused. */
  readonly abi: number;
  /** How many bytes after the start of these the next cache line begins. */
  readonly bytesToLine: (bytes: Uint8Array) => number;
  /** Effective user id of a connected Unix socket's peer; -1 where there is none. */
  readonly peerUid: (fd: number) => number;
  readonly Router: new (options: NativeRouterOptions) => NativeRouter;
  readonly Replay: new (options: {
    /** Whether libraries that the file names are opened, and their code is run. */
    readonly plugins: boolean;
    /** What the tables of its correlations may take together. */
    readonly tableBytes: number;
  }) => NativeReplay;
}

/** Decides the messages of a recording again (native/addon/replay.h). */
export interface NativeReplay {
  open(header: Uint8Array): void;
  payloadBytes(header: Uint8Array): number;
  play(header: Uint8Array, payload: Uint8Array): void;
  report(): NativeReplayReport;
}

/** A decision as a recording has it. */
export interface NativeReplayDecision {
  readonly outcome: string;
  readonly route: number | null;
  readonly rule: number | null;
  readonly rejectCode: number;
  readonly skipped: number;
  readonly taps: number;
  readonly deliveries: readonly {
    readonly target: string;
    readonly endpoint: number | null;
    readonly transform: number | null;
    readonly rule: number | null;
    readonly outputBytes: number;
    readonly bestEffort: boolean;
    readonly priority: number;
    readonly returnAddress: bigint;
  }[];
}

export interface NativeReplayReport {
  readonly workers: number;
  readonly begunMs: number;
  readonly messages: number;
  /** Decisions of messages that had to wait, and were decided anew. */
  readonly held: number;
  readonly different: number;
  readonly missed: number;
  readonly end: NativeRecordingReport['end'];
  /** The first message that was decided in another way. */
  readonly difference: {
    readonly worker: number;
    readonly index: number;
    readonly image: number;
    readonly source: number;
    readonly message: Uint8Array;
    readonly recorded: readonly NativeReplayDecision[];
    readonly replayed: readonly NativeReplayDecision[];
  } | null;
  readonly images: readonly { readonly number: number; readonly description: string }[];
  readonly tallies: readonly {
    readonly image: number;
    readonly kind:
      | ('rule' | 'endpoint' | 'return-source' | 'return-address')
      | ('reject' | 'discard' | 'correlated');
    /** Route, endpoint or code. */
    readonly first: number;
    /** Rule. */
    readonly second: number;
    readonly count: number;
  }[];
}

export interface NativeRecordingReport {
  readonly end: ('stopped' | 'full' | 'overrun' | 'too-large' | 'failed' | 'open-entries') | null;
  readonly errno: number;
  readonly bytes: number;
  readonly messages: number;
  readonly missed: number;
}

export interface NativeWorkerOptions {
  readonly name: string;
  readonly idle: string;
  readonly cpu: number | null;
  readonly spinNs: number;
}

export interface NativeRouterOptions {
  readonly name: string;
  /** null: counters in private memory. */
  readonly countersPath: string | null;
  readonly inline: boolean;
  readonly sampleEvery: number;
  readonly workers: readonly NativeWorkerOptions[];
}

export interface NativeQueueOptions {
  readonly bytes: number;
  readonly full: string;
  readonly parkBytes: number;
}

export interface NativeEndpointSpec {
  readonly name: string;
  readonly kind: string;
  readonly worker: number;
  readonly queue: NativeQueueOptions;
  /** The slot whose socket it shares: same kind, same address. */
  readonly inherits?: number;
  readonly options: Readonly<Record<string, unknown>>;
}

export interface NativeEndpointInfo {
  readonly slot: number;
  /** Where it is bound, as 127.0.0.1:9000 or [::1]:9000; none for memory. */
  readonly address?: string;
  readonly receiveBufferBytes?: number;
}

export interface NativeReport {
  readonly live: boolean;
  readonly rxIdle: boolean;
  readonly txIdle: boolean;
  readonly peerCount: number;
  /** Messages read and routed, modulo 2^32. */
  readonly routed: number;
}

/** How an endpoint that keeps a session up stands with its listener; the words are numbers. */
export interface NativeLink {
  readonly isConnected: boolean;
  /** Why the last session or attempt ended: CloseReason of native/raptor. */
  readonly reason: number;
  /** Of a refusal, the listener's reason: HandshakeStatus of native/wire. */
  readonly refusal: number;
}

/** What control says of an endpoint; a share applies with the next `refresh` of its worker. */
export interface NativeStanding {
  readonly share: number;
  readonly state: number;
  /** Rules that name it are refused, too. */
  readonly isShut: boolean;
  readonly ejections: number;
  readonly trips: number;
  readonly probesFailed: number;
}

/** What an endpoint takes; 0: no such limit. */
export interface NativeLimits {
  readonly perSecond: number;
  readonly burst: number;
  readonly inFlightMax: number;
  readonly sheds: boolean;
  /** A u32 for each priority: bytes waiting above which it is shed. */
  readonly shedBytes: Uint8Array;
}

export interface NativeBindings {
  /** By endpoint of the image: its slot. */
  readonly slots: Uint8Array;
  readonly draining: readonly { readonly slot: number; readonly endpoint: number }[];
}

export interface NativeInstall extends NativeBindings {
  readonly image: Uint8Array;
  readonly routeNames: readonly string[];
  /** By code; '' where there is none. */
  readonly rejectNames: readonly string[];
  /** Absolute paths of the libraries, by their numbers in the image. */
  readonly plugins: readonly string[];
  /** What a recording says of the image. */
  readonly description?: string;
  /** Tables of the same name and layout are carried over, with all that is open in them. */
  readonly correlationNames: readonly string[];
}

/** The engine's control interface. One JavaScript thread; nothing blocks but `stop`, briefly. */
export interface NativeRouter {
  openEndpoint(spec: NativeEndpointSpec): NativeEndpointInfo;
  canReconfigure(slot: number, spec: NativeEndpointSpec): boolean;
  /** These give a ticket for `isDone`. */
  reconfigure(slot: number, spec: NativeEndpointSpec): number;
  /** `older`: the slot of the same endpoint's former port, whose messages leave first. */
  attach(slot: number, older?: number): number;
  stopAccepting(slot: number): number;
  stopReading(slot: number): number;
  /** Makes `report` tell what is so after everything published before this call. */
  refresh(slot: number): number;
  detach(slot: number): number;
  isDone(ticket: number): boolean;
  freeSlot(slot: number): void;
  report(slot: number): NativeReport;
  /** Undefined where it is no raptor endpoint. */
  link(slot: number): NativeLink | undefined;
  wake(slot: number): void;
  setStanding(slot: number, standing: NativeStanding): void;
  setLimits(slot: number, limits: NativeLimits): void;
  /** Fills u32 words with what is known of every slot (lib/router/control/controller.ts). */
  readControl(words: Uint8Array): void;
  /**
   * Verifies an image, or without one takes the image that runs, and binds it to slots. All that
   * can fail fails here, and nothing has changed then.
   */
  prepare(install: NativeInstall | NativeBindings): void;
  /** Swaps in what was prepared last. */
  commit(): void;
  gracePassed(): boolean;
  /** `description`: of the image that runs. Throws ERR_STATE while one goes on. */
  beginRecording(options: {
    readonly path: string;
    readonly bytes: number;
    readonly description: string;
  }): void;
  /** Asks the workers to record no more; the report says when the file is complete. */
  endRecording(): void;
  readRecording(): NativeRecordingReport | null;
  start(): void;
  poll(): number;
  stop(): void;
  counters(position: number, bytes: number): Uint8Array;
  countersPath(): string;
  collectMetrics(): void;
}

const abiExpected = 1;
const addonFile = 'hyperroute.node';

let loaded: NativeAddon | undefined;

/**
 * The native addon, loaded on the first call and kept. Synchronous; the first call reads files.
 * Throws HyperRouteError ERR_NATIVE_UNAVAILABLE with what was tried and the command that fixes it.
 */
export function native(): NativeAddon {
  loaded ??= load(packageRoot());
  return loaded;
}

/** The folder of the package's package.json, found from here upwards. Throws when there is none. */
export function packageRoot(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  for (;;) {
    const manifest = join(folder, 'package.json');
    if (existsSync(manifest)) {
      const { name } = JSON.parse(readFileSync(manifest, 'utf8')) as { name?: unknown };
      if (name === 'hyperroute') return folder;
    }
    const parent = dirname(folder);
    if (parent === folder) throw unavailable([], 'the package.json of hyperroute was not found');
    folder = parent;
  }
}

/**
 * Calls into the addon and turns its errors into HyperRouteErrors with the same code. Misuse
 * (TypeError, RangeError) passes through.
 */
export function nativeCall<T>(call: () => T): T {
  try {
    return call();
  } catch (error) {
    if (!(error instanceof Error) || !('code' in error)) throw error;
    const { code, message } = error as Error & { code: ErrorCode };
    const errno = 'errno' in error && typeof error.errno === 'number' ? error.errno : undefined;
    const detail = { context: message, ...(errno === undefined ? {} : { errno }) };
    throw new HyperRouteError(code, message, detail as ErrorDetail<ErrorCode>, { cause: error });
  }
}

function load(root: string): NativeAddon {
  if (process.platform !== 'linux') {
    throw unavailable([], `the engine runs on Linux only, this is ${process.platform}`);
  }
  setLibc();
  const require = createRequire(import.meta.url);
  const { resolve } = require('node-gyp-build') as { resolve: (folder: string) => string };
  const tried: { path: string; reason: string }[] = [];
  // node-gyp-build prefers a local build to a prebuild; a stale or broken local build must not
  // hide a prebuild that works, so the shipped one is tried after it.
  for (const find of [() => resolve(root), () => prebuildOf(root)]) {
    let path: string;
    try {
      path = find();
    } catch (error) {
      tried.push({ path: root, reason: messageOf(error) });
      continue;
    }
    if (tried.some((attempt) => attempt.path === path)) continue;
    try {
      const addon = require(path) as NativeAddon;
      if (addon.abi === abiExpected) return addon;
      tried.push({ path, reason: `interface version ${addon.abi}, expected ${abiExpected}` });
    } catch (error) {
      tried.push({ path, reason: messageOf(error) });
    }
  }
  throw unavailable(tried, 'no usable binary was found');
}

/** The first prebuild for this platform and C library. Throws when there is none. */
function prebuildOf(root: string): string {
  const folder = join(root, 'prebuilds', `${process.platform}-${process.arch}`);
  const libc = process.env.LIBC ?? 'glibc';
  const names = existsSync(folder) ? readdirSync(folder).filter((n) => n.endsWith('.node')) : [];
  const name = names.find((n) => n.includes(`.${libc}.`)) ?? names.find((n) => n === addonFile);
  if (name === undefined) throw new Error(`no prebuild for ${libc} in ${folder}`);
  return join(folder, name);
}

/** node-gyp-build knows musl only by Alpine's release file; the running Node knows for certain. */
function setLibc(): void {
  if (process.env.LIBC) return;
  const report = process.report.getReport() as { header?: { glibcVersionRuntime?: string } };
  process.env.LIBC = report.header?.glibcVersionRuntime === undefined ? 'musl' : 'glibc';
}

function messageOf(error: unknown): string {
  return error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error);
}

function unavailable(
  tried: readonly { path: string; reason: string }[],
  why: string,
): HyperRouteError<'ERR_NATIVE_UNAVAILABLE'> {
  const fix = 'npx hyperroute build';
  const list = tried.map(({ path, reason }) => `\n  ${path}: ${reason}`).join('');
  const message = `The native engine could not be loaded: ${why}.${list}\nTo build it: ${fix}`;
  return new HyperRouteError('ERR_NATIVE_UNAVAILABLE', message, { tried, fix });
}
