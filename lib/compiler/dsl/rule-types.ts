// The types of rules and of what they do with a message. They exist for the type checker only.
import type { Correlation, KeptFields, KeyFields, Opening } from './correlate-types.js';
import type { Destination, Transform } from './types.js';

declare const actionName: unique symbol;
declare const ruleName: unique symbol;

/** Where a message goes and what it becomes on the way. */
export interface Action<in Name extends string> {
  readonly [actionName]: (name: Name) => void;
}

/** An entry of a route. Each method returns the rule to use from then on. */
export interface Rule<in Name extends string> {
  readonly [ruleName]: (name: Name) => void;
  /**
   * Sends a copy of one message in `every`, from the first on, besides where the rule sends it:
   * as it came, or by a transform. It never holds the message up: where there is no room for it,
   * it is left out and counted.
   */
  tap<Other extends string>(
    destination: Destination<Other>,
    options: { readonly every: number; readonly via?: undefined },
  ): Rule<Name & Other>;
  tap<From extends string, To extends string>(
    destination: Destination<To>,
    options: { readonly every: number; readonly via: Transform<From, To> },
  ): Rule<Name & From>;
  /** How important its messages are: 0, the default, the most, 7 the first to be shed. */
  priority(level: 0 | 1 | 2 | 3 | 4 | 5 | 6 | 7): Rule<Name>;
  /**
   * In `route.all`: the copy is sent if there is room for it, and left out and counted if not; the
   * other rules do not wait for it.
   */
  bestEffort(): Rule<Name>;
  /**
   * Remembers the message, once it has left: where it came from, where it went, and the fields in
   * `save`. A route with a `lookup` finds it again by its id or by the fields in `key`.
   */
  opens<K extends KeyFields, S extends KeptFields>(
    correlation: Correlation<K, S>,
    opening: Opening<K, S>,
  ): Rule<Name>;
  /** Forgets, once the message has left, what the route's `lookup` found. */
  closes(): Rule<Name>;
}

/** After `via(transform)`: where the transformed message goes. */
export interface RuleVia<in From extends string, out To extends string> {
  to(destination: Destination<To>): Rule<From>;
}

/** After `when(…)`, and `otherwise` itself. */
export interface RuleStart {
  /** Transforms the message on its way. */
  via<From extends string, To extends string>(transform: Transform<From, To>): RuleVia<From, To>;
  /** Sends the message as it came. */
  to<Name extends string>(destination: Destination<Name>): Rule<Name>;
}

/** After `via(transform)` in `rejects`. */
export interface ActionVia<in From extends string, out To extends string> {
  to(destination: Destination<To>): Action<From>;
}
