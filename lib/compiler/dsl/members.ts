// What a value of the language answers to methods that it does not have. In JavaScript, and where
// types are not checked, `o.price.startsWith('B')` must not surface as "is not a function".
import { optionError } from '../../errors.js';
import { placeHere } from './capture.js';

/** A value as errors name it. */
export interface Subject {
  /** How the user wrote it: `price`. */
  readonly name: string;
  /** What it is: `a decimal`. */
  readonly kind: string;
  /** Methods that are not the user's. */
  readonly internal?: readonly string[];
}

/** What some value of the language has, and what people expect one to have. */
const names = [
  ...['eq', 'ne', 'lt', 'lte', 'gt', 'gte', 'between', 'in', 'is', 'where', 'by', 'present'],
  ...['add', 'sub', 'mul', 'bits', 'prefix', 'startsWith', 'matches', 'has', 'any', 'none'],
  ...['to', 'map', 'rescale', 'fit', 'tabulate', 'orElse', 'orReject', 'orRejectAbsent'],
  ...['bands', 'range', 'via', 'tap', 'priority', 'bestEffort', 'opens', 'closes', 'else'],
  ...['equals', 'notEquals', 'neq', 'ge', 'le', 'greaterThan', 'lessThan', 'min', 'max'],
  ...['isNot', 'not', 'and', 'or', 'oneOf', 'includes', 'contains', 'endsWith', 'exists'],
  ...['isPresent', 'absent', 'isAbsent', 'plus', 'minus', 'times', 'div', 'mod'],
] as const;

const refusals = new WeakSet<object>();

/**
 * Gives a class a method for each of these names that it does not have, which refuses to be
 * called; classes that extend it may have it after all. `describe` gets the object.
 */
export function refuseOthers<Value extends object>(
  prototype: object,
  describe: (value: Value) => Subject,
): void {
  for (const name of names) {
    if (name in prototype) continue;
    const refuse = function (this: Value): never {
      const { name: subject, kind, internal = [] } = describe(this);
      const known = methodsOf(this).filter((method) => !internal.includes(method));
      const expected = `a method of ${kind}: ${known.sort().join(', ')}`;
      throw optionError('ERR_ROUTE', `${subject}.${name}`, expected, name, placeHere());
    };
    refusals.add(refuse);
    Object.defineProperty(prototype, name, { value: refuse, configurable: true, writable: true });
  }
}

/** The names of an object's methods and getters, its own and those of its classes. */
function methodsOf(value: object): string[] {
  const found = new Set<string>();
  for (let at = value; at !== null && at !== Object.prototype; at = Object.getPrototypeOf(at)) {
    for (const [name, { value: method, get }] of described(at)) {
      const isMethod = typeof method === 'function' && !refusals.has(method);
      if ((isMethod || get !== undefined) && name !== 'constructor') found.add(name);
    }
  }
  return [...found];
}

function described(value: object): [string, PropertyDescriptor][] {
  return Object.entries(Object.getOwnPropertyDescriptors(value));
}
