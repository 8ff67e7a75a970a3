// Blocks through a whole router: held in the middle of a datagram when their destination is full,
// and read by another rule after a reload.
import { createSocket, type Socket } from 'node:dgram';
import {
  type BlocksFraming,
  defineRouter,
  framing,
  HyperRoute,
  memory,
  otherwise,
  raw,
  route,
  udp,
} from 'hyperroute';
import { expect, it } from 'vitest';
import { freePort } from '../helpers/router-lines.js';

const common = { headerBytes: 2, count: { offset: 1, type: 'u8' }, length: 'u8' } as const;
const counted = framing.blocks(common);
const inclusive = framing.blocks({ ...common, includesLength: true });

function sendTo(socket: Socket, port: number, datagram: Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    const done = (error: Error | null): void => (error === null ? resolve() : reject(error));
    socket.send(datagram, port, '127.0.0.1', done);
  });
}

it('messages wait in the middle of a datagram for a destination that is full', async () => {
  const [datagramCount, messagesEach, messageBytes] = [60, 20, 40];
  const port = await freePort();
  const feed = udp('feed', { port, framing: counted, receiveBufferBytes: 4 << 20 });
  // Its ring and its queue hold a tenth of what is sent.
  const queue = { bytes: 8192, full: 'block' } as const;
  const out = memory('out', { mode: 'poll', ringBytes: 4096, queue });
  const config = defineRouter({
    endpoints: [feed, out],
    routes: [route.first(raw, () => [otherwise.to(out)], { from: feed })],
  });
  const router = await HyperRoute.start(config);
  const socket = createSocket('udp4');
  try {
    for (let index = 0; index < datagramCount; index++) {
      const datagram = Buffer.alloc(2 + messagesEach * (1 + messageBytes));
      datagram.writeUInt8(messagesEach, 1);
      for (let block = 0; block < messagesEach; block++) {
        const offset = 2 + block * (1 + messageBytes);
        datagram.writeUInt8(messageBytes, offset);
        datagram.writeUInt32LE(index * messagesEach + block, offset + 1);
      }
      await sendTo(socket, port, datagram);
    }
    const total = datagramCount * messagesEach;
    const received: number[] = [];
    await expect
      .poll(
        () => {
          router.memory('out').poll((batch) => {
            // A few at a time, so that the ring is full again and again.
            for (let taken = 0; taken < 7 && batch.next(); taken++) {
              received.push(batch.view.getUint32(batch.offset, true));
            }
          });
          return received.length;
        },
        { timeout: 20_000, interval: 1 },
      )
      .toBe(total);
    expect(received).toEqual(Array.from({ length: total }, (_, index) => index));
    const report = router.metrics();
    const bytes = total * messageBytes;
    expect(report.endpoints.feed).toMatchObject({ rx_messages: total, rx_bytes: bytes });
    expect(report.endpoints.feed).toMatchObject({ rx_bad_frames: 0, kernel_drops: 0 });
    expect(report.endpoints.out).toMatchObject({ tx_messages: total });
  } finally {
    socket.close();
    await router.close();
  }
});

it('a udp endpoint takes over another framing while it runs', async () => {
  const port = await freePort();
  const config = (rule: BlocksFraming | null) => {
    const feed = udp('feed', { port, ...(rule === null ? {} : { framing: rule }) });
    const out = memory('out', { mode: 'poll' });
    return defineRouter({
      endpoints: [feed, out],
      routes: [route.first(raw, () => [otherwise.to(out)], { from: feed })],
    });
  };
  const router = await HyperRoute.start(config(null));
  const socket = createSocket('udp4');
  try {
    const received: string[] = [];
    const expectMessages = async (wanted: readonly string[]): Promise<void> => {
      await expect
        .poll(() => {
          router.memory('out').poll((batch) => {
            while (batch.next()) received.push(Buffer.from(batch.copy()).toString('hex'));
          });
          return received;
        })
        .toEqual(wanted);
      received.length = 0;
    };
    const send = (hex: string) => sendTo(socket, port, Buffer.from(hex, 'hex'));
    await send('000201aa02bbcc');
    await expectMessages(['000201aa02bbcc']);
    await router.update(config(counted));
    await send('000201aa02bbcc');
    await expectMessages(['aa', 'bbcc']);
    await router.update(config(inclusive));
    await send('000201aa02bbcc');
    await send('000202aa03bbcc');
    await expectMessages(['aa', 'bbcc']);
    await router.update(config(null));
    await send('000201aa02bbcc');
    await expectMessages(['000201aa02bbcc']);
    const { feed } = router.metrics().endpoints;
    expect(feed).toMatchObject({ rx_messages: 6, rx_bad_frames: 1 });
  } finally {
    socket.close();
    await router.close();
  }
});
