// What pools and taps have counted goes on through updates: if it began anew with each of them,
// frequent ones would shift the shares of members and of samples.
import {
  defineRouter,
  HyperRoute,
  layout,
  lb,
  memory,
  otherwise,
  pool,
  type RouterIr,
  route,
  schema,
  t,
  when,
} from 'hyperroute';
import { afterEach, expect, it } from 'vitest';
import { eventually } from '../helpers/router-lines.js';

const packed = { layout: layout.packed('le') };
const Tick = schema('Tick', 1, { number: t.u32 }, packed);
const every = 10;
const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

interface Shape {
  /** Ticks from here on go elsewhere. */
  readonly limit: number;
  readonly pools?: 1 | 2;
}

function configOf({ limit, pools = 1 }: Shape): RouterIr {
  const end = (name: string) => memory(name, { messages: Tick });
  const [input, a, b, c, tap, high] = [
    ...[end('in'), end('a'), end('b')],
    ...([end('c'), end('tap'), end('high')] as const),
  ];
  if (!input || !a || !b || !c || !tap || !high) throw new Error('six ends');
  const members = [a, b, c];
  const others = pools === 2 ? pool('others', [high, a], lb.roundRobin()) : high;
  return defineRouter({
    endpoints: [input, a, b, c, tap, high],
    routes: [
      route.first(
        Tick,
        (tick) => [
          when(tick.number.gte(limit)).to(others),
          otherwise.to(pool('venues', members, lb.roundRobin())).tap(tap, { every }),
        ],
        { from: input },
      ),
    ],
  });
}

/** Sends one tick after the other, with an update between any two; returns where each went. */
async function run(count: number, shapeAt: (index: number) => Shape) {
  const router = await HyperRoute.start(configOf(shapeAt(0)));
  cleanups.push(() => router.close({ drainTimeoutMs: 0 }));
  const places: string[] = [];
  let tapped = 0;
  for (const name of ['a', 'b', 'c']) {
    router.memory(name).subscribe((batch) => {
      while (batch.next()) places.push(name);
    });
  }
  router.memory('tap').subscribe((batch) => {
    while (batch.next()) tapped += 1;
  });
  for (let index = 0; index < count; index++) {
    const bytes = new Uint8Array(Tick.bytesMax);
    Tick.encode({ number: index }, bytes);
    expect(router.memory('in').offer(bytes)).toBeGreaterThan(0);
    await eventually(`tick ${index}`, () => places.length > index);
    await router.update(configOf(shapeAt(index + 1)));
  }
  await eventually('the samples', () => tapped >= 1);
  return { places: places.join(''), tapped };
}

it('goes on where rules change', async () => {
  const shape = (index: number): Shape => ({ limit: 1000 + index });
  expect(await run(30, shape)).toEqual({ places: 'abc'.repeat(10), tapped: 3 });
});

it('begins anew in turn with other pools, and taps go on', async () => {
  const shape = (index: number): Shape => ({
    limit: 1000,
    pools: index % 2 === 0 ? 1 : 2,
  });
  expect(await run(6, shape)).toEqual({ places: 'aaaaaa', tapped: 1 });
});
