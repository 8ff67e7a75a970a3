// Passes datagrams on between one client and a server, and keeps them as captured.
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { onTestFinished } from 'vitest';
import type { Captured } from './pcap.js';

/** Which no dissector of Wireshark's own claims, as it might those that the system picked. */
const shownPorts = { client: 45_001, server: 45_002 };

export class Tap {
  readonly seen: Captured[] = [];
  readonly #front: Socket = createSocket('udp4');
  readonly #back: Socket = createSocket('udp4');

  /** Open until the test is over. */
  static async open(port: number): Promise<Tap> {
    const tap = new Tap();
    let client = 0;
    tap.#front.on('message', (bytes, { port: from }) => {
      client = from;
      tap.seen.push({ from: shownPorts.client, to: shownPorts.server, bytes });
      tap.#back.send(bytes, port, '127.0.0.1');
    });
    tap.#back.on('message', (bytes) => {
      tap.seen.push({ from: shownPorts.server, to: shownPorts.client, bytes });
      tap.#front.send(bytes, client, '127.0.0.1');
    });
    for (const socket of [tap.#front, tap.#back]) {
      socket.bind(0, '127.0.0.1');
      await once(socket, 'listening');
    }
    onTestFinished(() => {
      tap.#front.close();
      tap.#back.close();
    });
    return tap;
  }

  get port(): number {
    return this.#front.address().port;
  }
}
