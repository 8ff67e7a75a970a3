// Plug-ins: conditions, checks and transforms that compiled C++ of the user's decides.
import { dirname, resolve } from 'node:path';
import { optionError, type SourcePlace } from '../../errors.js';
import { OptionReader } from '../../schema/options.js';
import { callerPlace } from '../../schema/position.js';
import { type AnySchema, isSchema, type NameOf } from '../../schema/schema.js';
import type { PluginCallIr } from '../ir.js';
import {
  isPluginField,
  pluginCodesMax,
  pluginConfigurationBytesMax,
  pluginFieldsMax,
  pluginNamePattern,
} from '../plugins.js';
import { type Capture, currentCapture, noteBuilt, placeHere } from './capture.js';
import { type CodeReference, codeReference } from './codes.js';
import { CheckNode, makeCondition, presenceTest } from './expressions.js';
import { type AnyRef, isRef } from './refs.js';
import { TransformNode } from './transform.js';
import type {
  BytesRef,
  Check,
  Condition,
  MaybeValue,
  SymbolValue,
  Transform,
  Value,
} from './types.js';

/** A field that a function of a plug-in is shown. */
export type ShownField =
  | Value<string>
  | SymbolValue<string>
  | BytesRef<string, number>
  | MaybeValue<unknown>;

/** What one use of a function is made with. */
export interface PluginUseOptions {
  /** Handed to the function's `create`; default ''. */
  readonly config?: string;
  /** Names of the reject codes that the function may give, in the order of its numbers. */
  readonly codes?: readonly string[];
}

/** A shared library with functions that configurations use by name. */
export interface Plugin {
  readonly path: string;
  /** In a callback: the condition that a `match` function decides by these fields. */
  match(name: string, fields: readonly ShownField[], config?: string): Condition;
  /** In `validate`: a check that a `validate` function makes of these fields. */
  check(
    name: string,
    fields: readonly ShownField[],
    options: PluginUseOptions & { readonly codes: readonly string[] },
  ): Check;
  /** A transform whose messages a `transform` function writes. */
  transform<From extends AnySchema, To extends AnySchema>(
    name: string,
    from: From,
    to: To,
    options?: PluginUseOptions,
  ): Transform<NameOf<From>, NameOf<To>>;
}

/**
 * Names a shared library built with `hyperroute/plugin.h` (see docs/plugins.md). The path counts
 * from the file that says this. It is opened when a router starts that uses it, and stays loaded
 * while one does; its functions run inside the engine, for each message, with all that this means.
 * Throws HyperRouteError ERR_ROUTE; the router ERR_PLUGIN where it cannot use the library.
 *
 * @example
 * ```ts
 * const limits = plugin('./limits.so');
 * route.first(Order, (o) => [when(limits.match('odd-lot', [o.qty])).to(odd), otherwise.to(even)]);
 * ```
 */
export function plugin(path: string): Plugin {
  const place = callerPlace();
  if (typeof path !== 'string' || path.length === 0 || path.includes('\0')) {
    throw optionError('ERR_ROUTE', 'plugin', 'the path of a shared library', path, place);
  }
  return new PluginNode(resolve(dirname(place.file), path)) as unknown as Plugin;
}

/** Runtime form of Plugin. */
export class PluginNode {
  readonly path: string;

  constructor(path: string) {
    this.path = path;
    Object.freeze(this);
  }

  match(name: unknown, fields: unknown, config?: unknown): Condition {
    const place = placeHere();
    const what = `plugin.match(${String(name)})`;
    const run = currentCapture(what);
    const refs = refsOf(fields, run, what, place);
    const call = this.call(name, refs, config, what, place);
    const presences = refs.flatMap(({ field }) => field.presence ?? []);
    const test = { kind: 'plugin', call } as const;
    const isThere = [...new Set(presences)].map(presenceTest);
    return makeCondition(isThere.length === 0 ? test : { kind: 'and', terms: [...isThere, test] });
  }

  check(name: unknown, fields: unknown, options: unknown): Check {
    const place = placeHere();
    const what = `plugin.check(${String(name)})`;
    const run = currentCapture(what);
    const refs = refsOf(fields, run, what, place);
    const optional = refs.find(({ field }) => field.presence !== null);
    if (optional !== undefined) {
      const expected = 'fields that every message has';
      throw optionError('ERR_ROUTE', what, expected, optional.field.name, place);
    }
    const { config, codes } = readUse(options, what, place);
    const [first, ...others] = codes;
    if (first === undefined) {
      throw optionError('ERR_ROUTE', `${what}.codes`, 'at least one code', 'none', place);
    }
    const call = this.call(name, refs, config, what, place);
    const built = noteBuilt(run, 'check', place);
    return new CheckNode({ kind: 'plugin', call }, first, built, others) as unknown as Check;
  }

  transform(name: unknown, from: unknown, to: unknown, options: unknown = {}): unknown {
    const place = placeHere();
    const what = `plugin.transform(${String(name)})`;
    for (const [option, value] of Object.entries({ from, to })) {
      if (isSchema(value)) continue;
      throw optionError('ERR_ROUTE', `${what}.${option}`, 'a schema', value, place);
    }
    const { config, codes } = readUse(options, what, place);
    const call = this.call(name, [], config, what, place);
    return new TransformNode(from as AnySchema, to as AnySchema, [], place, { call, codes });
  }

  /** A use of one of its functions. Throws ERR_ROUTE. */
  call(
    name: unknown,
    refs: readonly AnyRef[],
    config: unknown,
    what: string,
    place: SourcePlace,
  ): PluginCallIr {
    if (typeof name !== 'string' || !pluginNamePattern.test(name)) {
      throw optionError('ERR_ROUTE', what, 'the name of a function', name, place);
    }
    const configuration = config ?? '';
    const bytesMax = pluginConfigurationBytesMax;
    const isText =
      typeof configuration === 'string' &&
      Buffer.byteLength(configuration) <= bytesMax &&
      !configuration.includes('\0');
    if (!isText) {
      const expected = `a text of at most ${bytesMax} bytes without NUL`;
      throw optionError('ERR_ROUTE', `${what}.config`, expected, config, place);
    }
    return { library: this.path, name, configuration, fields: refs.map(({ index }) => index) };
  }
}

function readUse(
  options: unknown,
  what: string,
  place: SourcePlace,
): { readonly config: unknown; readonly codes: readonly CodeReference[] } {
  const reader = new OptionReader(options, what, place, 'ERR_ROUTE');
  const config = reader.raw('config');
  const given = reader.raw('codes') ?? [];
  if (!Array.isArray(given) || given.length > pluginCodesMax) {
    throw reader.error('codes', `an array of at most ${pluginCodesMax} names`, given);
  }
  const codes = given.map((code: unknown, index) =>
    codeReference(code, undefined, `${what}.codes[${index}]`, place),
  );
  reader.done();
  return { config, codes };
}

function refsOf(
  fields: unknown,
  run: Capture,
  what: string,
  place: SourcePlace,
): readonly AnyRef[] {
  if (!Array.isArray(fields) || fields.length > pluginFieldsMax) {
    const expected = `an array of at most ${pluginFieldsMax} fields`;
    throw optionError('ERR_ROUTE', `${what}.fields`, expected, fields, place);
  }
  return fields.map((ref: unknown, index) => {
    const option = `${what}.fields[${index}]`;
    if (!isRef(ref) || !isPluginField(ref.field.ir)) {
      const received = isRef(ref) ? `${ref.field.name} (${ref.field.type})` : ref;
      throw optionError('ERR_ROUTE', option, 'a field at a fixed place', received, place);
    }
    if (ref.capture !== run) currentCapture(option, ref.capture);
    return ref;
  });
}
