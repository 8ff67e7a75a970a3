// `check` on IR from elsewhere: it trusts nothing.
import { describe, expect, it } from 'vitest';
import { check, findErrors } from '../../../../lib/compiler/check.js';
import type { RouterIr } from '../../../../lib/index.js';
import { orderGateway } from '../../../helpers/order-gateway.js';
import { refusal } from '../../../helpers/refusal.js';

describe('check', () => {
  it('finds nothing in what defineRouter made', () => {
    expect(findErrors(orderGateway())).toEqual([]);
  });

  it('refuses what is no configuration', () => {
    for (const value of [null, 1, 'x', [], {}, { version: 2 }, { version: 1, schemas: [] }]) {
      expect(refusal(() => check(value as never)).code).toBe('ERR_CONFIG');
    }
  });

  it('reports several mistakes, in order', () => {
    const ir = structuredClone(orderGateway()) as {
      -readonly [Key in keyof RouterIr]: RouterIr[Key];
    };
    ir.idle = 'sleep' as never;
    ir.pools = [{ ...(ir.pools[0] as RouterIr['pools'][0]), members: [] }];
    const options = findErrors(ir).map((error) => (error.detail as { option: string }).option);
    expect(options).toEqual(['idle', 'pools[0].members']);
  });

  /** Every number of the IR that is an index, an offset or a size, replaced by nonsense. */
  function* damaged(
    node: unknown,
    path: string,
  ): Generator<{ path: string; set: (value: unknown) => void }> {
    if (typeof node !== 'object' || node === null) return;
    for (const [key, value] of Object.entries(node)) {
      if (key === 'position' || key === 'options' || key === 'order') continue;
      const at = `${path}.${key}`;
      const set = (bad: unknown) => Object.assign(node, { [key]: bad });
      if (typeof value === 'number') yield { path: at, set };
      yield* damaged(value, at);
    }
  }

  it('refuses every index, offset and size that points outside', () => {
    const ir = structuredClone(orderGateway());
    let count = 0;
    for (const { path, set } of damaged(ir, 'ir')) {
      const before = path
        .split('.')
        .slice(1)
        .reduce<unknown>((node, key) => (node as Record<string, unknown>)[key], ir);
      set(-7);
      expect(findErrors(ir).length, `${path} = -7`).toBeGreaterThan(0);
      set(1e9 + 0.5);
      expect(findErrors(ir).length, `${path} = 1e9 + 0.5`).toBeGreaterThan(0);
      set(before);
      count += 1;
    }
    expect(findErrors(ir)).toEqual([]);
    expect(count).toBeGreaterThan(200);
  });
});
