// The IR as text: JSON with sorted keys, so that equal configurations give equal bytes. Integers
// that are bigints in the IR are written as { "$int": "123" }.
import { HyperRouteError } from '../errors.js';
import type { RouterIr } from './ir.js';

const integerKey = '$int';
const integerPattern = /^-?\d{1,40}$/;

/** A configuration as canonical text. Pure; the inverse of `deserialize`. */
export function serialize(ir: RouterIr): string {
  return JSON.stringify(canonical(ir));
}

function canonical(value: unknown): unknown {
  if (typeof value === 'bigint') return { [integerKey]: String(value) };
  if (Array.isArray(value)) return value.map(canonical);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).sort(([left], [right]) => (left < right ? -1 : 1));
  return Object.fromEntries(entries.map(([key, inner]) => [key, canonical(inner)]));
}

/**
 * The configuration that `serialize` wrote. Text from elsewhere needs `check` before it is used.
 * Throws HyperRouteError ERR_CONFIG_LOAD when it is no such text.
 */
export function deserialize(text: string): RouterIr {
  try {
    return JSON.parse(text, revive) as RouterIr;
  } catch (cause) {
    const context = `not a serialised configuration: ${(cause as Error).message}`;
    throw new HyperRouteError('ERR_CONFIG_LOAD', context, { context }, { cause });
  }
}

function revive(_key: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || !(integerKey in value)) return value;
  const text = value[integerKey];
  if (typeof text === 'string' && integerPattern.test(text)) return BigInt(text);
  throw new SyntaxError(`${integerKey} holds ${JSON.stringify(text)}`);
}
