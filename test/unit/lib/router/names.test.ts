// Host names in configurations: what stands for them, and what is refused.
import { describe, expect, it } from 'vitest';
import { check, findErrors } from '../../../../lib/compiler/check.js';
import type { RouterIr } from '../../../../lib/compiler/ir.js';
import {
  defineRouter,
  framing,
  lb,
  memory,
  otherwise,
  pool,
  raw,
  route,
  tcp,
  type UdpOptions,
  udp,
} from '../../../../lib/index.js';
import {
  expandNames,
  nextAddresses,
  patternOf,
  withoutLeaving,
} from '../../../../lib/router/names.js';
import { refusal } from '../../../helpers/refusal.js';

const named: UdpOptions<typeof raw> = {
  port: 0,
  remote: { host: 'venues.test', port: 9000 },
  resolveEvery: '5s',
  health: { probe: 'ping', address: { host: '10.0.0.1', port: 8080 } },
};

function config(more: readonly ReturnType<typeof udp>[] = []): RouterIr {
  const app = memory('app');
  const venue = udp('venue', named);
  const fixed = udp('fixed', { port: 0, remote: { host: '127.0.0.1', port: 9 } });
  return defineRouter({
    endpoints: [app, venue, fixed, ...more],
    threading: {
      workers: [
        { name: 'one', endpoints: [app, fixed, ...more] },
        { name: 'two', endpoints: [venue] },
      ],
    },
    routes: [
      route.first(raw, () => [otherwise.to(pool('venues', [venue, fixed], lb.roundRobin()))], {
        from: app,
        name: 'out',
      }),
      route.first(raw, () => [otherwise.to(fixed)], { from: venue, name: 'back' }),
    ],
  });
}

function namesOf(ir: RouterIr, indices: readonly number[]): (string | undefined)[] {
  return indices.map((index) => ir.endpoints[index]?.name);
}

describe('an endpoint given by host name', () => {
  it('is replaced by one for each address, wherever it stands', () => {
    const addresses = new Map([
      ['venue', { active: ['10.0.0.1', '10.0.0.2'], leaving: ['10.0.0.9'] }],
    ]);
    const ir = expandNames(config(), addresses);
    check(ir);
    const at = (address: string) => `venue@${address}:9000`;
    expect(ir.endpoints.map(({ name }) => name)).toEqual([
      'app',
      'fixed',
      at('10.0.0.1'),
      at('10.0.0.2'),
      at('10.0.0.9'),
    ]);
    const addressesAsked = ir.endpoints.map(({ control }) => control?.health?.address?.host);
    expect(addressesAsked).toEqual([undefined, undefined, '10.0.0.1', '10.0.0.2', '10.0.0.9']);
    expect(ir.endpoints[3]?.control?.health?.address?.port).toBe(8080);
    const members = ir.pools[0]?.members.map(({ endpoint }) => endpoint) ?? [];
    expect(namesOf(ir, members)).toEqual([at('10.0.0.1'), at('10.0.0.2'), 'fixed']);
    const all = [at('10.0.0.1'), at('10.0.0.2'), at('10.0.0.9')];
    expect(namesOf(ir, ir.routes[1]?.sources ?? [])).toEqual(all);
    const { threading } = ir;
    const workers = threading.model === 'map' ? threading.workers : [];
    expect(namesOf(ir, workers[1]?.endpoints ?? [])).toEqual(all);
    expect(ir.routes[1]?.rules[0]?.action.target).toEqual({ kind: 'endpoint', endpoint: 1 });
    expect(ir.endpoints[2]?.options).toMatchObject({
      port: 0,
      remote: { host: '10.0.0.1', port: 9000 },
    });
    expect(ir.endpoints[2]?.options).not.toHaveProperty('resolve');
  });

  it('keeps its name within that of its addresses, of either family', () => {
    const six = tcp.connect('six', {
      host: 'venues.test',
      port: 9000,
      framing: framing.fixed(8),
      resolveEvery: 1000,
    });
    const app = memory('app');
    const ir = defineRouter({
      endpoints: [app, six],
      routes: [
        route.first(raw, () => [otherwise.to(pool('all', [six], lb.roundRobin()))], { from: app }),
      ],
    });
    const expanded = expandNames(ir, new Map([['six', { active: ['fe80::1'], leaving: [] }]]));
    check(expanded);
    expect(expanded.endpoints[1]?.name).toBe('six@[fe80::1]:9000');
    expect(patternOf('six@[fe80::1]:9000')).toBe('six');
    expect(patternOf('six')).toBe('six');
  });

  it('is left alone where a configuration has none', () => {
    const ir = { ...config(), endpoints: [] };
    expect(expandNames(ir, new Map())).toBe(ir);
  });

  it('knows which addresses come, stay, leave and come back', () => {
    const first = nextAddresses({ active: [], leaving: [] }, ['b', 'a']);
    expect(first).toEqual({ active: ['a', 'b'], leaving: [] });
    const second = nextAddresses(first, ['c', 'b']);
    expect(second).toEqual({ active: ['b', 'c'], leaving: ['a'] });
    expect(nextAddresses(second, ['a'])).toEqual({ active: ['a'], leaving: ['b', 'c'] });
    expect(withoutLeaving(second, 'a')).toEqual({ active: ['b', 'c'], leaving: [] });
    expect(withoutLeaving(second, 'b')).toBe(second);
  });

  it('is refused with what makes no sense of it', () => {
    const define = (options: Partial<UdpOptions<typeof raw>>) =>
      refusal(() => udp('venue', { ...named, ...options })).detail as { option: string };
    expect(define({ resolveEvery: '1h' as never }).option).toBe('endpoints.venue.resolveEvery');
    expect(define({ resolveEvery: 5 }).option).toBe('endpoints.venue.resolveEvery');
    expect(define({ resolver: 'dns.test:53' }).option).toBe('endpoints.venue.resolver');
    expect(define({ port: 9 }).option).toBe('endpoints.venue.port');
    expect(define({ remote: { host: '10.0.0.1', port: 9 } }).option).toBe(
      'endpoints.venue.remote.host',
    );
    expect(define({ remote: { host: '-x', port: 9 } }).option).toBe('endpoints.venue.remote.host');
    const { resolveEvery: _, ...without } = named;
    expect(refusal(() => udp('venue', without)).code).toBe('ERR_CONFIG');
    expect(refusal(() => udp('venue', { ...without, resolver: '10.0.0.1:53' })).code).toBe(
      'ERR_CONFIG',
    );
  });

  it('is refused as the destination of a rule, and in pools that know their members', () => {
    const ir = config();
    const [out, back] = ir.routes;
    const [venues] = ir.pools;
    if (out === undefined || back === undefined || venues === undefined) throw new Error('parts');
    const target = { kind: 'endpoint', endpoint: 1 } as const;
    const direct = back.rules.map((rule) => ({ ...rule, action: { transform: null, target } }));
    const errors = findErrors({ ...ir, routes: [out, { ...back, rules: direct }] });
    expect(errors.map(({ detail }) => (detail as { option: string }).option)).toContain(
      'routes[1].rules',
    );
    const table = { kind: 'table', name: 'mine', keys: [], slots: [[0]] } as const;
    const own = findErrors({ ...ir, pools: [{ ...venues, strategy: table }] });
    expect(own.map(({ detail }) => (detail as { option: string }).option)).toContain(
      'pools[0].strategy',
    );
  });
});
