// Names that the collections of builders do not have.
import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import {
  framing,
  HyperRouteError,
  layout,
  lb,
  route,
  schema,
  t,
  tcp,
} from '../../../../lib/index.js';

describe('a collection of builders', () => {
  const cases: readonly (readonly [string, object, string, string])[] = [
    ['t', t, 'ERR_SCHEMA', 'string'],
    ['lb', lb, 'ERR_ROUTE', 'roundRobin'],
    ['route', route, 'ERR_ROUTE', 'unique'],
    ['framing', framing, 'ERR_CONFIG', 'lengthPrefix'],
    ['layout', layout, 'ERR_SCHEMA', 'packed'],
    ['tcp', tcp, 'ERR_CONFIG', 'listen'],
  ];

  it.each(cases)('%s says what it holds when asked for another name', (name, held, code, known) => {
    const read = (): unknown => (held as Readonly<Record<string, unknown>>).nonsense;
    expect(read).toThrow(HyperRouteError);
    try {
      read();
    } catch (error) {
      const { detail, ...rest } = error as HyperRouteError<'ERR_CONFIG'>;
      expect(rest.code).toBe(code);
      expect(detail).toMatchObject({ option: `${name}.nonsense`, received: 'nonsense' });
      expect(detail.expected.split(/[:,] /)).toContain(known);
      expect(detail.place?.file).toContain('collection.test.ts');
    }
  });

  it('is asked by promises, JSON and what prints values for nothing that it refuses', async () => {
    const asked = ['then', 'toJSON', 'asymmetricMatch', 'nodeType', 'tagName', '$$typeof'];
    for (const [, held] of cases) {
      expect(await Promise.resolve(held)).toBe(held);
      expect(JSON.parse(JSON.stringify(held))).toBeTypeOf('object');
      for (const known of Object.keys(held)) expect(inspect(held)).toContain(known);
      for (const name of [...asked, '@@__IMMUTABLE_ITERABLE__@@', '@@__IMMUTABLE_RECORD__@@']) {
        expect(Reflect.get(held, name), name).toBeUndefined();
      }
      expect(Object.isFrozen(held)).toBe(true);
    }
  });

  it('gives what it has, as often as it is asked', () => {
    expect(t.u32).toBe(t.u32);
    expect(schema('A', 1, { x: t.u8 }).name).toBe('A');
    expect('u32' in t && !('u99' in t)).toBe(true);
  });
});
