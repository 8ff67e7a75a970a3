// Runs a configuration: the entry of the worker thread that `load.ts` starts for each load. A
// fresh thread has no module loaded yet, so a reload sees every changed file; and nothing a
// configuration does (a loop without end, process.exit) reaches the router that is running.
import { register } from 'node:module';
import { pathToFileURL } from 'node:url';
import { MessageChannel, parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import { messageTypesOf } from '../compiler/build.js';
import { check } from '../compiler/check.js';
import type { RouterIr } from '../compiler/ir.js';
import { serialize } from '../compiler/serialize.js';
import { describeValue, type SourcePlace } from '../errors.js';
import { exportedSchemas } from './exports.js';
import { faultOf, loadFault } from './faults.js';
import type { HooksInput } from './hooks.js';
import type { WorkerAnswer, WorkerInput } from './protocol.js';

/** Deep enough to reach the user's frame below builders that are called through helpers. */
const stackFramesMax = 50;

const { file, wanted } = workerData as WorkerInput;
const entry = pathToFileURL(file).href;
const entryFolder = new URL('./', entry).href;
const packageCode = new URL('../', import.meta.url).href;
const suspects = new MessageChannel();
const packageExamples = new URL('../examples/', import.meta.url).href;

/**
 * Modules of the user: neither this package's own code nor that of a dependency. What lies beside
 * the configuration is the user's, even where the configuration itself came in a package.
 */
function isUserModule(url: string): boolean {
  if (url.startsWith(packageCode) && !url.startsWith(packageExamples)) return false;
  const beside = url.startsWith(entryFolder) ? url.slice(entryFolder.length) : url;
  return url.startsWith('file:') && !beside.includes('node_modules/');
}

function answer(message: WorkerAnswer): void {
  parentPort?.postMessage(message);
}

function fail(error: unknown): void {
  const suspect = error instanceof SyntaxError ? receiveMessageOnPort(suspects.port1) : undefined;
  const start = (suspect?.message as SourcePlace | undefined) ?? { file, line: 1, column: 1 };
  answer({ kind: 'failed', fault: faultOf(error, start, isUserModule) });
}

/** Ending the process would end this thread only, silently; an error says where it was tried. */
function refuseExit(code?: unknown): never {
  throw new Error(`a configuration must not end the process: process.exit(${code ?? ''})`);
}

/** Enough to tell a router from anything else; `check` looks at everything in it. */
function isRouterIr(value: unknown): value is RouterIr {
  return typeof value === 'object' && value !== null && 'routes' in value && 'endpoints' in value;
}

async function run(): Promise<void> {
  const api = new URL('../index.js', import.meta.url).href;
  const hooks: HooksInput = { entry, api, suspects: suspects.port2 };
  // Loaded before there are hooks, each of whose answers takes a trip to their thread.
  await import(api);
  const transferList = [suspects.port2];
  register(new URL('./hooks.js', import.meta.url), { data: hooks, transferList });
  const module = (await import(entry)) as Readonly<Record<string, unknown>>;
  if (wanted === 'schemas') {
    answer({ kind: 'loaded', text: JSON.stringify(exportedSchemas(module)), types: '[]' });
    return;
  }
  const start = { file, line: 1, column: 1 };
  const expected = 'expected `export default defineRouter({ … })`';
  if (!('default' in module)) {
    answer({ kind: 'failed', fault: loadFault(`no default export: ${expected}`, start) });
    return;
  }
  const ir = module.default;
  if (!isRouterIr(ir)) {
    const given = `the default export is ${describeValue(ir)}`;
    answer({ kind: 'failed', fault: loadFault(`${given}: ${expected}`, start) });
    return;
  }
  check(ir);
  const types = JSON.stringify(messageTypesOf(ir)?.map((type) => type.toJSON()) ?? []);
  answer({ kind: 'loaded', text: serialize(ir), types });
}

Error.stackTraceLimit = stackFramesMax;
process.exit = refuseExit;
process.on('uncaughtException', fail);
process.on('unhandledRejection', fail);
run().catch(fail);
