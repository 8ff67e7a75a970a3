// Methods that a value of the language does not have.
import { describe, expect, it } from 'vitest';
import {
  type Condition,
  discard,
  otherwise,
  route,
  schema,
  t,
  when,
} from '../../../../../lib/index.js';

const Order = schema('Order', 1, {
  qty: t.u32,
  price: t.decimal(2),
  at: t.timestamp,
  side: t.enum('buy', 'sell'),
  isLast: t.bool,
  name: t.ascii(8),
  marks: t.flags('a', 'b'),
  rate: t.f64,
  legs: t.group({ id: t.u32 }),
});

/** Any value of the language, as JavaScript sees it: without types. */
type Untyped = Readonly<Record<string, (...values: readonly unknown[]) => Condition>>;

/** What is said of a callback that does not know the methods. */
function refusal(build: (o: Readonly<Record<string, Untyped>>) => unknown): string {
  try {
    route.first(Order, (o) => build(o as never) as never);
  } catch (error) {
    return (error as Error).message;
  }
  return 'no error';
}

describe('a method that there is not', () => {
  it.each([
    ['price', 'startsWith', 'a decimal', 'gte'],
    ['qty', 'has', 'a number', 'between'],
    ['qty', 'is', 'a number', 'eq'],
    ['at', 'equals', 'a timestamp', 'lt'],
    ['side', 'eq', 'an enumeration', 'is'],
    ['isLast', 'eq', 'a boolean', 'is'],
    ['name', 'eq', 'text', 'startsWith'],
    ['marks', 'is', 'flags', 'has'],
    ['legs', 'eq', 'a group', 'count'],
  ])('of %s, %s, is refused by what %s has', (field, method, kind, known) => {
    const text = refusal((o) => [when(o[field]?.[method]?.(1) as Condition).to(discard)]);
    expect(text).toContain(`${field}.${method}: expected a method of ${kind}: `);
    expect(text).toContain(`received "${method}"`);
    expect(text.match(/method of [a-z ]+: (.*), received/)?.[1]?.split(', ')).toContain(known);
  });

  it('of a floating-point number names none that would refuse it as well', () => {
    const text = refusal((o) => [when(o.rate?.is?.(1) as Condition).to(discard)]);
    expect(text).toContain('a method of a floating-point number: orReject, ');
    expect(text).not.toMatch(/\bgte\b/);
  });

  it('of a sum, a condition or a rule is refused as well', () => {
    const first = (o: Readonly<Record<string, Untyped>>) => o.qty?.eq?.(1) as unknown as Untyped;
    expect(refusal((o) => (o.qty?.add?.(1) as unknown as Untyped | undefined)?.is?.(2))).toContain(
      'qty.add(…).is: expected a method of a number',
    );
    expect(refusal((o) => first(o).and?.(1))).toMatch(/condition\.and: .* which and\(…\), or\(…\)/);
    const start = otherwise as unknown as Untyped;
    expect(refusal(() => start.tap?.(discard))).toContain('a rule that needs its destination: to');
    const rule = (): Untyped => otherwise.to(discard) as unknown as Untyped;
    expect(refusal(() => [rule().via?.(1)])).toMatch(/rule\.via: .*`via` comes before `to`/);
  });
});
