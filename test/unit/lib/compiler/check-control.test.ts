// What a configuration says about failover and overload, as data from elsewhere: every value that
// cannot be used is a finding that names it.
import { describe, expect, it } from 'vitest';
import { findErrors } from '../../../../lib/compiler/check.js';
import type { EndpointIr, RouterIr } from '../../../../lib/compiler/ir.js';
import {
  defineRouter,
  discard,
  framing,
  memory,
  otherwise,
  raw,
  route,
  tcp,
  udp,
} from '../../../../lib/index.js';

const remote = { host: '127.0.0.1', port: 9 };
const from = memory('in');
const base = defineRouter({
  endpoints: [
    from,
    udp('venue', {
      port: 0,
      remote,
      health: { every: '1s', timeout: '200ms', probe: 'ping', expect: 'pong', rise: 2, fall: 3 },
      breaker: { consecutive: 5, for: '10s' },
      limit: { rate: 10_000, burst: 100 },
      shed: { 1: 0.9, 3: 0.5 },
    }),
    tcp.listen('clients', { host: '127.0.0.1', port: 0, framing: framing.fixed(8) }),
  ],
  routes: [route.first(raw, () => [otherwise.to(discard)], { from })],
});

type Control = NonNullable<EndpointIr['control']>;
const control = base.endpoints[1]?.control as Control;

function withControl(given: unknown, at = 1): RouterIr {
  const endpoints = base.endpoints.map((endpoint, index) => {
    return index === at ? { ...endpoint, control: given as Control } : endpoint;
  });
  return { ...base, endpoints };
}

/** The control with another value at a path such as `health.rise`. */
function changed(path: string, value: unknown): unknown {
  const [first = '', second] = path.split('.');
  const parts = control as unknown as Record<string, object>;
  if (second === undefined) return { ...parts, [first]: value };
  return { ...parts, [first]: { ...parts[first], [second]: value } };
}

const strange: readonly unknown[] = [
  ...[-1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53, '7', null, {}, [], true, 5n],
];

const integers = [
  ['health.everyMs', 'health.every'],
  ['health.timeoutMs', 'health.timeout'],
  ['health.rise', 'health.rise'],
  ['health.fall', 'health.fall'],
  ['breaker.consecutive', 'breaker.consecutive'],
  ['breaker.forMs', 'breaker.for'],
  ['rate.perSecond', 'limit.rate'],
  ['rate.burst', 'limit.burst'],
  ['inFlightMax', 'limit.inFlight'],
] as const;

describe('the control of an endpoint', () => {
  it('is accepted as the language makes it', () => {
    expect(findErrors(base)).toEqual([]);
    expect(Object.keys(control).sort()).toEqual([...['breaker', 'health', 'rate', 'shed']]);
  });

  it('is refused where it limits what is in flight, and no rule says what that is', () => {
    const limited = withControl({ ...control, inFlightMax: 500 });
    expect(findErrors(limited)[0]).toMatchObject({
      code: 'ERR_CONFIG',
      message: expect.stringContaining('endpoints[1].limit.inFlight'),
    });
    const open = { correlation: 0, key: [], saved: [] };
    const routes = limited.routes.map((one) => {
      return { ...one, rules: one.rules.map((rule) => ({ ...rule, open })) };
    });
    const messages = findErrors({ ...limited, routes }).map(({ message }) => message);
    expect(messages.filter((message) => message.includes('inFlight'))).toEqual([]);
  });

  it.each(integers)('is refused where %s is no such number', (path, option) => {
    for (const value of [...strange, 0]) {
      const errors = findErrors(withControl(changed(path, value)));
      expect(errors.length, String(value)).toBeGreaterThan(0);
      expect(errors[0]?.code).toBe('ERR_CONFIG');
      expect(errors[0]?.message, String(value)).toContain(`endpoints[1].${option}`);
    }
  });

  it('is refused where a question takes longer than the time between two', () => {
    const health = { ...control.health, everyMs: 100, timeoutMs: 101 };
    expect(findErrors(withControl({ health }))[0]?.message).toContain('health.timeout');
    expect(findErrors(withControl({ health: { ...health, timeoutMs: 100 } }))).toEqual([]);
  });

  it.each(['probe', 'expect'])('is refused where health.%s is not bytes in hexadecimal', (name) => {
    for (const value of [...strange, 'abc', 'zz', '0X', 'AB', 'ab'.repeat(100_000)]) {
      const errors = findErrors(withControl(changed(`health.${name}`, value)));
      expect(errors[0]?.message, String(value).slice(0, 20)).toContain(`health.${name}`);
    }
  });

  it('is refused where health asks in no way there is, or asks nothing over UDP', () => {
    for (const value of [...strange, 'http', '__proto__']) {
      const errors = findErrors(withControl(changed('health.kind', value)));
      expect(errors[0]?.message).toContain('health.over');
    }
    const silent = findErrors(withControl(changed('health.probe', '')));
    expect(silent[0]?.message).toContain('health.probe');
  });

  it('is refused where health asks at no address', () => {
    for (const address of [{ host: 5, port: 9 }, { host: 'a', port: 0 }, { host: 'a' }, {}]) {
      const errors = findErrors(withControl(changed('health.address', address)));
      expect(errors[0]?.message).toContain('health.address');
    }
  });

  it('is refused where the shares of priorities are no shares, or rise', () => {
    const rising = [1, 0.5, 0.6, 0.5, 0.5, 0.5, 0.5, 0.5];
    const over = [1.5, 1, 1, 1, 1, 1, 1, 1];
    const negative = [1, 1, 1, 1, 1, 1, 1, -0.1];
    for (const value of [...strange, [1, 1], rising, over, negative, Array(8).fill('1')]) {
      const errors = findErrors(withControl(changed('shed', value)));
      expect(errors[0]?.message, JSON.stringify(String(value))).toContain('shed');
    }
  });

  it('is a finding, never an exception, whatever stands in place of its parts', () => {
    for (const part of ['health', 'breaker', 'rate', 'shed']) {
      for (const value of [...strange, Symbol.iterator, () => 1]) {
        const errors = findErrors(withControl(changed(part, value)));
        expect(errors.length, `${part} ${String(value)}`).toBeGreaterThan(0);
      }
    }
    for (const value of [null, 7, 'health', []]) {
      const errors = findErrors(withControl(value));
      expect(errors[0]?.message, String(value)).toContain('endpoints[1].control');
    }
  });

  it('is refused for what nothing is sent to, and health for a memory endpoint', () => {
    expect(findErrors(withControl(control, 2))[0]?.message).toContain('endpoints[2].control');
    const { health } = control;
    expect(findErrors(withControl({ health }, 0))[0]?.message).toContain('endpoints[0].health');
    expect(findErrors(withControl({ breaker: control.breaker }, 0))).toEqual([]);
  });
});
