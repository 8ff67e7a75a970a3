// Which plug-ins a configuration uses, and what is required of each use.
import { HyperRouteError } from '../errors.js';
import { isIntegerType } from '../schema/model.js';
import type { Findings } from './findings.js';
import type { ConditionIr, FieldIr, PluginCallIr, RouterIr, SourcePosition } from './ir.js';

export const pluginNamePattern = /^[A-Za-z][A-Za-z0-9_-]{0,63}$/;
export const pluginConfigurationBytesMax = 65_535;
export const pluginFieldsMax = 64;
export const pluginCodesMax = 1_024;

function* conditionCalls(condition: ConditionIr): Generator<PluginCallIr> {
  if (condition.kind === 'plugin') yield condition.call;
  else if (condition.kind === 'not') yield* conditionCalls(condition.term);
  else if (condition.kind === 'and' || condition.kind === 'or') {
    for (const term of condition.terms) yield* conditionCalls(term);
  }
}

/** Whether a plug-in has a say in the condition: JavaScript cannot tell then whether it holds. */
export function asksPlugin(condition: ConditionIr): boolean {
  return [...conditionCalls(condition)].length > 0;
}

function* callsOf(ir: RouterIr): Generator<PluginCallIr> {
  for (const { strategy } of ir.pools) if (strategy.kind === 'plugin') yield strategy.call;
  for (const { plugin } of ir.transforms) if (plugin !== undefined) yield plugin.call;
  for (const { checks, rules } of ir.routes) {
    for (const { condition } of checks) yield* conditionCalls(condition);
    for (const { when } of rules) if (when !== null) yield* conditionCalls(when);
  }
}

/** The libraries of a configuration's plug-ins, each once; images name them by their numbers. */
export function pluginLibraries(ir: RouterIr): readonly string[] {
  return [...new Set([...callsOf(ir)].map(({ library }) => library))];
}

/** What a function can be shown: a number or bytes at a fixed place. */
export function isPluginField({ type }: FieldIr): boolean {
  return isIntegerType(type) || type === 'bytes';
}

/** The error of JavaScript that is asked to do what only compiled code can. */
export function pluginError({ name, library }: PluginCallIr): HyperRouteError {
  const context = `plug-in function ${name} of ${library}`;
  const message = `${context}: compiled code, which runs in the engine alone`;
  return new HyperRouteError('ERR_PLUGIN', message, { context });
}

/** Judges one use of a function for messages with these fields. */
export function checkPluginCall(
  call: PluginCallIr,
  fields: readonly FieldIr[],
  findings: Findings,
  option: string,
  position: SourcePosition,
): void {
  const need = (isMet: boolean, expected: string, received: unknown): boolean =>
    findings.need(isMet, 'ERR_ROUTE', option, expected, received, position);
  need(pluginNamePattern.test(call.name), 'the name of a function of a plug-in', call.name);
  const isAbsolute = call.library.startsWith('/') && !call.library.includes('\0');
  need(isAbsolute, 'an absolute path of a shared library', call.library);
  const { configuration } = call;
  const bytes = Buffer.byteLength(configuration);
  const isText = bytes <= pluginConfigurationBytesMax && !configuration.includes('\0');
  const limit = `a text of at most ${pluginConfigurationBytesMax} bytes without NUL`;
  need(isText, limit, `${bytes} bytes`);
  need(call.fields.length <= pluginFieldsMax, `at most ${pluginFieldsMax} fields`, call.fields);
  for (const index of call.fields) {
    if (!findings.index(index, fields.length, option, 'fields', position)) continue;
    const field = fields[index] as FieldIr;
    need(isPluginField(field), 'fields at fixed places', `${field.name} (${field.type})`);
  }
}
