// What a datagram must not contain: dropped and counted under its name; the datagrams around it,
// of the same sender and of others, arrive.
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { endAll, needs, netcat } from '../helpers/foreign-programs.js';
import { cancel, order, protocolText, withSize, withType } from '../helpers/foreign-protocol.js';
import { type RouterProcess, startRouter } from '../helpers/foreign-router.js';
import { Python } from '../helpers/foreign-sockets.js';
import { Random, testSeed } from '../helpers/random.js';

beforeEach((context) => needs(context, 'nc', 'python3'));
afterEach(endAll);

/** Orders come back to who sent them, cancels are discarded. */
function start(host: string): Promise<RouterProcess> {
  return startRouter(`${protocolText}
    const wire = udp('wire', { host: '${host}', port: 0, messages: Protocol,
      maxDatagramBytes: 64, receiveBufferBytes: 4 << 20 });
    export default defineRouter({ endpoints: [wire], routes: [
      route.first(Order, () => [otherwise.to(returnTo(source))]),
      route.first(Cancel, () => [otherwise.to(discard)]),
    ] });`);
}

describe.each(['127.0.0.1', '::1'])('on %s', (host) => {
  it('bad datagrams between good ones are counted by what is wrong with them', async () => {
    const router = await start(host);
    const socket = await new Python().udp(host);
    const malformed = [
      Buffer.alloc(0),
      Buffer.alloc(4),
      order(1, 1).subarray(0, 9),
      order(1, 1).subarray(0, 16),
      Buffer.concat([order(1, 1), Buffer.alloc(1)]),
      withSize(order(1, 1), 16),
      withSize(order(1, 1), 0xffffffff),
      withSize(cancel(1), 0),
      withType(cancel(1), 1),
      Buffer.concat([order(1, 1), order(1, 1)]),
    ];
    const unknown = [withType(order(1, 1), 0), withType(cancel(1), 200), Buffer.alloc(64)];
    const tooLong = [Buffer.alloc(65), Buffer.concat([order(1, 1), Buffer.alloc(2000)])];
    tooLong.push(Buffer.alloc(65_000, 1));
    const bad = [...malformed, ...unknown, ...tooLong];
    const good = bad.map((_, index) => order(1, index));
    await socket.send(
      router.port('wire'),
      ...bad.flatMap((datagram, index) => [datagram, good[index] ?? '']),
    );
    expect(await socket.receive(good.length)).toEqual(good);
    await router.counts({
      'rejects.MALFORMED': malformed.length,
      'rejects.UNKNOWN_TYPE': unknown.length,
      'endpoints.wire.rx_truncated': tooLong.length,
      'endpoints.wire.rx_messages': malformed.length + unknown.length + good.length,
      'endpoints.wire.kernel_drops': 0,
      'routes.Order.delivered': good.length,
      'endpoints.wire.tx_messages': good.length,
    });
    expect(await socket.surplus()).toEqual([]);
    expect(await router.stop()).toBe(0);
  });
});

describe('random garbage', () => {
  it('leaves the orders of another sender complete and the router alive', async () => {
    const seed = testSeed();
    const random = new Random(seed);
    const router = await start('127.0.0.1');
    const port = router.port('wire');
    const hostile = await new Python().udp('127.0.0.1');
    const honest = await new Python().udp('127.0.0.1');
    const garbage = () => {
      const start = random.pick([Buffer.alloc(0), order(1, 1), cancel(1)]);
      const bytes = Buffer.from(start.subarray(0, random.below(start.length + 1)));
      const tail = Array.from({ length: random.below(80) }, () => random.below(256));
      return Buffer.concat([bytes, Buffer.from(tail)]);
    };
    const attack = async () => {
      for (let burst = 0; burst < 50; burst++) {
        await hostile.send(port, ...Array.from({ length: 40 }, garbage));
      }
    };
    const trade = async () => {
      for (let id = 1; id <= 200; id++) {
        await honest.send(port, order(id, id));
        expect(await honest.receive(1), `seed ${seed}`).toEqual([order(id, id)]);
      }
    };
    await Promise.all([attack(), trade()]);
    const places = ['rx_messages', 'rx_truncated', 'kernel_drops'];
    const taken = () => router.totals(...places.map((place) => `endpoints.wire.${place}`));
    await expect
      .poll(async () => (await taken()).reduce((sum, each) => sum + each), { timeout: 20_000 })
      .toBe(2200);
    const [received = 0, truncated = 0] = await taken();
    expect(truncated, `seed ${seed}`).toBeGreaterThan(0);
    const fates = ['routes.Order.delivered', 'routes.Cancel.discarded'];
    fates.push('rejects.UNKNOWN_TYPE', 'rejects.MALFORMED');
    const counted = (await router.totals(...fates)).reduce((sum, each) => sum + each);
    expect(counted, `seed ${seed}`).toBe(received);
    expect(await router.stop()).toBe(0);
  });
});

describe('an answer that nobody takes', () => {
  it('harms nobody: its sender had closed its socket, netcat goes on', async () => {
    const router = await start('127.0.0.1');
    const port = router.port('wire');
    const python = new Python();
    const gone = await python.udp('127.0.0.1');
    await gone.send(port, order(1, 1));
    await gone.close();
    await router.counts({ 'endpoints.wire.tx_messages': 1 });
    const nc = netcat('-u', '127.0.0.1', String(port));
    for (let turn = 1; turn <= 20; turn++) {
      const alive = await python.udp('127.0.0.1');
      await alive.send(port, order(2, turn), order(3, turn));
      await alive.close();
      nc.write(order(4, turn));
      const answers = await nc.printsBytes(17 * turn);
      expect(answers.subarray(-17)).toEqual(order(4, turn));
    }
    await router.counts({ 'endpoints.wire.rx_messages': 61, 'routes.Order.delivered': 61 });
  });
});
