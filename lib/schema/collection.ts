// Collections of builders such as `t` and `lb`, which say what they hold when they are asked for
// what they do not: in JavaScript, and where types are not checked, `t.int32` is a misspelt name.
import { type OptionErrorCode, optionError } from '../errors.js';
import { callerPlace } from './position.js';

/** What promises, JSON and what prints values ask every object for. */
const commonNames: ReadonlySet<string> = new Set([
  'then',
  'toJSON',
  'asymmetricMatch',
  'nodeType',
  'tagName',
  '$$typeof',
]);
/** Of the marks by which what prints values knows collections of libraries. */
const markStart = '@@__';

/** The members, frozen; reading another name throws `code`. `noun`: what one of them is. */
export function collection<Members extends object>(
  name: string,
  noun: string,
  code: OptionErrorCode,
  members: Members,
): Readonly<Members> {
  return new Proxy(Object.freeze(members), {
    get: (target, key) => {
      const isKnown = typeof key !== 'string' || key in target || isCommon(key);
      if (isKnown) return Reflect.get(target, key);
      const expected = `${noun}: ${Object.keys(target).join(', ')}`;
      throw optionError(code, `${name}.${key}`, expected, key, callerPlace());
    },
  });
}

function isCommon(name: string): boolean {
  return commonNames.has(name) || name.startsWith(markStart);
}
