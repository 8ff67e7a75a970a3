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
import { checkFields, type Publisher } from './ring-writer.js';

const ringBytes = 1 << 20;
const payloadBytes = 20;
const settleMs = 5_000;

/** How the two sides wait: the worker, then JavaScript. */
export interface Waiting {
  readonly idle: 'spin' | 'block';
  readonly mode: 'poll' | 'wake';
}

/** Starts the router; its worker is pinned to `cpu`. `close()` it when done. */
export async function startEcho({ idle, mode }: Waiting, cpu: number): Promise<HyperRoute> {
  const app = memory('app', { ringBytes, mode, queue: { bytes: ringBytes } });
  const config = defineRouter({
    name: 'js-boundary',
    endpoints: [app],
    routes: [route.first(raw, () => [otherwise.to(returnTo(source))], { from: app })],
    threading: 'shared',
    cpu,
    idle,
    // Time stamps of the router itself are not what is measured here.
    sampleEvery: 0,
  });
  return HyperRoute.start(config);
}

/** Publishes into a running router; `settle()` reads every message back and checks it. */
export async function enginePublisher(cpu: number): Promise<Publisher> {
  const router = await startEcho({ idle: 'spin', mode: 'poll' }, cpu);
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
    publish(a, b, c, d, e) {
      const offset = out.claim(payloadBytes);
      if (offset < 0) throw new Error(`the ring refused a message: ${offset}`);
      const at = offset >>> 2;
      const { words } = out;
      words[at] = a;
      words[at + 1] = b;
      words[at + 2] = c;
      words[at + 3] = d;
      words[at + 4] = e;
      out.commit();
      published++;
    },
    flush: () => out.flush(),
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
