// Addresses of host names: which family counts, and that no answer is not an answer.
import { afterEach, describe, expect, it } from 'vitest';
import type { EndpointIr } from '../../../../lib/compiler/ir.js';
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
} from '../../../../lib/index.js';
import { NameResolver } from '../../../../lib/router/resolver.js';
import { DnsServer } from '../../../helpers/dns-server.js';

const cleanups: (() => unknown)[] = [];
afterEach(() => {
  for (const cleanup of cleanups.splice(0).reverse()) cleanup();
});

async function open(): Promise<{ dns: DnsServer; ask: () => Promise<readonly string[]> }> {
  const dns = await DnsServer.open();
  cleanups.push(() => dns.close());
  const app = memory('app');
  const venue = tcp.connect('venue', {
    host: 'both.test',
    port: 9,
    framing: framing.fixed(8),
    resolveEvery: '5s',
    resolver: dns.address,
  });
  const venues = pool('venues', [venue], lb.roundRobin());
  const routes = [route.first(raw, () => [otherwise.to(venues)], { from: app })];
  const ir = defineRouter({ endpoints: [app, venue], routes });
  const resolver = new NameResolver();
  cleanups.push(() => resolver.close());
  return { dns, ask: () => resolver.resolve(ir.endpoints[1] as EndpointIr) };
}

describe('the addresses of a host name', () => {
  it('are IPv4 ones, and IPv6 ones where there are none', async () => {
    const { dns, ask } = await open();
    dns.records.set('both.test', ['10.0.0.2', '10.0.0.1']);
    dns.records6.set('both.test', ['fd00::1']);
    expect(await ask()).toEqual(['10.0.0.1', '10.0.0.2']);
    dns.records.set('both.test', []);
    expect(await ask()).toEqual(['fd00::1']);
    dns.records6.clear();
    await expect(ask()).rejects.toMatchObject({ code: 'ERR_RESOLVE' });
    dns.records.clear();
    await expect(ask()).rejects.toMatchObject({ code: 'ERR_RESOLVE' });
  });

  it('are not IPv6 ones because a question for IPv4 ones failed', async () => {
    const { dns, ask } = await open();
    dns.records.set('both.test', ['10.0.0.1']);
    dns.records6.set('both.test', ['fd00::1']);
    dns.brokenFor4 = true;
    await expect(ask()).rejects.toMatchObject({ code: 'ERR_RESOLVE' });
    dns.brokenFor4 = false;
    expect(await ask()).toEqual(['10.0.0.1']);
  });
});
