// Recordings of routers that have run for a while: whose turn it is, what chance has drawn, which
// copies are due and how busy everybody is, all of it is in the state that a recording begins with.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  defineRouter,
  HyperRoute,
  layout,
  lb,
  memory,
  otherwise,
  pool,
  route,
  schema,
  t,
  weighted,
  when,
} from 'hyperroute';
import { afterAll, describe, expect, it } from 'vitest';
import { replayed } from '../helpers/replayed.js';

const folder = mkdtempSync(join(tmpdir(), 'hyperroute-late-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const Job = schema('Job', 1, { kind: t.u8, id: t.u32 }, { layout: layout.packed('le') });

function config() {
  const mode = 'poll' as const;
  const input = memory('in', { messages: Job });
  const [a, b, c] = [memory('a', { mode }), memory('b', { mode }), memory('c', { mode })];
  const copies = memory('copies', { mode });
  const inTurn = pool('inTurn', [a, b, c], lb.roundRobin());
  const scheduled = pool('scheduled', [a, weighted(b, 3), c], lb.weighted());
  const chosen = pool('chosen', [a, b, c], lb.twoChoices());
  const idle = pool('idle', [a, b, c], lb.leastLoaded());
  return defineRouter({
    endpoints: [input, a, b, c, copies],
    threading: 'inline',
    routes: [
      route.first(
        Job,
        (o) => [
          when(o.kind.eq(0)).to(inTurn).tap(copies, { every: 4 }),
          when(o.kind.eq(1)).to(scheduled),
          when(o.kind.eq(2)).to(chosen),
          otherwise.to(idle),
        ],
        { from: input },
      ),
    ],
  });
}

describe('a recording that is begun late', () => {
  it('begins with the state in which the router is then', async () => {
    const path = join(folder, 'late.recording');
    const router = await HyperRoute.start(config());
    let id = 0;
    const send = (count: number): void => {
      for (let left = count; left > 0; left -= 1) {
        const bytes = new Uint8Array(Job.bytesMax);
        Job.encode({ kind: id % 4, id }, bytes);
        id += 1;
        expect(router.memory('in').offer(bytes)).toBeGreaterThan(0);
        router.memory('in').flush();
        while (router.poll() > 0);
        // One of the destinations is slow: the others have less to do.
        if (id % 3 !== 0) router.memory(id % 2 === 0 ? 'a' : 'b').poll(() => undefined);
      }
    };
    // No multiple of any turn.
    send(26);
    const recording = router.record({ path });
    send(200);
    expect(await recording.stop()).toMatchObject({ end: 'stopped', messages: 200, missed: 0 });
    await router.close({ drainTimeoutMs: 0 });
    const result = await replayed(path);
    expect(result).toMatchObject({ ok: true, messages: 200, different: 0 });
    expect(result.destinations.copies?.messages).toBeGreaterThan(10);
    for (const name of ['a', 'b', 'c']) {
      expect(result.destinations[name]?.messages).toBeGreaterThan(20);
    }
  }, 60_000);
});
