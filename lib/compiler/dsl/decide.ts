// `decide(schema, (o) => domain, (values) => destination, options)`: a plain function, tabulated.
// It is asked about every combination of its domain while the configuration is loaded; what it
// answered becomes a table, and for messages it is never called.
import { optionError, type SourcePlace, Words } from '../../errors.js';
import { isRecord } from '../../schema/options.js';
import { type AnySchema, isSchema, type NameOf } from '../../schema/schema.js';
import type { DecisionTableIr } from '../ir.js';
import { rulesPerRouteMax } from '../limits.js';
import { capture, currentCapture, newCapture, placeHere } from './capture.js';
import type { Dimension, InputsOf } from './decide-types.js';
import {
  type DecideInput,
  DimensionNode,
  decideCellsMax,
  dimensionsOf,
  type FieldDomain,
  fieldDomain,
  symbolClasses,
} from './dimensions.js';
import { refsOf, SymbolFieldRef } from './refs.js';
import { type LookupOptions, makeRoute, type Route } from './route.js';
import type { Action } from './rule-types.js';
import { ActionNode, plain, RuleNode } from './rules.js';
import { SpecialTarget, type TargetNode, targetOf } from './targets.js';
import type { TransformNode } from './transform.js';
import type { Destination, Refs } from './types.js';

/**
 * Decides by a plain function over a finite domain: an enumeration, a boolean, or an integer in
 * `bands` or in a `range`. The function is asked about every combination while the configuration
 * is loaded, twice and in opposite orders, never for a message: it has to give the same answer each
 * time. It answers a destination, `via(…).to(…)`, or null for NO_ROUTE. A field that is absent is
 * undefined, a number without a symbol 'unknown'. At most 1,000,000 combinations. Throws
 * HyperRouteError ERR_ROUTE, with the combination, for any other answer and for what it throws.
 *
 * @example
 * ```ts
 * decide(Order, (o) => ({ side: o.side, size: o.qty.bands(100, 10_000) }), ({ side, size }) =>
 *   side === 'buy' && size === 2 ? dark : venues,
 * );
 * ```
 */
export function decide<
  S extends AnySchema,
  const Domain extends Readonly<Record<string, Dimension<unknown>>>,
>(
  schema: S,
  domain: (message: Refs<S>) => Domain,
  decision: (values: InputsOf<Domain>) => Destination<NameOf<S>> | Action<NameOf<S>> | null,
  options: LookupOptions<S> = {},
): Route {
  const place = placeHere();
  if (!isSchema(schema)) {
    throw optionError('ERR_ROUTE', 'decide', 'a schema', schema, place);
  }
  const subject = `route ${schema.name}`;
  for (const [name, given] of Object.entries({ domain, decision })) {
    if (typeof given === 'function') continue;
    throw optionError('ERR_ROUTE', `${subject}.${name}`, 'a function', given, place);
  }
  const fields = capture(
    subject,
    (run) => domain(refsOf(schema, run)) as unknown,
    (returned) => takeDomain(returned, subject, place),
    'none',
  );
  const asked = new Questions(fields, decision as Decision, subject, place);
  const { answers, rules } = asked.answer();
  const table: DecisionTableIr = {
    dimensions: dimensionsOf(fields),
    cells: cellsOf(fields, answers),
  };
  return makeRoute({ mode: 'first', schema, rules, table, place }, options, subject);
}

type Decision = (values: Record<string, DecideInput>) => unknown;

function takeDomain(returned: unknown, subject: string, place: SourcePlace): FieldDomain[] {
  const option = `${subject}.domain`;
  if (!isRecord(returned) || Object.keys(returned).length === 0) {
    const expected = 'an object of fields, such as { side: o.side, size: o.qty.bands(100) }';
    throw optionError('ERR_ROUTE', option, expected, returned, place);
  }
  const fields = Object.entries(returned).map(([name, value]) => {
    const at = `${option}.${name}`;
    if (value instanceof SymbolFieldRef || value instanceof DimensionNode) {
      currentCapture(at, value.capture);
      const classes = value instanceof DimensionNode ? value : symbolClasses(value.field);
      return fieldDomain(name, value, classes);
    }
    const expected = 'an enumeration, a boolean, or a number with .bands(…) or .range(…)';
    throw optionError('ERR_ROUTE', at, expected, value, place);
  });
  const cells = fields.reduce((count, field) => count * classCount(field), 1);
  if (cells <= decideCellsMax) return fields;
  const expected = `a domain of at most ${decideCellsMax} combinations`;
  throw optionError('ERR_ROUTE', option, expected, cells, place);
}

/** Combinations of a field's classes with its being there or not. */
function classCount({ presence, inputOfClass }: FieldDomain): number {
  return inputOfClass.length * (presence === null ? 1 : 2);
}

interface Answers {
  /** By combination of inputs, the last field's counting fastest: the rule; -1: none. */
  readonly answers: Int32Array;
  readonly rules: readonly RuleNode[];
}

/** Asks a function about every combination of its domain. */
class Questions {
  readonly #fields: readonly FieldDomain[];
  readonly #decision: Decision;
  readonly #subject: string;
  readonly #place: SourcePlace;
  /** Combinations from one input of a field to its next. */
  readonly #strides: readonly number[];
  readonly #rules: RuleNode[] = [];
  readonly #known = new Map<unknown, number>();
  readonly #ruleOf = new Map<TransformNode | null, Map<unknown, number>>();

  constructor(
    fields: readonly FieldDomain[],
    decision: Decision,
    subject: string,
    place: SourcePlace,
  ) {
    this.#fields = fields;
    this.#decision = decision;
    this.#subject = subject;
    this.#place = place;
    const behind = (at: number): readonly FieldDomain[] => fields.slice(at + 1);
    this.#strides = fields.map((_field, at) =>
      behind(at).reduce((product, { inputs }) => product * inputs.length, 1),
    );
  }

  answer(): Answers {
    const count = this.#fields.reduce((product, { inputs }) => product * inputs.length, 1);
    const answers = new Int32Array(count);
    for (let cell = 0; cell < count; cell += 1) answers[cell] = this.#ask(cell);
    for (let cell = count - 1; cell >= 0; cell -= 1) {
      if (this.#ask(cell) === answers[cell]) continue;
      const received = `another answer the second time for ${this.#text(cell)}`;
      this.#fail('the same answer whenever it is asked', received);
    }
    // A table without any rule sends nothing anywhere, and that is hardly meant.
    if (this.#rules.length === 0) this.#fail('a destination for some combination', 'none');
    return { answers, rules: this.#rules };
  }

  #valuesOf(cell: number): Record<string, DecideInput> {
    const values: Record<string, DecideInput> = {};
    for (const [at, { name, inputs }] of this.#fields.entries()) {
      const place = Math.floor(cell / (this.#strides[at] ?? 1));
      values[name] = inputs[place % inputs.length];
    }
    return values;
  }

  #ask(cell: number): number {
    let given: unknown;
    try {
      given = this.#decision(this.#valuesOf(cell));
    } catch (error) {
      this.#fail('an answer for every combination', `${String(error)} for ${this.#text(cell)}`);
    }
    if (given === null) return -1;
    return this.#known.get(given) ?? this.#rule(given, cell);
  }

  /** The rule with that action; a new one where there was none. */
  #rule(given: unknown, cell: number): number {
    const action = given instanceof ActionNode ? given : this.#actionOf(given, cell);
    const { transform, target } = action;
    const targets = this.#ruleOf.get(transform) ?? new Map<unknown, number>();
    this.#ruleOf.set(transform, targets);
    const key = keyOf(target);
    const rule = targets.get(key) ?? this.#rules.length;
    targets.set(key, rule);
    // Actions may be made anew each time, so that remembering them would not end.
    if (!(given instanceof ActionNode)) this.#known.set(given, rule);
    if (rule < this.#rules.length) return rule;
    if (rule >= rulesPerRouteMax) {
      this.#fail(`at most ${rulesPerRouteMax} different answers`, 'more');
    }
    const run = newCapture(this.#subject, { isPrecise: false });
    const built = { capture: run, place: this.#place, noun: 'rule', useCount: 1 } as const;
    const start = { kind: 'cell', when: null, cell: this.#text(cell) } as const;
    this.#rules.push(new RuleNode(start, action, plain, built));
    return rule;
  }

  #actionOf(given: unknown, cell: number): ActionNode {
    const option = `${this.#subject}.decision(${this.#text(cell)})`;
    return new ActionNode(null, targetOf(given, option, this.#place));
  }

  #text(cell: number): string {
    const entries = Object.entries(this.#valuesOf(cell));
    const text = entries.map(([name, value]) => `${name}: ${JSON.stringify(value)}`).join(', ');
    return `{ ${text} }`;
  }

  #fail(expected: string, received: string): never {
    throw optionError(
      'ERR_ROUTE',
      `${this.#subject}.decision`,
      expected,
      new Words(received),
      this.#place,
    );
  }
}

/** What tells targets apart: `returnTo(source)` makes an object of its own each time. */
function keyOf(target: TargetNode): unknown {
  if (!(target instanceof SpecialTarget)) return target;
  return target.ref === null && target.correlation === null ? target.kind : target;
}

/** The table's cells, by classes, from the answers, by inputs. */
function cellsOf(fields: readonly FieldDomain[], answers: Int32Array): number[] {
  // By field: for each combination of presence and class the input's place; -1: nothing is asked.
  const places = fields.map(({ presence, inputs, inputOfClass }) => {
    if (presence === null) return inputOfClass;
    return [...inputOfClass.map(() => inputs.length - 1), ...inputOfClass];
  });
  let firsts: number[] = [0];
  for (const [at, own] of places.entries()) {
    const inputCount = fields[at]?.inputs.length ?? 1;
    const next: number[] = [];
    for (const first of firsts) {
      for (const place of own) next.push(first < 0 || place < 0 ? -1 : first * inputCount + place);
    }
    firsts = next;
  }
  return firsts.map((first) => (first < 0 ? -1 : (answers[first] ?? -1)));
}
