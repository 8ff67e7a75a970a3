// Reject codes that a configuration names: `.else('NOTIONAL', 1000)`, `.orReject('QTY_RANGE')`.
import {
  type RejectCodeName,
  rejectCodes,
  rejectCodeUserMax,
  rejectCodeUserMin,
} from '../../codes.js';
import { optionError, type SourcePlace } from '../../errors.js';
import { checkName } from '../../schema/options.js';

/** A code by name; the number is null until the table gives it one. */
export interface CodeReference {
  readonly name: string;
  readonly number: number | null;
  readonly option: string;
  readonly place: SourcePlace;
}

export function codeReference(
  name: unknown,
  number: unknown,
  option: string,
  place: SourcePlace,
): CodeReference {
  const checked = checkName(name, option, 'ERR_ROUTE', place);
  if (number === undefined) return { name: checked, number: null, option, place };
  if (Object.hasOwn(rejectCodes, checked)) {
    const expected = `no number for the built-in code '${checked}'`;
    throw optionError('ERR_ROUTE', option, expected, number, place);
  }
  if (
    typeof number === 'number' &&
    Number.isSafeInteger(number) &&
    number >= rejectCodeUserMin &&
    number <= rejectCodeUserMax
  ) {
    return { name: checked, number, option, place };
  }
  const expected = `a code from ${rejectCodeUserMin} to ${rejectCodeUserMax} for '${checked}'`;
  throw optionError('ERR_ROUTE', option, expected, number, place);
}

/** A reference to one of the built-in codes. */
export function builtInCode(name: RejectCodeName, place: SourcePlace): CodeReference {
  return { name, number: rejectCodes[name], option: name, place };
}

/**
 * Numbers for all names: those given explicitly, then from 1000 up among the free ones in the
 * order of first use. Built-in names keep their numbers and stay out of the user's table.
 */
export function numberCodes(references: readonly CodeReference[]): Map<string, number> {
  const numbers = new Map<string, number>();
  const owners = new Map<number, string>();
  for (const { name, number, option, place } of references) {
    if (Object.hasOwn(rejectCodes, name) || number === null) continue;
    const before = numbers.get(name);
    if (before !== undefined && before !== number) {
      const expected = `the code that '${name}' has already, ${before}`;
      throw optionError('ERR_ROUTE', option, expected, number, place);
    }
    const owner = owners.get(number);
    if (owner !== undefined && owner !== name) {
      const expected = `a code that '${owner}' does not have already`;
      throw optionError('ERR_ROUTE', option, expected, number, place);
    }
    numbers.set(name, number);
    owners.set(number, name);
  }
  let next = rejectCodeUserMin;
  for (const { name, option, place } of references) {
    if (Object.hasOwn(rejectCodes, name) || numbers.has(name)) continue;
    while (owners.has(next)) next += 1;
    if (next > rejectCodeUserMax) {
      const expected = `a name for each code from ${rejectCodeUserMin} to ${rejectCodeUserMax}`;
      throw optionError('ERR_ROUTE', option, expected, name, place);
    }
    numbers.set(name, next);
    owners.set(next, name);
  }
  return numbers;
}
