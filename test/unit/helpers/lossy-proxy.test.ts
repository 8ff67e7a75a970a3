// The proxy on sockets: who hears what from whom.
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { LossyProxy, type ProxyOptions, recordedCountMax } from '../../helpers/lossy-proxy.js';

/** A socket that keeps what it receives, and from which port. */
class End {
  readonly texts: string[] = [];
  readonly ports: number[] = [];
  readonly socket: Socket = createSocket('udp4');

  static async open(echoes = false): Promise<End> {
    const end = new End();
    end.socket.on('message', (datagram, { port }) => {
      end.texts.push(datagram.toString());
      end.ports.push(port);
      if (echoes) end.send(`echo of ${datagram}`, port);
    });
    end.socket.bind(0, '127.0.0.1');
    await once(end.socket, 'listening');
    onTestFinished(() => void end.socket.close());
    return end;
  }

  get port(): number {
    return this.socket.address().port;
  }

  send(text: string, port: number): void {
    this.socket.send(text, port, '127.0.0.1');
  }

  async heard(count: number): Promise<void> {
    await expect.poll(() => this.texts.length, { timeout: 10_000, interval: 1 }).toBe(count);
  }
}

async function open(options: Partial<ProxyOptions> = {}): Promise<[LossyProxy, End, End]> {
  const server = await End.open(true);
  const proxy = await LossyProxy.open({ serverPort: server.port, seed: 1, ...options });
  onTestFinished(() => proxy.close());
  return [proxy, server, await End.open()];
}

describe('a lossy proxy', () => {
  it('passes on both ways, and keeps and counts what it saw', async () => {
    const [proxy, server, client] = await open();
    client.send('one', proxy.port);
    await client.heard(1);
    expect(server.texts).toEqual(['one']);
    expect(client.texts).toEqual(['echo of one']);
    expect(client.ports).toEqual([proxy.port]);
    expect(proxy.recorded('up').map(String)).toEqual(['one']);
    expect(proxy.recorded('down').map(String)).toEqual(['echo of one']);
    expect(proxy.counts('up')).toMatchObject({ taken: 1, delivered: 1 });
    expect(proxy.counts('down')).toMatchObject({ taken: 1, delivered: 1 });
  });

  it('keeps clients apart: each has a port of its own towards the server', async () => {
    const [proxy, server, first] = await open();
    const second = await End.open();
    first.send('first', proxy.port);
    second.send('second', proxy.port);
    await first.heard(1);
    await second.heard(1);
    expect(first.texts).toEqual(['echo of first']);
    expect(second.texts).toEqual(['echo of second']);
    expect(new Set(server.ports).size).toBe(2);
  });

  it('gives a client beyond its bound the port of the oldest', async () => {
    const [proxy, server, first] = await open({ clientsMax: 1 });
    first.send('first', proxy.port);
    await first.heard(1);
    const second = await End.open();
    second.send('second', proxy.port);
    await second.heard(1);
    expect(new Set(server.ports).size).toBe(1);
    server.send('for whoever is there', server.ports[0] ?? 0);
    await second.heard(2);
    expect(first.texts.length).toBe(1);
  });

  it('delays each way by itself', async () => {
    const [proxy, , client] = await open({ impairments: { delayMs: 30 } });
    const begin = performance.now();
    client.send('one', proxy.port);
    await client.heard(1);
    expect(performance.now() - begin).toBeGreaterThan(59);
    proxy.impair({ delayMs: 0 }, ['down']);
    client.send('two', proxy.port);
    await client.heard(2);
    expect(proxy.counts('down').delivered).toBe(2);
  });

  it('can be cut in one way and in both, and healed', async () => {
    const [proxy, server, client] = await open();
    proxy.partition(['down']);
    client.send('one', proxy.port);
    await server.heard(1);
    await expect.poll(() => proxy.counts('down').partitioned).toBe(1);
    proxy.partition();
    client.send('two', proxy.port);
    await expect.poll(() => proxy.counts('up').partitioned).toBe(1);
    proxy.heal();
    client.send('three', proxy.port);
    await client.heard(1);
    expect(client.texts).toEqual(['echo of three']);
    expect(server.texts).toEqual(['one', 'three']);
  });

  it('puts datagrams in as if they came from the other end', async () => {
    const [proxy, server, client] = await open();
    expect(() => proxy.inject('up', Buffer.from('nobody'))).toThrow('no client');
    client.send('one', proxy.port);
    await client.heard(1);
    proxy.partition();
    proxy.inject('up', Buffer.from('forged'));
    proxy.inject('down', Buffer.from('forged too'));
    await server.heard(2);
    await client.heard(2);
    expect(server.texts).toEqual(['one', 'forged']);
    expect(server.ports[1]).toBe(server.ports[0]);
    expect(client.texts[1]).toBe('forged too');
    expect(client.ports[1]).toBe(proxy.port);
    expect(proxy.injected).toBe(2);
  });

  it('hears nobody but the server behind it', async () => {
    const [proxy, server, client] = await open();
    client.send('one', proxy.port);
    await client.heard(1);
    const stranger = await End.open();
    stranger.send('not for you', server.ports[0] ?? 0);
    client.send('two', proxy.port);
    await client.heard(2);
    expect(client.texts).toEqual(['echo of one', 'echo of two']);
  });

  it('forgets old datagrams rather than growing', async () => {
    const [proxy, , client] = await open();
    proxy.impair({ loss: 1 });
    for (let sent = 0; sent <= 2 * recordedCountMax; sent += 64) {
      for (let at = 0; at < 64; at++) client.send(String(sent + at), proxy.port);
      const wanted = sent + 64;
      await expect.poll(() => proxy.counts('up').taken, { interval: 1 }).toBe(wanted);
    }
    const kept = proxy.recorded('up').map(String);
    expect(kept.length).toBeLessThanOrEqual(2 * recordedCountMax);
    expect(kept.at(-1)).toBe(String(2 * recordedCountMax + 63));
  });

  it('can be closed twice, and with datagrams under way', async () => {
    const [proxy, server, client] = await open({ impairments: { delayMs: 20 } });
    client.send('one', proxy.port);
    await expect.poll(() => proxy.counts('up').taken, { interval: 1 }).toBe(1);
    proxy.close();
    proxy.close();
    await sleep(40);
    expect(server.texts).toEqual([]);
  });
});
