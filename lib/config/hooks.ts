// Module hooks of a configuration worker: `hyperroute` is this very package, wherever the
// configuration lies; TypeScript files are stripped of their types. Node runs this file in a
// thread of its own; only `load.ts` and `worker.ts` use it.
import { existsSync, readFileSync } from 'node:fs';
import type { InitializeHook, LoadHook, ResolveHook } from 'node:module';
import { fileURLToPath } from 'node:url';
import type { MessagePort } from 'node:worker_threads';
import { placeOfSpecifier } from './place.js';
import { SourceFault, stripTypes } from './strip.js';

/** What the worker hands to its hooks. */
export interface HooksInput {
  /** URL of the configuration, which is a module whatever its folder's package.json says. */
  readonly entry: string;
  /** URL of the module that `hyperroute` stands for. */
  readonly api: string;
  /** Receives the SourcePlace of what looks like a syntax error in a JavaScript file. */
  readonly suspects: MessagePort;
}

const packageName = 'hyperroute';
let input: HooksInput | undefined;

export const initialize: InitializeHook<HooksInput> = (data) => {
  input = data;
};

export const resolve: ResolveHook = async (specifier, context, nextResolve) => {
  if (specifier === packageName && input !== undefined) {
    return { url: input.api, shortCircuit: true };
  }
  const typed = typedTwin(specifier, context.parentURL);
  if (typed !== undefined) return { url: typed, shortCircuit: true };
  try {
    return await nextResolve(specifier, context);
  } catch (error) {
    throw missing(specifier, context.parentURL, error);
  }
};

export const load: LoadHook = async (url, context, nextLoad) => {
  if (url.startsWith('file:') && /\.m?ts$/.test(new URL(url).pathname)) {
    const file = fileURLToPath(url);
    return {
      format: 'module',
      source: stripTypes(readFileSync(file, 'utf8'), file),
      shortCircuit: true,
    };
  }
  if (isUserScript(url)) suspect(fileURLToPath(url));
  return nextLoad(url, url === input?.entry ? { ...context, format: 'module' } : context);
};

function isUserScript(url: string): boolean {
  return url.startsWith('file:') && url.endsWith('js') && !url.includes('/node_modules/');
}

/**
 * V8 keeps the place of a module's syntax error to itself. The parser that strips types names it,
 * but reads JavaScript as TypeScript; so its word counts only once V8 has refused a module.
 */
function suspect(file: string): void {
  try {
    stripTypes(readFileSync(file, 'utf8'), file);
  } catch (error) {
    if (error instanceof SourceFault) input?.suspects.postMessage(error.place);
  }
}

/** `./x.js` names `./x.ts` where only that exists, as TypeScript's own resolution has it. */
function typedTwin(specifier: string, parent: string | undefined): string | undefined {
  if (parent === undefined || !/^(\.{0,2}\/|file:)/.test(specifier)) return undefined;
  const url = new URL(specifier, parent);
  if (url.protocol !== 'file:' || !/\.m?js$/.test(url.pathname)) return undefined;
  if (existsSync(fileURLToPath(url))) return undefined;
  url.pathname = url.pathname.replace(/js$/, 'ts');
  return existsSync(fileURLToPath(url)) ? url.href : undefined;
}

/** An import that leads nowhere, reported at the import instead of by a list of frames. */
function missing(specifier: string, parent: string | undefined, error: unknown): unknown {
  if (parent === undefined || !parent.startsWith('file:') || !(error instanceof Error))
    return error;
  const file = fileURLToPath(parent);
  const place = placeOfSpecifier(file, specifier);
  return place === undefined ? error : new SourceFault(error.message, place);
}
