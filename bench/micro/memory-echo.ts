// A router whose memory endpoint gets every message back: the engine's side of js-boundary.
import {
  defineRouter,
  HyperRoute,
  memory,
  otherwise,
  raw,
  returnTo,
  route,
  source,
} from 'hyperroute';
import { batchCount, checkFields, type Publisher } from './ring-writer.js';

const ringBytes = 1 << 20;
const payloadBytes = 20;
const settleMs = 5_000;

/** How the two sides wait, and the CPU of the engine's worker. */
export interface EchoOptions {
  readonly idle: 'spin' | 'block';
  readonly mode: 'poll' | 'wake';
  readonly cpu: number;
}

/** Starts the router. `close()` it when done. */
export async function startEcho({ idle, mode, cpu }: EchoOptions): Promise<HyperRoute> {
  const app = memory('app', { ringBytes, mode, queue: { bytes: ringBytes } });
  const config = defineRouter({
    name: 'js-boundary',
    endpoints: [app],
    routes: [route.first(raw, () => [otherwise.to(returnTo(source))], { from: app })],
    threading: 'shared',
    cpu,
    idle,
  });
  return HyperRoute.start(config);
}

/** Publishes into a running router; `settle()` reads every message back and checks it. */
export async function enginePublisher(options: EchoOptions): Promise<Publisher> {
  const router = await startEcho(options);
  const app = router.memory('app');
  const { out } = app;
  let published = 0;
  let returned = 0;
  const check = (batch: Parameters<Parameters<typeof app.poll>[0]>[0]) => {
    while (batch.next()) {
      const field = (index: number) => batch.view.getUint32(batch.offset + index * 4, true);
      if (batch.length !== payloadBytes) throw new Error(`a message of ${batch.length} bytes`);
      checkFields(field(0), field(1), field(2), field(3), field(4));
      returned++;
    }
  };
  return {
    publish(batches) {
      const { words } = out;
      let number = 0;
      for (let batch = 0; batch < batches; batch++) {
        // A batch that meets the end of the ring comes in two parts.
        for (let left = batchCount; left > 0; left -= out.batchCount) {
          const offset = out.claimBatch(payloadBytes, left);
          if (offset < 0) throw new Error(`the ring refused a batch: ${offset}`);
          const stride = out.batchStride >>> 2;
          const end = (offset >>> 2) + out.batchCount * stride;
          for (let at = offset >>> 2; at < end; at += stride) {
            words[at] = number;
            words[at + 1] = number + 1;
            words[at + 2] = number * 2;
            words[at + 3] = number & 7;
            words[at + 4] = 1_000_000 - number;
            number++;
          }
          out.commit();
        }
        out.flush();
      }
      published += number;
    },
    async settle() {
      const end = performance.now() + settleMs;
      while (returned < published) {
        app.poll(check);
        if (performance.now() > end) {
          throw new Error(`${published - returned} of ${published} messages did not come back`);
        }
      }
    },
    close: () => router.close(),
  };
}
