// Checks that several configurations share: plain functions over the fields that they need.
import type { Check, NumberRef } from '../../lib/index.js';

interface Priced {
  readonly price: NumberRef<'u32'>;
  readonly port: NumberRef<'u16'>;
}

/** The limits of every order, whatever its schema. */
export function limits(order: Priced, most: number): readonly Check[] {
  return [
    order.price.mul(order.port).lte(most).else('NOTIONAL'),
    order.port.where((port) => port !== 0).else('PORT'),
  ];
}

/** A check that cannot be: its mistake is in this file. */
export function impossible(order: Priced): readonly Check[] {
  return [order.port.lt(0).else('NEVER')];
}
