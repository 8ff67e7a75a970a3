// Validation: `validate(schema, (o) => [condition.else('CODE')])`.
import { optionError, type SourcePlace } from '../../errors.js';
import { type AnySchema, isSchema } from '../../schema/schema.js';
import { conditionsPerValidateMax } from '../limits.js';
import { type Capture, capture, currentCapture, placeHere } from './capture.js';
import { type CheckNode, useCheck } from './expressions.js';
import { refsOf } from './refs.js';
import type { Check, Refs } from './types.js';

declare const validationBrand: unique symbol;

/** The checks of a schema, for `validate` of `defineRouter`. */
export interface Validation {
  readonly [validationBrand]: true;
}

/** Runtime form of Validation. */
export class ValidationNode {
  readonly schema: AnySchema;
  readonly checks: readonly CheckNode[];
  readonly place: SourcePlace;

  constructor(schema: AnySchema, checks: readonly CheckNode[], place: SourcePlace) {
    this.schema = schema;
    this.checks = checks;
    this.place = place;
  }
}

/**
 * Conditions that every routed message of a schema has to meet, checked in order before the rules
 * of its route: the first that is false rejects the message with its code. The callback runs while
 * the router is being defined, more than once, never per message. Throws HyperRouteError ERR_ROUTE.
 *
 * @example
 * ```ts
 * validate(NewOrder, (o) => [o.price.mul(o.qty).lte(1_000_000_000n).else('NOTIONAL', 1000)]);
 * ```
 */
export function validate<S extends AnySchema>(
  schema: S,
  checks: (message: Refs<S>) => readonly Check[],
): Validation {
  const place = placeHere();
  if (!isSchema(schema)) {
    throw optionError('ERR_ROUTE', 'validate', 'a schema', schema, place);
  }
  const subject = `validate ${schema.name}`;
  if (typeof checks !== 'function') {
    throw optionError('ERR_ROUTE', subject, 'a function', checks, place);
  }
  const nodes = capture(
    subject,
    (run) => checks(refsOf(schema, run)) as unknown,
    (returned, run) => takeChecks(returned, run, subject, place),
    'each',
  );
  return new ValidationNode(schema, nodes, place) as unknown as Validation;
}

function takeChecks(
  returned: unknown,
  run: Capture,
  subject: string,
  place: SourcePlace,
): CheckNode[] {
  if (!Array.isArray(returned) || returned.length < 1) {
    throw optionError('ERR_ROUTE', subject, 'an array of at least one check', returned, place);
  }
  const conditionCount = run.built.filter(({ noun }) => noun === 'condition').length;
  if (conditionCount > conditionsPerValidateMax) {
    const expected = `at most ${conditionsPerValidateMax} conditions; more go to another validate`;
    throw optionError('ERR_ROUTE', subject, expected, conditionCount, place);
  }
  return returned.map((check: unknown, index) => {
    currentCapture(`${subject}[${index}]`, run);
    return useCheck(check, `${subject}[${index}]`);
  });
}

/** The validation behind a value. Throws when it is none. */
export function validationOf(value: unknown, option: string, place: SourcePlace): ValidationNode {
  if (value instanceof ValidationNode) return value;
  throw optionError('ERR_ROUTE', option, 'a validation such as validate(…)', value, place);
}
