// A running udp endpoint is given blocks, other blocks, and none again: its port and its sender
// stay, and each datagram is read by one rule, whole.
import { createSocket } from 'node:dgram';
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
    const send = (hex: string): Promise<void> =>
      new Promise((resolve, reject) => {
        const done = (error: Error | null): void => (error === null ? resolve() : reject(error));
        socket.send(Buffer.from(hex, 'hex'), port, '127.0.0.1', done);
      });
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
