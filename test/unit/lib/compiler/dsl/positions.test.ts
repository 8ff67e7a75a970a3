// Positions of builder calls.
import { describe, expect, it } from 'vitest';
import type { Refs } from '../../../../../lib/compiler/dsl/types.js';
import type { ConfigErrorDetail } from '../../../../../lib/errors.js';
import {
  defineRouter,
  discard,
  HyperRouteError,
  otherwise,
  raw,
  route,
  schema,
  t,
  udp,
  when,
} from '../../../../../lib/index.js';
import { callerPlace } from '../../../../../lib/schema/position.js';

const Order = schema('Order', 1, { qty: t.u32 });

describe('a position', () => {
  it("is the line of the call in the user's file", () => {
    const endpoint = udp('in', { port: 0 });
    const ir = defineRouter({
      endpoints: [endpoint],
      routes: [route.first(raw, () => [otherwise.to(discard)])],
    });
    const lines = [ir.endpoints[0], ir, ir.routes[0], ir.routes[0]?.rules[0]].map(
      (node) => node?.position.line,
    );
    const first = lines[0] as number;
    expect(lines).toEqual([first, first + 1, first + 3, first + 3]);
    expect(ir.routes[0]?.position.file).toBe(import.meta.filename);
  });

  it('leaves Error as it was, whatever formatter and limit are set', () => {
    const [formatter, limit] = [Error.prepareStackTrace, Error.stackTraceLimit];
    const own = () => 'own';
    try {
      Error.prepareStackTrace = own;
      Error.stackTraceLimit = 0;
      expect(callerPlace().file).toBe(import.meta.filename);
      expect([Error.prepareStackTrace, Error.stackTraceLimit]).toEqual([own, 0]);
    } finally {
      Error.prepareStackTrace = formatter as NonNullable<typeof formatter>;
      Error.stackTraceLimit = limit;
    }
  });
});

/** Lines are those of the file as the test runner has translated it: only their order counts. */
describe('an error inside a function of the user', () => {
  const { file } = callerPlace();

  function errorOf(build: () => unknown): { message: string; detail: ConfigErrorDetail } {
    try {
      build();
    } catch (error) {
      if (error instanceof HyperRouteError) return error as HyperRouteError<'ERR_CONFIG'>;
      throw error;
    }
    throw new Error('expected an error');
  }

  /** The lines of the place and of those it was called from. */
  function linesOf({ place, calledFrom = [] }: ConfigErrorDetail): number[] {
    const places = [place, ...calledFrom];
    expect(new Set(places.map((one) => one?.file))).toEqual(new Set([file]));
    return places.map((one) => one?.line ?? 0);
  }

  const local = (port: number) => udp('local', { port });
  const twice = (port: number) => {
    const first = local(9000);
    return [first, local(port)];
  };
  const large = (o: Refs<typeof Order>, from: number) => {
    const { qty } = o;
    return qty.gt(from);
  };

  it('names from where it was called, the innermost first', () => {
    const { detail, message } = errorOf(() => {
      const all = twice(70_000);
      return all;
    });
    const [at = 0, inTwice = 0, inTest = 0] = linesOf(detail);
    expect(at).toBeLessThan(inTwice);
    expect(inTwice).toBeLessThan(inTest);
    expect(message).toMatch(/received 70000 \(called from .*positions\.test\.ts:\d+:\d+, /);
  });

  it('names callers beyond functions that are built in, and none behind this package', () => {
    const { detail } = errorOf(() => {
      const rules = (o: Refs<typeof Order>) => {
        const limits = [1, -1];
        return limits.map((from) => {
          const condition = large(o, from);
          return when(condition).to(discard);
        });
      };
      return route.first(Order, rules);
    });
    // In `large`, where that is called, and where `map` is; `route.first` has called the rest.
    const [at = 0, inMap = 0, inRules = 0, ...more] = linesOf(detail);
    expect(more).toEqual([]);
    expect(at).toBeLessThan(inRules);
    expect(inRules).toBeLessThan(inMap);
  });

  it('names them of what is found out later as well', () => {
    const stray = udp('stray', { port: 0 });
    const send = () => {
      const rule = otherwise.to(stray);
      return rule;
    };
    const { detail } = errorOf(() => {
      const own = route.first(raw, () => {
        const rule = send();
        return [rule];
      });
      return defineRouter({ endpoints: [udp('in', { port: 0 })], routes: [own] });
    });
    expect(detail.option).toBe('routes[0].rules[0].to');
    const [at = 0, inRules = 0, ...more] = linesOf(detail);
    expect(at).toBeLessThan(inRules);
    expect(more).toEqual([]);
  });

  it('says nothing where there is no such function', () => {
    const rules = () => [otherwise.to('nowhere' as never)];
    const { message, detail } = errorOf(() => route.first(raw, rules));
    expect(message).toMatch(/received "nowhere"$/);
    expect(detail.calledFrom).toBeUndefined();
  });
});
