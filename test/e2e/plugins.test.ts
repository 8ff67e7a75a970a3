// Plug-ins in a running router: what they decide is done, what they may not answer is rejected and
// counted, and what is no plug-in is refused before anything has changed.
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type Condition,
  defineRouter,
  HyperRoute,
  layout,
  lb,
  memory,
  not,
  or,
  otherwise,
  plugin,
  pool,
  type Refs,
  type RouterIr,
  route,
  schema,
  t,
  validate,
  when,
} from 'hyperroute';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { hyperroute } from '../helpers/cli.js';
import { buildPlugin } from '../helpers/plugin-build.js';

const root = join(import.meta.dirname, '../..');
const folder = mkdtempSync(join(tmpdir(), 'hyperroute-plugins-'));
const library = join(folder, 'hostile.so');
const routers: HyperRoute[] = [];

const packed = { layout: layout.packed('be') };
const Order = schema('Order', 1, { side: t.u8, qty: t.u16, price: t.i32 }, packed);
const Out = schema('Out', 2, { type: t.u8, sum: t.u32, text: t.ascii(4) }, packed);
const Note = schema('Note', 3, { sum: t.u32, flag: t.bool });
type O = Refs<typeof Order>;

const hostileSource = join(root, 'test/fixtures/plugin/hostile.cc');

beforeAll(() => buildPlugin(hostileSource, library), 60_000);
afterAll(() => rmSync(folder, { recursive: true }));
afterEach(async () => {
  for (const router of routers.splice(0)) await router.close();
});

const order = { side: 1, qty: 300, price: -5 };

function encoded(values: Partial<typeof order> = {}): Uint8Array {
  const bytes = new Uint8Array(Order.bytesMax);
  Order.encode({ ...order, ...values }, bytes);
  return bytes;
}

interface Went {
  readonly yes: readonly Uint8Array[];
  readonly no: readonly Uint8Array[];
  readonly rejects: Readonly<Record<string, number>>;
}

/** Sends messages through a router with destinations `yes` and `no`. */
async function went(ir: RouterIr, ...messages: readonly Uint8Array[]): Promise<Went> {
  const router = await HyperRoute.start(ir);
  routers.push(router);
  return send(router, ...messages);
}

function send(router: HyperRoute, ...messages: readonly Uint8Array[]): Went {
  for (const message of messages) expect(router.memory('in').offer(message)).toBeGreaterThan(0);
  router.memory('in').flush();
  while (router.poll() > 0);
  const taken = (name: string): Uint8Array[] => {
    const seen: Uint8Array[] = [];
    router.memory(name).poll((batch) => {
      while (batch.next()) seen.push(new Uint8Array(batch.copy()));
    });
    return seen;
  };
  const { rejects } = router.metrics();
  const some = Object.entries(rejects).filter(([, count]) => count !== 0);
  return { yes: taken('yes'), no: taken('no'), rejects: Object.fromEntries(some) };
}

const mode = 'poll' as const;

function routed(build: (o: O) => Condition, checks: Parameters<typeof validate>[1] | null = null) {
  const source = memory('in', { messages: Order });
  const [yes, no] = [memory('yes', { mode }), memory('no', { mode })];
  return defineRouter({
    endpoints: [source, yes, no],
    threading: 'inline',
    validate: checks === null ? [] : [validate(Order, checks as never)],
    routes: [route.first(Order, (o) => [when(build(o)).to(yes), otherwise.to(no)])],
  });
}

const lib = () => plugin(library);
const sides = [encoded({ side: 0 }), encoded({ side: 1 }), encoded({ side: 255 })];

describe('a match function', () => {
  it('is shown the fields it is named, and decides', async () => {
    const ir = routed((o) => lib().match('answer', [o.side], 'field'));
    const { yes, no } = await went(ir, ...sides);
    expect({ yes, no }).toEqual({ yes: sides.slice(1), no: sides.slice(0, 1) });
  });

  it('stands among other conditions', async () => {
    const ir = routed((o) =>
      or(o.price.gt(100), not(lib().match('answer', [o.side], 'field')), o.side.eq(255)),
    );
    const { yes, no } = await went(ir, ...sides);
    expect({ yes, no }).toEqual({ yes: [sides[0], sides[2]], no: [sides[1]] });
  });

  it('is not asked where an optional field is absent', async () => {
    const Native = schema('Native', 4, { side: t.u8.optional() });
    const source = memory('in', { messages: Native });
    const [yes, no] = [memory('yes', { mode }), memory('no', { mode })];
    const ir = defineRouter({
      endpoints: [source, yes, no],
      threading: 'inline',
      routes: [
        route.first(Native, (o) => [
          when(lib().match('answer', [o.side], '1')).to(yes),
          otherwise.to(no),
        ]),
      ],
    });
    const [absent, there] = [{}, { side: 0 }].map((values) => {
      const bytes = new Uint8Array(Native.sizeOf(values));
      Native.encode(values, bytes);
      return bytes;
    }) as [Uint8Array, Uint8Array];
    expect(await went(ir, absent, there)).toMatchObject({ yes: [there], no: [absent] });
  });
});

describe('a validate function', () => {
  const checked = (answer: string) =>
    routed((o) => o.side.gte(0), ((o: O) => [
      o.qty.lt(60_000).else('QTY'),
      lib().check('answer', [o.side, o.qty], { config: answer, codes: ['ONE', 'TWO'] }),
    ]) as never);

  it('accepts with 0, and rejects with the code of its number', async () => {
    expect((await went(checked('0'), encoded())).yes).toHaveLength(1);
    expect(await went(checked('1'), encoded())).toMatchObject({ yes: [], rejects: { ONE: 1 } });
    expect(await went(checked('2'), encoded())).toMatchObject({ yes: [], rejects: { TWO: 1 } });
  });

  it.each(['3', '255', '4294967295'])(
    'that answers %s has its message rejected',
    async (answer) => {
      const { yes, no, rejects } = await went(checked(answer), encoded(), encoded());
      expect({ yes, no, rejects }).toEqual({ yes: [], no: [], rejects: { PLUGIN_FAULT: 2 } });
    },
  );
});

describe('a transform function', () => {
  function transformed(To: typeof Out | typeof Note, config: string): RouterIr {
    const source = memory('in', { messages: Order });
    const [yes, no] = [memory('yes', { messages: To, mode }), memory('no', { mode })];
    const made = lib().transform('answer', Order, To as typeof Out, {
      config,
      codes: ['FIRST', 'SECOND'],
    });
    return defineRouter({
      endpoints: [source, yes, no],
      threading: 'inline',
      routes: [route.first(Order, () => [otherwise.via(made).to(yes as never)])],
    });
  }

  it('writes the message', async () => {
    const { yes } = await went(transformed(Out, '0'), encoded());
    expect(yes).toEqual([new Uint8Array(9).fill(0xee)]);
  });

  it('cannot change the header that the router writes', async () => {
    const { yes } = await went(transformed(Note, '0'), encoded());
    const header = new Uint8Array(Note.sizeOf({ sum: 0, flag: false }));
    Note.encode({ sum: 0, flag: false }, header);
    expect(yes[0]?.slice(0, 8)).toEqual(header.slice(0, 8));
    expect(yes[0]?.slice(8)).toEqual(new Uint8Array(header.length - 8).fill(0xee));
  });

  it('rejects with the code of its number', async () => {
    expect(await went(transformed(Out, '-1'), encoded())).toMatchObject({ rejects: { FIRST: 1 } });
    expect(await went(transformed(Out, '-2'), encoded())).toMatchObject({ rejects: { SECOND: 1 } });
  });

  it.each([
    ['more bytes than there is room for', '10'],
    ['fewer than the message has', '8'],
    ['a code that there is not', '-3'],
    ['the least number there is', '-2147483648'],
  ])('that answers %s has its message rejected', async (_name, config) => {
    const { yes, rejects } = await went(transformed(Out, config), encoded());
    expect({ yes, rejects }).toEqual({ yes: [], rejects: { PLUGIN_FAULT: 1 } });
  });
});

describe('a pick function', () => {
  function pooled(config: string, panic: 'reject' | 'spread' = 'reject'): RouterIr {
    const source = memory('in', { messages: Order });
    const [yes, no] = [memory('yes', { mode }), memory('no', { mode })];
    const balancing = lb.plugin(lib(), 'answer', { key: [Order.refs.side], config });
    const both = pool('both', [yes, no], balancing, { panic });
    return defineRouter({
      endpoints: [source, yes, no],
      threading: 'inline',
      routes: [route.first(Order, () => [otherwise.to(both as never)])],
    });
  }

  it('names the member', async () => {
    expect(await went(pooled('0'), ...sides)).toMatchObject({ yes: sides, no: [] });
    expect(await went(pooled('1'), ...sides)).toMatchObject({ yes: [], no: sides });
  });

  it('has a word of its own for each pool', async () => {
    const { yes, no } = await went(pooled('-2'), ...sides, ...sides);
    expect([yes.length, no.length]).toEqual([3, 3]);
  });

  it.each(['2', '250', '255', '65536', '4294967295'])(
    'that names member %s of two has its message rejected',
    async (config) => {
      const { yes, no, rejects } = await went(pooled(config, 'spread'), ...sides);
      expect({ yes, no, rejects }).toEqual({ yes: [], no: [], rejects: { PLUGIN_FAULT: 3 } });
    },
  );
});

describe('a library that is not a plug-in', () => {
  const start = (path: string, name = 'answer', config = '0'): Promise<unknown> =>
    HyperRoute.start(routed((o) => plugin(path).match(name, [o.side], config))).then(
      (router) => routers.push(router),
      (error: unknown) => error,
    );

  it('is refused with a code where it is missing, or no library', async () => {
    expect(await start(join(folder, 'none.so'))).toMatchObject({ code: 'ERR_PLUGIN' });
    const text = join(folder, 'text.so');
    writeFileSync(text, 'not a library');
    expect(await start(text)).toMatchObject({ code: 'ERR_PLUGIN' });
    writeFileSync(join(folder, 'empty.cc'), 'int nothing;\n');
    buildPlugin(join(folder, 'empty.cc'), join(folder, 'empty.so'));
    const error = (await start(join(folder, 'empty.so'))) as Error;
    expect(error).toMatchObject({ code: 'ERR_PLUGIN' });
    expect(error.message).toContain('exports no hyperroute_plugin');
  }, 60_000);

  it.each([
    [1, 'no table'],
    [2, 'built for version 2'],
    [3, 'built for version'],
    [4, '257 functions'],
    [5, '4 functions'],
    [6, 'function 1 is incomplete'],
    [7, 'function 1 is incomplete'],
    [8, 'function 2 is incomplete'],
    [9, 'function 3 is incomplete'],
    [10, 'function 0 is incomplete'],
  ])(
    'is refused where its table is wrong in way %i: %s',
    async (way, reason) => {
      const path = join(folder, `hostile-${way}.so`);
      buildPlugin(hostileSource, path, `-DHOSTILE_TABLE=${way}`);
      const error = (await start(path)) as Error;
      expect(error).toMatchObject({ code: 'ERR_PLUGIN' });
      expect(error.message).toContain(reason);
    },
    60_000,
  );

  it('is refused where it has no such function, or makes no instance', async () => {
    const messages = [
      await start(library, 'other'),
      await start(library, 'answer', 'refuse'),
      await start(library, 'answer', 'mute'),
    ].map((error) => (error as Error).message);
    expect(messages[0]).toContain('has no match function other');
    expect(messages[1]).toContain('answer: xxx');
    expect(messages[2]).toContain('answer: no instance');
  });
});

it('explain, simulate and diff decide with the plug-ins, or say that they cannot', async () => {
  const config = (name: string, at: string): string => {
    const file = join(folder, name);
    writeFileSync(
      file,
      `import { defineRouter, layout, memory, otherwise, plugin, route, schema, t, when }
         from '${join(root, 'dist/index.js')}';
       const Order = schema('Order', 1, { side: t.u8 }, { layout: layout.packed('be') });
       const [app, yes, no] = [memory('app', { messages: Order }), memory('yes'), memory('no')];
       const odd = plugin('${at}');
       const isOdd = (o) => odd.match('answer', [o.side], 'field');
       const rules = (o) => [when(isOdd(o)).to(yes), otherwise.to(no)];
       export default defineRouter({
         endpoints: [app, yes, no],
         routes: [route.first(Order, rules, { from: app })],
       });`,
    );
    return file;
  };
  const file = config('plugged.config.mjs', library);
  const messages = join(folder, 'messages.jsonl');
  const line = (side: number) => `{"from":"app","message":{"side":${side}}}\n`;
  writeFileSync(messages, [0, 1, 7].map(line).join(''));
  const explained = await hyperroute(['explain', file, '--message', '{"side":1}', '--json']);
  expect(explained.stderr).toBe('');
  expect(JSON.parse(explained.stdout)).toMatchObject({
    engine: 'native',
    compared: false,
    outcome: 'deliver',
    copies: [{ to: 'yes' }],
  });
  const simulated = await hyperroute(['simulate', file, '--input', messages, '--json']);
  expect(JSON.parse(simulated.stdout)).toMatchObject({
    engine: 'native',
    destinations: { yes: { messages: 2 }, no: { messages: 1 } },
  });
  const missing = config('missing.config.mjs', join(folder, 'missing.so'));
  const input = ['--input', messages, '--json'];
  for (const args of [
    ['simulate', missing],
    ['diff', file, missing],
    ['diff', missing, file],
  ]) {
    const { code, stdout, stderr } = await hyperroute([...args, ...input]);
    expect({ args, code }).toEqual({ args, code: 1 });
    expect(stdout + stderr).toContain('ERR_PLUGIN');
  }
});

it('another plug-in takes the place of one while the router runs', async () => {
  const second = join(folder, 'second.so');
  copyFileSync(library, second);
  const router = await HyperRoute.start(routed((o) => lib().match('answer', [o.side], '1')));
  routers.push(router);
  expect(send(router, encoded())).toMatchObject({ yes: [{}], no: [] });
  await router.update(routed((o) => plugin(second).match('answer', [o.side], '0')));
  expect(send(router, encoded())).toMatchObject({ yes: [], no: [{}] });
  const broken = routed((o) => plugin(join(folder, 'none.so')).match('answer', [o.side]));
  await expect(router.update(broken)).rejects.toMatchObject({ code: 'ERR_PLUGIN' });
  expect(send(router, encoded())).toMatchObject({ yes: [], no: [{}] });
});
