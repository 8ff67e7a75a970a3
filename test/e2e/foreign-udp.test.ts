// Datagrams of netcat, socat and Python through a router of its own process.
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { endAll, needs, netcat, socat, socatAddress } from '../helpers/foreign-programs.js';
import { startRouter } from '../helpers/foreign-router.js';
import { Python } from '../helpers/foreign-sockets.js';

beforeEach((context) => needs(context, 'nc', 'socat', 'python3'));
afterEach(endAll);

const hosts = ['127.0.0.1', '::1'];

/** A router that sends every datagram back. */
function echo(host: string) {
  return startRouter(`
    const echo = udp('echo', { host: '${host}', port: 0 });
    export default defineRouter({ endpoints: [echo],
      routes: [route.first(raw, () => [otherwise.to(returnTo(source))])] });`);
}

describe.each(hosts)('a udp endpoint on %s', (host) => {
  it('echoes to netcat and to socat, each what it sent', async () => {
    const router = await echo(host);
    const port = router.port('echo');
    const nc = netcat('-u', host, String(port));
    const peer = socat('-', socatAddress('UDP', host, port));
    let expected = '';
    for (let turn = 0; turn < 20; turn++) {
      expected += `message ${turn}\n`;
      nc.write(`message ${turn}\n`);
      peer.write(`MESSAGE ${turn}\n`);
      await nc.prints(expected);
      await peer.prints(expected.toUpperCase());
    }
    await router.counts({
      'endpoints.echo.rx_messages': 40,
      'endpoints.echo.tx_messages': 40,
      'endpoints.echo.connections': 2,
    });
    expect(await router.stop()).toBe(0);
  });

  it('echoes datagrams of every size, empty ones too, to Python', async () => {
    const router = await echo(host);
    const socket = await new Python().udp(host);
    const sizes = [0, 1, 2, 63, 64, 65, 1472, 2047, 2048];
    const sent = sizes.map((bytes) => Buffer.alloc(bytes, `${bytes};`));
    await socket.send(router.port('echo'), ...sent);
    expect(await socket.receive(sizes.length)).toEqual(sent);
    await router.counts({
      'endpoints.echo.rx_messages': sizes.length,
      'endpoints.echo.tx_messages': sizes.length,
      'endpoints.echo.rx_bytes': sizes.reduce((sum, bytes) => sum + bytes, 0),
    });
  });
});

describe('a udp endpoint with a remote', () => {
  it('sends there what netcat sent elsewhere, in order', async () => {
    const receiver = await new Python().udp('127.0.0.1');
    const router = await startRouter(`
      const inside = udp('inside', { port: 0 });
      const outside = udp('outside', { port: 0,
        remote: { host: '127.0.0.1', port: ${receiver.port} } });
      export default defineRouter({ endpoints: [inside, outside],
        routes: [route.first(raw, () => [otherwise.to(outside)], { from: inside })] });`);
    const nc = netcat('-u', '127.0.0.1', String(router.port('inside')));
    const texts: string[] = [];
    for (let index = 0; index < 50; index++) {
      texts.push(`line ${index}\n`);
      nc.write(`line ${index}\n`);
      expect(await receiver.texts(1)).toEqual(texts.slice(-1));
    }
    expect(await receiver.surplus()).toEqual([]);
  });

  it('routes a burst of several senders, each in its own order', async () => {
    const python = new Python();
    const receiver = await python.udp('::1');
    const router = await startRouter(`
      const inside = udp('inside', { host: '::1', port: 0, receiveBufferBytes: 4 << 20 });
      const outside = udp('outside', { host: '::1', port: 0, receiveBufferBytes: 4 << 20,
        remote: { host: '::1', port: ${receiver.port} } });
      export default defineRouter({ endpoints: [inside, outside],
        routes: [route.first(raw, () => [otherwise.to(outside)], { from: inside })] });`);
    const names = ['a', 'b', 'c', 'd'];
    const sent = new Map(
      names.map((name) => [name, Array.from({ length: 250 }, (_, index) => `${name}${index}`)]),
    );
    const senders = await Promise.all(names.map(() => new Python().udp('::1')));
    await Promise.all(
      senders.map((socket, index) =>
        socket.send(router.port('inside'), ...(sent.get(names[index] ?? '') ?? [])),
      ),
    );
    const received = await receiver.texts(1000);
    for (const name of names) {
      expect(received.filter((text) => text.startsWith(name))).toEqual(sent.get(name));
    }
    expect(await receiver.surplus()).toEqual([]);
  });
});
