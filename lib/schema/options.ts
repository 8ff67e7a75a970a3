// Reading of option objects at the public boundary: every error names the option, what was
// expected and what was given. Control path only.
import { type OptionErrorCode, optionError, type SourcePlace } from '../errors.js';

const namePattern = /^[A-Za-z][A-Za-z0-9_.-]{0,63}$/;

/**
 * An option object under validation. `path` names it in errors (`endpoints.clients`). Every read
 * takes the option's name; `done()` refuses what was never read.
 */
export class OptionReader {
  readonly #values: Readonly<Record<string, unknown>>;
  readonly #known = new Set<string>();
  readonly path: string;
  readonly place: SourcePlace;
  readonly code: OptionErrorCode;

  constructor(value: unknown, path: string, place: SourcePlace, code: OptionErrorCode) {
    this.path = path;
    this.place = place;
    this.code = code;
    if (!isRecord(value)) throw optionError(code, path, 'an object of options', value, place);
    this.#values = value;
  }

  /** The raw value; undefined when it is not given. */
  raw(name: string): unknown {
    this.#known.add(name);
    return Object.hasOwn(this.#values, name) ? this.#values[name] : undefined;
  }

  /** An integer within [low, high]; `fallback` when it is not given. */
  integer(name: string, low: number, high: number, fallback: number | undefined): number {
    const value = this.raw(name) ?? fallback;
    if (typeof value === 'number' && Number.isSafeInteger(value) && value >= low && value <= high) {
      return value;
    }
    throw this.error(name, `an integer from ${low} to ${high}`, value);
  }

  /** An integer within [low, high], or null when it is not given. */
  optionalInteger(name: string, low: number, high: number): number | null {
    return (this.raw(name) ?? null) === null ? null : this.integer(name, low, high, undefined);
  }

  boolean(name: string, fallback: boolean): boolean {
    const value = this.raw(name) ?? fallback;
    if (typeof value === 'boolean') return value;
    throw this.error(name, 'true or false', value);
  }

  /**
   * A duration in milliseconds, within [low, high] of them; `fallback`, one too, when it is not
   * given.
   */
  duration(name: string, low: number, high: number, fallback: Duration | undefined): number {
    const value = this.raw(name) ?? fallback;
    const ms = durationMs(value);
    if (ms !== undefined && ms >= low && ms <= high) return ms;
    const expected = `a time such as '250ms', '10s' or '5m', from ${low} to ${high} ms`;
    throw this.error(name, expected, value);
  }

  /** One of a few words; `fallback` when it is not given. */
  choice<Choice extends string>(
    name: string,
    choices: readonly Choice[],
    fallback: Choice | undefined,
  ): Choice {
    const value = this.raw(name) ?? fallback;
    const found = choices.find((choice) => choice === value);
    if (found !== undefined) return found;
    throw this.error(name, `one of ${quotedList(choices)}`, value);
  }

  /** A nested option object; the defaults apply when it is not given. */
  nested(name: string): OptionReader {
    const value = this.raw(name) ?? {};
    return new OptionReader(value, `${this.path}.${name}`, this.place, this.code);
  }

  error(name: string, expected: string, received: unknown): Error {
    return optionError(this.code, `${this.path}.${name}`, expected, received, this.place);
  }

  /** Refuses options that nobody has read: a misspelt name must not pass silently. */
  done(): void {
    for (const name of Object.keys(this.#values)) {
      if (this.#known.has(name)) continue;
      const known = quotedList([...this.#known].sort());
      throw optionError(
        this.code,
        `${this.path}.${name}`,
        `no such option; known are ${known}`,
        this.#values[name],
        this.place,
      );
    }
  }
}

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** `'a', 'b', 'c'` */
export function quotedList(words: readonly string[]): string {
  return words.map((word) => `'${word}'`).join(', ');
}

/** How many of a list a message names. */
export const shownMax = 16;

/** `a, b, c and 4 more`; `items` are the first ones of `count`, or all. */
export function fewOf(items: readonly string[], count = items.length): string {
  const shown = items.slice(0, shownMax);
  const more = count - shown.length;
  return `${shown.join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}

/** A name of a router, an endpoint, a schema …: it appears in tables and file names. */
export function checkName(
  value: unknown,
  option: string,
  code: OptionErrorCode,
  place: SourcePlace,
): string {
  if (typeof value === 'string' && namePattern.test(value)) return value;
  const expected = 'a name: a letter, then up to 63 letters, digits, "_", "." or "-"';
  throw optionError(code, option, expected, value, place);
}

/** A span of time: `'250ms'`, `'10s'`, `'5m'`, or a number of milliseconds. */
export type Duration = number | `${number}ms` | `${number}s` | `${number}m`;

const durationPattern = /^(\d{1,9}(?:\.\d{1,3})?)(ms|s|m)$/;
const unitMs = { ms: 1, s: 1000, m: 60_000 } as const;

/** A duration as whole milliseconds; undefined when the value is none. */
export function durationMs(value: unknown): number | undefined {
  const isWhole = (count: number): boolean => Number.isSafeInteger(count) && count >= 0;
  if (typeof value === 'number') return isWhole(value) ? value : undefined;
  const [, count, unit] = (typeof value === 'string' && durationPattern.exec(value)) || [];
  if (count === undefined || unit === undefined) return undefined;
  // Thousandths first: 1.1 × 1000 is no whole number in binary.
  const ms = (Math.round(Number(count) * 1000) * unitMs[unit as keyof typeof unitMs]) / 1000;
  return isWhole(ms) ? ms : undefined;
}

/** An integer constant as a bigint; undefined when the value is no exact integer. */
export function exactInteger(value: unknown): bigint | undefined {
  if (typeof value === 'bigint') return value;
  return typeof value === 'number' && Number.isSafeInteger(value) ? BigInt(value) : undefined;
}
