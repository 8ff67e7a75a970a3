// Collects what is wrong with a configuration, so that tools can show more than the first mistake.
import { rejectCodes, rejectCodeUserMax, rejectCodeUserMin } from '../codes.js';
import { type HyperRouteError, type OptionErrorCode, optionError } from '../errors.js';
import type { SourcePosition } from './ir.js';

/** Findings kept; the rest of a configuration that wrong is of no interest. */
const findingsMax = 100;
const builtInCodes: readonly number[] = Object.values(rejectCodes);

export class Findings {
  readonly errors: HyperRouteError[] = [];

  /** Notes an error about an option. */
  add(
    code: OptionErrorCode,
    option: string,
    expected: string,
    received: unknown,
    position?: SourcePosition,
  ): void {
    if (this.errors.length >= findingsMax) return;
    this.errors.push(optionError(code, option, expected, received, position));
  }

  /** Notes an error unless `isMet`; gives `isMet` back. */
  need(
    isMet: boolean,
    code: OptionErrorCode,
    option: string,
    expected: string,
    received: unknown,
    position?: SourcePosition,
  ): boolean {
    if (!isMet) this.add(code, option, expected, received, position);
    return isMet;
  }

  /** Notes an error unless a message can be rejected with the code. */
  code(code: number, option: string, position: SourcePosition): void {
    const isBuiltIn = builtInCodes.includes(code);
    const isUser = Number.isInteger(code) && code >= rejectCodeUserMin && code <= rejectCodeUserMax;
    const expected = `a built-in code or one from ${rejectCodeUserMin} to ${rejectCodeUserMax}`;
    this.need(isBuiltIn || isUser, 'ERR_ROUTE', option, expected, code, position);
  }

  /** Whether `index` is one of an array of `count`; notes an error when it is not. */
  index(
    index: unknown,
    count: number,
    option: string,
    noun: string,
    position?: SourcePosition,
  ): index is number {
    const isIndex = typeof index === 'number' && Number.isInteger(index);
    const isMet = isIndex && index >= 0 && index < count;
    return this.need(
      isMet,
      'ERR_ROUTE',
      option,
      `the index of one of ${count} ${noun}`,
      index,
      position,
    );
  }

  /** Names that have to differ. */
  unique(
    items: readonly { readonly name: string; readonly position?: SourcePosition }[],
    path: string,
    code: OptionErrorCode,
  ): void {
    const owners = new Map<string, number>();
    for (const [index, { name, position }] of items.entries()) {
      const option = `${path}[${index}].name`;
      const owner = owners.get(name);
      if (owner === undefined) owners.set(name, index);
      else this.add(code, option, `a name that ${path}[${owner}] does not have`, name, position);
    }
  }
}
