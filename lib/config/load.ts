// Loads a configuration file into the plain data that a router is started or updated with.
import { existsSync, statSync } from 'node:fs';
import { extname, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Worker } from 'node:worker_threads';
import type { RouterIr } from '../compiler/ir.js';
import { deserialize } from '../compiler/serialize.js';
import { configError, type ErrorDetail, HyperRouteError, placeText } from '../errors.js';
import { packageRoot } from '../native.js';
import type { Json } from '../schema/canonical.js';
import type { ExportedSchemas } from './exports.js';
import type { Wanted, WorkerAnswer, WorkerFault, WorkerInput } from './protocol.js';

export interface LoadOptions {
  /** How long the configuration and its imports may run; default 10,000. */
  readonly timeoutMs?: number;
  /** Ends the load; the promise rejects with the signal's reason. */
  readonly signal?: AbortSignal;
  /** Receives what the configuration prints; default: this process's stderr. */
  readonly output?: NodeJS.WritableStream;
}

export interface LoadedConfig {
  /** Absolute path of the configuration. */
  readonly file: string;
  readonly ir: RouterIr;
  /** The types of `ir.schemas`, as `schemaFromJson` reads them; none where they are unknown. */
  readonly types: readonly Json[];
}

/** What a file exports of message types. */
export interface LoadedSchemas extends ExportedSchemas {
  /** Absolute path of the file. */
  readonly file: string;
}

const timeoutMsDefault = 10_000;
const timeoutMsMax = 2 ** 31 - 1;
const heapMegabytesMax = 1024;
const extensions = ['.ts', '.mts', '.js', '.mjs'];

/**
 * Runs a configuration (`.ts`, `.mts`, `.js`, `.mjs`) and its imports in a fresh worker thread and
 * returns its default export, checked, as plain data. Types are removed, never checked. The file
 * sees a copy of the environment; what it prints goes to `output`.
 *
 * Asynchronous; any thread may call it; nothing of the configuration stays loaded. Rejects with a
 * HyperRouteError: ERR_CONFIG_LOAD (unreadable, a syntax error, an exception, no router),
 * ERR_CONFIG_TIMEOUT, or the code of what is wrong with the configuration, with `detail.place` in
 * the user's own file.
 *
 * @example
 * ```ts
 * const { ir } = await loadConfig('router.config.ts');
 * const router = await HyperRoute.start(ir);
 * ```
 */
export async function loadConfig(path: string, options: LoadOptions = {}): Promise<LoadedConfig> {
  const { file, text, types } = await runFile(path, 'router', options);
  return { file, ir: deserialize(text), types: JSON.parse(types) as Json[] };
}

/**
 * Runs a file as `loadConfig` does and returns the schemas and unions that it exports, as canonical
 * JSON. Rejects as `loadConfig`.
 */
export async function loadSchemas(path: string, options: LoadOptions = {}): Promise<LoadedSchemas> {
  const { file, text } = await runFile(path, 'schemas', options);
  return { file, ...(JSON.parse(text) as ExportedSchemas) };
}

async function runFile(
  path: string,
  wanted: Wanted,
  options: LoadOptions,
): Promise<{ readonly file: string; readonly text: string; readonly types: string }> {
  const timeoutMs = options.timeoutMs ?? timeoutMsDefault;
  if (!(timeoutMs > 0 && timeoutMs <= timeoutMsMax)) {
    throw configError('timeoutMs', `a number above 0 and up to ${timeoutMsMax}`, timeoutMs);
  }
  options.signal?.throwIfAborted();
  const file = resolve(path);
  refuseUnreadable(file);
  const worker = startWorker({ file, wanted }, options.output ?? process.stderr);
  try {
    const answer = await answerOf(worker, file, timeoutMs, options.signal);
    if (answer.kind === 'failed') throw errorOf(answer.fault);
    return { file, text: answer.text, types: answer.types };
  } finally {
    await worker.terminate();
  }
}

function refuseUnreadable(file: string): void {
  if (!existsSync(file)) throw loadError('no such file', file);
  if (!statSync(file).isFile()) throw loadError('not a file', file);
  if (extensions.includes(extname(file))) return;
  throw loadError(`expected a file named *${extensions.join(', *')}`, file);
}

function loadError(context: string, file: string): HyperRouteError {
  return new HyperRouteError('ERR_CONFIG_LOAD', `${file}: ${context}`, { context });
}

function startWorker(input: WorkerInput, output: NodeJS.WritableStream): Worker {
  // The compiled file: this module itself may run from source under a test runner.
  const url = pathToFileURL(join(packageRoot(), 'dist', 'config', 'worker.js'));
  const worker = new Worker(url, {
    workerData: input,
    name: 'hyperroute-config',
    stdout: true,
    stderr: true,
    execArgv: [],
    resourceLimits: { maxOldGenerationSizeMb: heapMegabytesMax },
  });
  worker.stdout.pipe(output, { end: false });
  worker.stderr.pipe(output, { end: false });
  return worker;
}

/** The worker's answer; rejects when it ends or the time is over before there is one. */
function answerOf(
  worker: Worker,
  file: string,
  timeoutMs: number,
  signal: AbortSignal | undefined,
): Promise<WorkerAnswer> {
  let timer: NodeJS.Timeout | undefined;
  let abort: (() => void) | undefined;
  const place = { file, line: 1, column: 1 };
  const answered = new Promise<WorkerAnswer>((settle, reject) => {
    const fail = (code: 'ERR_CONFIG_LOAD' | 'ERR_CONFIG_TIMEOUT', context: string) =>
      reject(new HyperRouteError(code, `${placeText(place)}: ${context}`, { place, context }));
    timer = setTimeout(() => {
      fail('ERR_CONFIG_TIMEOUT', `the configuration was still running after ${timeoutMs} ms`);
    }, timeoutMs);
    abort = () => reject(signal?.reason);
    signal?.addEventListener('abort', abort, { once: true });
    worker.on('message', settle);
    worker.on('error', (error) => fail('ERR_CONFIG_LOAD', `${error.name}: ${error.message}`));
    worker.on('exit', () => {
      fail('ERR_CONFIG_LOAD', 'the configuration never finished: it awaits what cannot happen');
    });
  });
  return answered.finally(() => {
    clearTimeout(timer);
    if (abort !== undefined) signal?.removeEventListener('abort', abort);
  });
}

function errorOf({ code, message, detail }: WorkerFault): HyperRouteError {
  return new HyperRouteError(code, message, detail as ErrorDetail<typeof code>);
}
