// The one error class of the package. Every failure that is not misuse of the API (TypeError,
// RangeError) is a HyperRouteError with a stable code.
import type { ErrorCode } from './codes.js';

/** Where in a configuration file an error lies; lines and columns count from 1. */
export interface SourcePlace {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/** What a configuration error reports. */
export interface ConfigErrorDetail {
  /** Path of the option, such as `endpoints.orders.port`. */
  readonly option: string;
  /** What the option accepts, as words: `an integer from 0 to 65535`. */
  readonly expected: string;
  /** The value that was given. */
  readonly received: unknown;
  readonly place?: SourcePlace;
  /** Where the user's own function in which that place lies was called, the innermost first. */
  readonly calledFrom?: readonly SourcePlace[];
}

/** What an error that came from a system call reports. */
export interface SystemErrorDetail {
  readonly syscall?: string;
  readonly errno?: number;
  /** What was being done to what, such as `bind 127.0.0.1:9000`. */
  readonly context: string;
}

/** What was tried before giving up on the native addon. */
export interface NativeErrorDetail {
  readonly tried: readonly { readonly path: string; readonly reason: string }[];
  /** The command that makes the addon available. */
  readonly fix: string;
}

/** What an error about a file or a place in it reports. */
export interface PlaceErrorDetail {
  readonly place?: SourcePlace;
  readonly calledFrom?: readonly SourcePlace[];
  readonly context?: string;
}

interface ErrorDetails {
  ERR_CONFIG: ConfigErrorDetail;
  ERR_NATIVE_UNAVAILABLE: NativeErrorDetail;
  ERR_CONFIG_LOAD: PlaceErrorDetail;
  ERR_CONFIG_TIMEOUT: PlaceErrorDetail;
  ERR_MESSAGE: PlaceErrorDetail;
  ERR_SCHEMA: ConfigErrorDetail;
  ERR_ROUTE: ConfigErrorDetail;
  ERR_ROUTE_LIMIT: ConfigErrorDetail;
  ERR_ROUTE_OVERLAP: ConfigErrorDetail;
}

/** The type of `detail` for a code. */
export type ErrorDetail<Code extends ErrorCode> = Code extends keyof ErrorDetails
  ? ErrorDetails[Code]
  : SystemErrorDetail;

/**
 * An error of hyperroute. `code` is stable across versions; `message` is for people and is not.
 *
 * @example
 * ```ts
 * try {
 *   await HyperRoute.start(config);
 * } catch (error) {
 *   if (isHyperRouteError(error, 'ERR_ADDRESS_IN_USE')) console.error(error.detail.context);
 *   else throw error;
 * }
 * ```
 */
export class HyperRouteError<Code extends ErrorCode = ErrorCode> extends Error {
  override readonly name = 'HyperRouteError';
  readonly code: Code;
  readonly detail: ErrorDetail<Code>;

  constructor(code: Code, message: string, detail: ErrorDetail<Code>, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    this.detail = detail;
  }
}

/** Whether a caught value is a HyperRouteError, optionally one with the given code. */
export function isHyperRouteError<Code extends ErrorCode = ErrorCode>(
  value: unknown,
  code?: Code,
): value is HyperRouteError<Code> {
  return value instanceof HyperRouteError && (code === undefined || value.code === code);
}

const shownCharactersMax = 80;
const wordsCharactersMax = 400;

/** A value as a short piece of text for an error message; never throws. */
export function describeValue(value: unknown): string {
  const text = describeWhole(value);
  return text.length <= shownCharactersMax ? text : `${text.slice(0, shownCharactersMax - 1)}…`;
}

function describeWhole(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value);
  if (typeof value === 'bigint') return `${value}n`;
  if (typeof value === 'function') return `function ${value.name || '(anonymous)'}`;
  if (typeof value !== 'object' || value === null) return String(value);
  try {
    const json = JSON.stringify(value, (_key, inner: unknown) =>
      typeof inner === 'bigint' ? `${inner}n` : inner,
    );
    return json ?? Object.prototype.toString.call(value);
  } catch {
    return Object.prototype.toString.call(value);
  }
}

/** The file of a place that nobody knows. */
export const unknownFile = '<unknown>';

/**
 * Beside places, not in them: places are kept with everything that a configuration declares, and
 * compared; who called is of interest in errors alone.
 */
const callers = new WeakMap<SourcePlace, readonly SourcePlace[]>();

/** Notes from where the user's function was called in which a place lies, the innermost first. */
export function noteCallers(place: SourcePlace, calledFrom: readonly SourcePlace[]): void {
  if (calledFrom.length > 0) callers.set(place, calledFrom);
}

/** A place as editors and terminals understand it. */
export function placeText({ file, line, column }: SourcePlace): string {
  return `${file}:${line}:${column}`;
}

/** ` (called from a.ts:3:5, b.ts:7:1)`, or nothing. */
export function calledFromText(calledFrom: readonly SourcePlace[] = []): string {
  return calledFrom.length === 0 ? '' : ` (called from ${calledFrom.map(placeText).join(', ')})`;
}

/** What was received, said in words: shown as they are, where a value would be quoted and cut. */
export class Words {
  readonly text: string;

  constructor(text: string) {
    this.text = text.length <= wordsCharactersMax ? text : `${text.slice(0, wordsCharactersMax)}…`;
  }
}

/** The codes whose detail names an option. */
export type OptionErrorCode =
  | 'ERR_CONFIG'
  | 'ERR_SCHEMA'
  | 'ERR_ROUTE'
  | 'ERR_ROUTE_LIMIT'
  | 'ERR_ROUTE_OVERLAP';

/**
 * An error about one option of a configuration, whose message names the option, what was expected
 * and what was given, a value or `Words`. Returns the error; the caller throws it.
 */
export function optionError<Code extends OptionErrorCode>(
  code: Code,
  option: string,
  expected: string,
  received: unknown,
  place?: SourcePlace,
): HyperRouteError<Code> {
  const isKnown = place !== undefined && place.file !== unknownFile;
  const where = isKnown ? `${placeText(place)}: ` : '';
  const calledFrom = isKnown ? callers.get(place) : undefined;
  const given = received instanceof Words ? received.text : describeValue(received);
  const what = `${option}: expected ${expected}, received ${given}`;
  const message = `${where}${what}${calledFromText(calledFrom)}`;
  const detail: ConfigErrorDetail = {
    option,
    expected,
    received: received instanceof Words ? received.text : received,
    ...(isKnown ? { place } : {}),
    ...(calledFrom === undefined ? {} : { calledFrom }),
  };
  return new HyperRouteError(code, message, detail as ErrorDetail<Code>);
}

/** `optionError` with the code ERR_CONFIG. */
export function configError(
  option: string,
  expected: string,
  received: unknown,
  place?: SourcePlace,
): HyperRouteError<'ERR_CONFIG'> {
  return optionError('ERR_CONFIG', option, expected, received, place);
}

/** An error as JSON. */
export interface ErrorJson {
  /** The code of a HyperRouteError; ERR_INTERNAL for anything else. */
  readonly code: string;
  readonly message: string;
  readonly place?: SourcePlace;
  readonly calledFrom?: readonly SourcePlace[];
  readonly option?: string;
  readonly expected?: string;
}

/** What of an error programs need to know. */
export function errorJson(error: unknown): ErrorJson {
  if (!isHyperRouteError(error)) {
    const message = error instanceof Error ? error.message : String(error);
    return { code: 'ERR_INTERNAL', message };
  }
  const { code, message } = error;
  const { place, calledFrom, option, expected } = error.detail as Partial<ErrorJson>;
  return {
    code,
    message,
    ...(place === undefined ? {} : { place }),
    ...(calledFrom === undefined ? {} : { calledFrom }),
    ...(option === undefined ? {} : { option }),
    ...(expected === undefined ? {} : { expected }),
  };
}
