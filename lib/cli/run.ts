// `hyperroute run`: one router from one configuration file until a signal ends it. SIGHUP loads
// the file again; a file that is wrong changes nothing.
import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import type { RouterIr } from '../compiler/ir.js';
import { loadConfig } from '../config/load.js';
import type { ControlReport } from '../router/control-requests.js';
import { HyperRoute } from '../router/hyperroute.js';
import type { RecordOptions } from '../router/recording.js';
import { type Command, type CommandInput, UsageError, wholeNumber } from './command.js';
import { type DescribedRouter, eventsOf, type RouterEvents } from './events.js';
import { controlPath, countersFolder, countersPath } from './live.js';
import { Watch } from './watch.js';

export const run: Command = {
  name: 'run',
  usage: 'FILE',
  about: [
    'Starts the router that FILE exports and prints its endpoints with the addresses they are',
    'bound to; then what changes: endpoints that fail and come back, host names with other',
    'addresses, what ctl asks for. With --json every event is one line: started, reloaded,',
    'reload-failed, health, resolved, controlled, refused, left-out, recording-ended (before the',
    'router did), stopped, failed.',
    '',
    'SIGHUP loads FILE and everything it imports again: unchanged endpoints keep their sockets and',
    'connections; a file with a mistake is reported and the running configuration stays.',
    'SIGINT and SIGTERM drain and close; a second one ends the process at once.',
  ],
  options: {
    name: { type: 'string', value: 'NAME', about: "name of the router (the configuration's)" },
    counters: {
      type: 'string',
      value: 'PATH',
      about: 'counters file for stat (/dev/shm/hyperroute-<uid>/NAME.counters)',
    },
    control: {
      type: 'string',
      value: 'NAME|PATH',
      about:
        'control socket for ctl (none; a NAME stands for /dev/shm/hyperroute-<uid>/NAME.control)',
    },
    record: {
      type: 'string',
      value: 'FILE',
      about: 'record every message and decision for replay, in a file that is not there yet',
    },
    'record-bytes': {
      type: 'string',
      value: 'N',
      about: 'the most bytes of the recording; what comes after is left out (268,435,456)',
    },
  },
  positionalsMin: 1,
  positionalsMax: 1,
  examples: [
    'hyperroute run router.config.ts',
    'hyperroute run router.config.ts --name gateway-2 --json',
    'hyperroute run router.config.ts --control gateway-2    # hyperroute ctl gateway-2 status',
    'hyperroute run router.config.ts --record today.recording',
    'kill -HUP PID        # load the configuration again',
  ],
  run: runCommand,
};

/** Long enough never to matter; it keeps the process alive while native threads do the work. */
const keepAliveMs = 2 ** 31 - 1;

async function runCommand(input: CommandInput): Promise<number> {
  const { positionals, values, io } = input;
  const [path = ''] = positionals;
  const session = new Session({
    path,
    name: nameOf(values.name),
    countersPath: typeof values.counters === 'string' ? values.counters : undefined,
    controlPath: typeof values.control === 'string' ? controlPath(values.control) : undefined,
    record: recordOf(input),
    events: eventsOf(io, values.json === true),
  });
  const keepAlive = setInterval(() => {}, keepAliveMs);
  session.listen();
  try {
    return await session.run();
  } finally {
    session.unlisten();
    clearInterval(keepAlive);
  }
}

function nameOf(given: string | boolean | undefined): string | undefined {
  if (typeof given !== 'string') return undefined;
  if (/^[A-Za-z0-9_-][A-Za-z0-9._-]{0,63}$/.test(given)) return given;
  const expected = '1 to 64 of A-Z a-z 0-9 . _ -, not beginning with a dot';
  throw new UsageError(`--name: expected ${expected}, received ${JSON.stringify(given)}`);
}

function recordOf(input: CommandInput): RecordOptions | undefined {
  const { record, 'record-bytes': bound } = input.values;
  if (typeof record === 'string') {
    const bounds = { low: 65_536, high: Number.MAX_SAFE_INTEGER, otherwise: 256 * 2 ** 20 };
    return { path: record, bytes: wholeNumber(input, 'record-bytes', bounds) };
  }
  if (bound !== undefined) throw new UsageError('--record-bytes: expected --record FILE with it');
  return undefined;
}

interface SessionOptions {
  readonly path: string;
  readonly name: string | undefined;
  readonly countersPath: string | undefined;
  readonly controlPath: string | undefined;
  readonly record: RecordOptions | undefined;
  readonly events: RouterEvents;
}

/** One run: the router, the signals that reach it, and at most one reload at a time. */
class Session {
  readonly #options: SessionOptions;
  readonly #events: RouterEvents;
  readonly #stop = new AbortController();
  #router: HyperRoute | undefined;
  #watch: Watch | undefined;
  /** A SIGHUP came: the file must be loaded (again). Several while one is at work are one. */
  #reloadWanted = false;
  #reloading: Promise<void> | undefined;

  readonly #onHangup = () => {
    this.#reloadWanted = true;
    if (this.#router !== undefined) this.#reloading ??= this.#reload(this.#router);
  };

  readonly #onStop = () => {
    // Draining may take as long as its time limit; who asks twice does not want to wait.
    if (this.#stop.signal.aborted) process.exit(1);
    this.#stop.abort();
  };

  constructor(options: SessionOptions) {
    this.#options = options;
    this.#events = options.events;
  }

  listen(): void {
    process.on('SIGHUP', this.#onHangup);
    process.on('SIGINT', this.#onStop);
    process.on('SIGTERM', this.#onStop);
  }

  unlisten(): void {
    process.off('SIGHUP', this.#onHangup);
    process.off('SIGINT', this.#onStop);
    process.off('SIGTERM', this.#onStop);
  }

  /** Returns the exit code. */
  async run(): Promise<number> {
    const { signal } = this.#stop;
    try {
      const { file, ir } = await this.#load();
      const { countersPath: path = countersPath(ir.name), controlPath: control } = this.#options;
      const load = async (other?: string) => (await this.#load(other)).ir;
      const listen = control === undefined ? {} : { controlPath: control };
      // The folder of names; one that a path names is not made.
      if (control !== undefined && dirname(control) === countersFolder()) {
        mkdirSync(countersFolder(), { recursive: true, mode: 0o700 });
      }
      const { record } = this.#options;
      const recorded = record === undefined ? {} : { record };
      const onControl = (report: ControlReport): void => this.#watch?.controlled(report);
      const options = { countersPath: path, load, onControl, ...listen, ...recorded };
      const router = await HyperRoute.start(ir, options);
      this.#router = router;
      this.#events.started(file, described(router));
      this.#watch = new Watch(() => router.status(), this.#events);
      this.#watch.start();
      void this.#router.recording?.ended.then((report) => {
        if (report.end !== 'stopped') this.#events.recordingEnded(report);
      });
    } catch (error) {
      if (signal.aborted) return 0;
      this.#events.failed(error);
      return 1;
    }
    if (this.#reloadWanted) this.#onHangup();
    if (!signal.aborted) await new Promise((done) => signal.addEventListener('abort', done));
    return this.#close(this.#router);
  }

  async #load(other?: string): Promise<{ file: string; ir: RouterIr }> {
    const { path, name } = this.#options;
    const { file, ir } = await loadConfig(other ?? path, { signal: this.#stop.signal });
    return { file, ir: name === undefined ? ir : { ...ir, name } };
  }

  async #close(router: HyperRoute): Promise<number> {
    this.#watch?.stop();
    this.#events.stopping();
    await this.#reloading;
    try {
      await router.close();
    } catch (error) {
      this.#events.failed(error);
      return 1;
    }
    this.#events.stopped();
    return 0;
  }

  async #reload(router: HyperRoute): Promise<void> {
    while (this.#reloadWanted && !this.#stop.signal.aborted) {
      this.#reloadWanted = false;
      try {
        const { ir } = await this.#load();
        const changes = await router.update(ir);
        this.#events.reloaded(described(router), changes);
      } catch (error) {
        if (!this.#stop.signal.aborted) this.#events.reloadFailed(error);
      }
    }
    this.#reloading = undefined;
  }
}

function described(router: HyperRoute): DescribedRouter {
  return {
    name: router.name,
    countersPath: router.countersPath,
    controlPath: router.controlPath,
    endpoints: router.endpoints().map(({ name, kind, address }) => ({ name, kind, address })),
  };
}
