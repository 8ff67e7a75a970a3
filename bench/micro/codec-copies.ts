// Functions that V8 must compile for one subject alone. What it learns of a function it keeps with
// the function's source: a loop that has met eight codecs would be slow for each of them.
import type { NewOrder, Reading } from './codec-messages.js';

/** Where reading puts what it read: numbers apart, so that none is boxed on the way. */
export const numbers = new Float64Array(64);
export const others: unknown[] = new Array(16).fill(undefined);

/**
 * The function again, with a source of its own for V8 to learn about. It may use its arguments,
 * and `numbers` and `others` of this module, and nothing else from outside.
 */
export function ownCopy<Callable extends (...values: never[]) => unknown>(
  original: Callable,
  owner: string,
): Callable {
  const text = `'use strict';\nreturn ${original};\n// ${owner}`;
  return new Function('numbers', 'others', text)(numbers, others) as Callable;
}

/** Any object with an order's fields: what their types are differs from subject to subject. */
export type Fields<Value> = { readonly [Name in keyof Value]: unknown };

/** Reads every field of a decoded NewOrder. For `ownCopy`. */
export function readOrder(
  order: Fields<Omit<NewOrder, 'price' | 'qty' | 'legs'>> &
    Pick<NewOrder, 'price' | 'qty' | 'legs'>,
): void {
  others[0] = order.id;
  numbers[0] = order.price;
  numbers[1] = order.qty;
  others[1] = order.side;
  others[2] = order.orderType;
  others[3] = order.symbol;
  others[4] = order.sentAt;
  others[5] = order.account;
  const { legs } = order;
  for (let index = 0; index < legs.length; index++) {
    const leg = legs[index]!;
    numbers[2 + 2 * index] = leg.qty;
    numbers[3 + 2 * index] = leg.price;
  }
}

/** Reads every field of a decoded Reading. For `ownCopy`. */
export function readReading(
  reading: Fields<Pick<Reading, 'device' | 'takenAt' | 'status' | 'unit'>> &
    Pick<Reading, 'samples' | 'channels'>,
): void {
  others[0] = reading.device;
  others[1] = reading.takenAt;
  others[2] = reading.status;
  others[3] = reading.unit;
  const { samples, channels } = reading;
  for (let index = 0; index < samples.length; index++) numbers[index] = samples[index]!;
  for (let index = 0; index < channels.length; index++) {
    const one = channels[index]!;
    numbers[16 + 2 * index] = one.channel;
    numbers[17 + 2 * index] = one.value;
  }
}

/** One timed stretch: `count` steps over the inputs, whose number is a power of two. */
export type Loop = (
  step: (input: never) => unknown,
  inputs: readonly unknown[],
  kept: unknown[],
  count: number,
) => void;

/** Runs steps and keeps what they return, so that nothing is optimised away. For `ownCopy`. */
export const loop: Loop = (step, inputs, kept, count) => {
  const mask = inputs.length - 1;
  for (let index = 0; index < count; index++) {
    kept[index & mask] = (step as (input: unknown) => unknown)(inputs[index & mask]);
  }
};
