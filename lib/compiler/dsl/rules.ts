// Rules: `when(…).via(…).to(…)`, and what they do besides: taps, priorities, best effort,
// what they remember.
import { optionError, Words } from '../../errors.js';
import { OptionReader } from '../../schema/options.js';
import type { ConditionIr } from '../ir.js';
import { priorityMax, tapEveryMax } from '../limits.js';
import { type Built, currentCapture, noteBuilt, placeHere } from './capture.js';
import { type OpenNode, openingOf } from './correlate.js';
import { useCondition } from './expressions.js';
import { refuseOthers } from './members.js';
import type { ActionVia, RuleStart } from './rule-types.js';
import { isTarget, type TargetNode, targetOf } from './targets.js';
import { TransformNode } from './transform.js';
import type { Condition, Transform } from './types.js';

/** Runtime form of Action. */
export class ActionNode {
  readonly transform: TransformNode | null;
  readonly target: TargetNode;

  constructor(transform: TransformNode | null, target: TargetNode) {
    this.transform = transform;
    this.target = target;
  }
}

/** Runtime form of ActionVia: an action without its destination. */
export class ViaNode {
  readonly #transform: TransformNode;

  constructor(transform: TransformNode) {
    this.#transform = transform;
  }

  to(destination: unknown): ActionNode {
    // A function of `decide` may get here a million times: its place is looked up for errors only.
    const target = isTarget(destination)
      ? destination
      : targetOf(destination, 'rejects.to', placeHere());
    return new ActionNode(this.#transform, target);
  }
}

/** A copy for one message in `every`. */
export interface TapNode {
  readonly action: ActionNode;
  readonly every: number;
}

/** What a rule does besides sending the message. */
export interface Manner {
  readonly taps: readonly TapNode[];
  readonly isBestEffort: boolean;
  readonly priority: number;
  /** What is remembered of the message. */
  readonly open: OpenNode | null;
  /** Whether what the route's lookup found is forgotten. */
  readonly closes: boolean;
}

/** A rule that only sends the message. */
export const plain: Manner = {
  taps: [],
  isBestEffort: false,
  priority: 0,
  open: null,
  closes: false,
};

/** When a rule holds; only `when` has a condition. Of `decide`: for which combination first. */
type Start =
  | { readonly kind: 'when'; readonly when: ConditionIr }
  | { readonly kind: 'otherwise' | 'always'; readonly when: null }
  | { readonly kind: 'cell'; readonly when: null; readonly cell: string };

/** Runtime form of Rule. Its methods return another one, which stands for it from then on. */
export class RuleNode {
  readonly start: Start;
  readonly action: ActionNode;
  readonly manner: Manner;
  readonly built: Built;

  constructor(start: Start, action: ActionNode, manner: Manner, built: Built) {
    this.start = start;
    this.action = action;
    this.manner = manner;
    this.built = built;
  }

  tap(destination: unknown, options: unknown): RuleNode {
    const place = placeHere();
    const reader = new OptionReader(options, 'tap', place, 'ERR_ROUTE');
    const given = reader.raw('via');
    const transform = given === undefined ? null : transformOf(given);
    const every = integerOf(reader.raw('every'), 'tap.every', 1, tapEveryMax);
    reader.done();
    const action = new ActionNode(transform, targetOf(destination, 'tap', place));
    return this.#with({ taps: [...this.manner.taps, { action, every }] });
  }

  priority(level: unknown): RuleNode {
    return this.#with({ priority: integerOf(level, 'priority', 0, priorityMax) });
  }

  bestEffort(): RuleNode {
    return this.#with({ isBestEffort: true });
  }

  opens(correlation: unknown, opening: unknown): RuleNode {
    if (this.manner.open !== null) {
      const { name } = this.manner.open.correlation;
      const received = new Words(`a second opens(…), after ${name}`);
      throw optionError('ERR_ROUTE', 'opens', 'one opens(…) of a rule', received, placeHere());
    }
    return this.#with({ open: openingOf(correlation, opening) });
  }

  closes(): RuleNode {
    return this.#with({ closes: true });
  }

  #with(manner: Partial<Manner>): RuleNode {
    currentCapture('rule', this.built.capture);
    return new RuleNode(this.start, this.action, { ...this.manner, ...manner }, this.built);
  }
}

refuseOthers<RuleNode>(RuleNode.prototype, () => {
  return { name: 'rule', kind: 'a rule that has its destination (`via` comes before `to`)' };
});

function integerOf(value: unknown, option: string, low: number, high: number): number {
  if (Number.isInteger(value) && (value as number) >= low && (value as number) <= high) {
    return value as number;
  }
  const expected = `an integer from ${low} to ${high}`;
  throw optionError('ERR_ROUTE', option, expected, value, placeHere());
}

function makeRule(start: Start, transform: TransformNode | null, destination: unknown): RuleNode {
  const place = placeHere();
  const target = targetOf(destination, 'to', place);
  const built = noteBuilt(currentCapture('to'), 'rule', place);
  return new RuleNode(start, new ActionNode(transform, target), plain, built);
}

function transformOf(value: unknown): TransformNode {
  if (value instanceof TransformNode) return value;
  throw optionError('ERR_ROUTE', 'via', 'a transform', value, placeHere());
}

/** A rule without a destination. */
export class StartNode {
  readonly #start: Start;
  readonly #transform: TransformNode | null;

  constructor(start: Start, transform: TransformNode | null) {
    this.#start = start;
    this.#transform = transform;
  }

  via(given: unknown): StartNode {
    const transform = transformOf(given);
    if (this.#transform === null) return new StartNode(this.#start, transform);
    const received = new Words(`a second one, after ${this.#transform.name}`);
    throw optionError('ERR_ROUTE', 'via', 'one transform', received, placeHere());
  }

  to(destination: unknown): RuleNode {
    return makeRule(this.#start, this.#transform, destination);
  }
}

refuseOthers<StartNode>(StartNode.prototype, () => {
  return { name: 'rule', kind: 'a rule that needs its destination' };
});

function ruleStart(start: Start): RuleStart {
  return Object.freeze(new StartNode(start, null)) as unknown as RuleStart;
}

/**
 * Starts a rule that applies when the condition holds; several conditions must all hold. Uses
 * them up. Inside the callback of a route only.
 */
export function when(...conditions: readonly [Condition, ...Condition[]]): RuleStart {
  const terms = conditions.map((condition) => useCondition(condition, 'when'));
  const [first] = terms;
  if (first === undefined) {
    throw optionError(
      'ERR_ROUTE',
      'when',
      'at least one condition',
      new Words('none'),
      placeHere(),
    );
  }
  return ruleStart({ kind: 'when', when: terms.length === 1 ? first : { kind: 'and', terms } });
}

/** Starts the rule that applies when none before it did; the last one of its route. */
export const otherwise: RuleStart = ruleStart({ kind: 'otherwise', when: null });

/** Starts a rule of `route.all` that applies to every message. */
export const always: RuleStart = ruleStart({ kind: 'always', when: null });

/** For `rejects`: transforms a rejected message on its way to a destination. */
export function via<From extends string, To extends string>(
  transform: Transform<From, To>,
): ActionVia<From, To> {
  return Object.freeze(new ViaNode(transformOf(transform))) as unknown as ActionVia<From, To>;
}
