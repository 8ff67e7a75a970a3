// `check` on IR from elsewhere: it trusts nothing.
import { describe, expect, it } from 'vitest';
import { check, findErrors } from '../../../../lib/compiler/check.js';
import type { DecisionTableIr, DimensionIr } from '../../../../lib/compiler/ir.js';
import type { RouterIr } from '../../../../lib/index.js';
import { matcherRoutesIr } from '../../../helpers/matcher-routes.js';
import { orderGateway } from '../../../helpers/order-gateway.js';
import { readingsIr } from '../../../helpers/readings.js';
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

  it('knows the reject codes there are: the built-in ones, and 1000 to 65535', () => {
    const withCodes = (code: number): RouterIr => {
      const ir = structuredClone(orderGateway());
      const route = ir.routes[0] as RouterIr['routes'][0];
      const checks = route.checks.map((each) => ({ ...each, code }));
      const transform = ir.transforms[0] as RouterIr['transforms'][0];
      const outputs = transform.outputs.map((each) => ({ ...each, rangeCode: code }));
      return {
        ...ir,
        routes: [{ ...route, checks }, ...ir.routes.slice(1)],
        transforms: [{ ...transform, outputs }, ...ir.transforms.slice(1)],
      };
    };
    for (const code of [1, 15, 1000, 65_535]) expect(findErrors(withCodes(code))).toEqual([]);
    for (const code of [0, 200, 999, 65_536, 2 ** 32, 1000.5]) {
      const ir = withCodes(code);
      const places = ir.transforms[0]?.outputs.length ?? 0;
      const errors = findErrors(ir).map((error) => ({ code: error.code, ...error.detail }));
      expect(errors.length).toBe(places + (ir.routes[0]?.checks.length ?? 0));
      for (const error of errors) {
        expect(error).toMatchObject({
          code: 'ERR_ROUTE',
          received: code,
          expected: expect.stringContaining('from 1000 to 65535'),
          place: expect.objectContaining({ line: expect.any(Number) }),
        });
      }
    }
  });

  it('holds the table of a route against its fields and rules', () => {
    const ir = matcherRoutesIr();
    const last = ir.routes.length - 1;
    const whole = ir.routes[last] as RouterIr['routes'][0];
    const table = whole.table as DecisionTableIr;
    const found = (parts: Partial<DecisionTableIr>, route: Partial<typeof whole> = {}) => {
      const damaged = { ...whole, ...route, table: { ...table, ...parts } };
      const routes = [...ir.routes.slice(0, last), damaged];
      return findErrors({ ...ir, routes }).map(
        ({ detail }) => (detail as { option: string }).option,
      );
    };
    const path = `routes[${last}].table`;
    const [first, second] = table.dimensions as [DimensionIr, DimensionIr];
    expect(found({})).toEqual([]);
    expect(found({ cells: table.cells.slice(1) })).toEqual([`${path}.cells`]);
    for (const cell of [3, -2, 0.5, '0']) {
      const cells = table.cells.with(4, cell as number);
      expect(found({ cells })).toEqual([`${path}.cells`]);
    }
    for (const starts of [
      [2n, 2n, 5n],
      [0n, 2n, 5n],
      [1n, 2n, 256n],
      [1, 2, 5],
    ]) {
      const dimensions = [{ ...first, starts: starts as bigint[] }, second];
      expect(found({ dimensions })).toEqual([`${path}.dimensions[0]`]);
    }
    const dimensions = [first, { ...second, field: 99 }];
    expect(found({ dimensions })).toEqual([`${path}.dimensions[1]`]);
    const when = { kind: 'and', terms: [] } as const;
    const rules = whole.rules.map((rule) => ({ ...rule, when }));
    expect(found({}, { rules })).toContain(path);
  });

  /** Every number of the IR that is an index, an offset or a size, replaced by nonsense. */
  function* damaged(
    node: unknown,
    path: string,
  ): Generator<{ path: string; set: (value: unknown) => void }> {
    if (typeof node !== 'object' || node === null) return;
    for (const [key, value] of Object.entries(node)) {
      // -7 is a power of ten like others.
      if (['position', 'options', 'order', 'power'].includes(key)) continue;
      const at = `${path}.${key}`;
      const set = (bad: unknown) => Object.assign(node, { [key]: bad });
      if (typeof value === 'number') yield { path: at, set };
      yield* damaged(value, at);
    }
  }

  it.each([
    ['the order gateway', orderGateway],
    ['messages of every layout', readingsIr],
  ])(
    'refuses every index, offset and size that points outside: %s',
    { timeout: 180_000 },
    (_name, make) => {
      const ir = structuredClone(make());
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
    },
  );
});
