// Recordings of routers whose rules ask plug-ins: they are asked again, by the path that they had.
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  defineRouter,
  HyperRoute,
  layout,
  memory,
  otherwise,
  plugin,
  route,
  schema,
  t,
  when,
} from 'hyperroute';
import { afterAll, describe, expect, it } from 'vitest';
import { hyperroute } from '../helpers/cli.js';
import { buildPlugin } from '../helpers/plugin-build.js';
import { replayed } from '../helpers/replayed.js';

const root = join(import.meta.dirname, '../..');
const folder = mkdtempSync(join(tmpdir(), 'hyperroute-recorded-plugins-'));
const library = join(folder, 'answer.so');
const source = readFileSync(join(root, 'test/fixtures/plugin/hostile.cc'), 'utf8');

function compile(text: string): void {
  const path = join(folder, 'answer.cc');
  writeFileSync(path, text);
  rmSync(library, { force: true });
  buildPlugin(path, library);
}

afterAll(() => rmSync(folder, { recursive: true, force: true }));

const Order = schema('Order', 1, { side: t.u8, qty: t.u16 }, { layout: layout.packed() });

async function record(path: string): Promise<void> {
  const input = memory('in', { messages: Order });
  const [yes, no] = [memory('yes'), memory('no')];
  const firm = plugin(library);
  const ir = defineRouter({
    endpoints: [input, yes, no],
    threading: 'inline',
    routes: [
      route.first(Order, (o) => [
        when(firm.match('answer', [o.side], 'field')).to(yes),
        otherwise.to(no),
      ]),
    ],
  });
  const router = await HyperRoute.start(ir, { record: { path } });
  for (const side of [0, 1, 2, 0, 255, 0]) {
    const bytes = new Uint8Array(Order.bytesMax);
    Order.encode({ side, qty: 7 }, bytes);
    expect(router.memory('in').offer(bytes)).toBeGreaterThan(0);
  }
  router.memory('in').flush();
  while (router.poll() > 0);
  await router.close({ drainTimeoutMs: 0 });
}

describe('a recording of a router with plug-ins', () => {
  it('runs none of their code where that is not asked for', async () => {
    compile(source);
    const path = join(folder, 'unasked.recording');
    await record(path);
    const mark = join(folder, 'it-ran');
    // What a stranger's file could name: to open it is to run it.
    compile(
      [
        '#include <cstdio>',
        `__attribute__((constructor)) static void run() { fclose(fopen("${mark}", "w")); }`,
      ].join('\n'),
    );
    const refused = await hyperroute(['replay', path, '--json']);
    expect(refused.code).toBe(1);
    expect(JSON.parse(refused.stdout)).toMatchObject({ ok: false, error: { code: 'ERR_PLUGIN' } });
    expect(existsSync(mark)).toBe(false);
    const loaded = await hyperroute(['replay', path, '--json', '--plugins']);
    expect(loaded.code).toBe(1);
    expect(existsSync(mark)).toBe(true);
  }, 120_000);

  it('is decided again by them, and shows where another one decides otherwise', async () => {
    compile(source);
    const path = join(folder, 'answers.recording');
    await record(path);
    const same = await replayed(path, '--plugins');
    expect(same).toMatchObject({ ok: true, messages: 6, different: 0, end: 'stopped' });
    expect(same.destinations).toMatchObject({ yes: { messages: 3 }, no: { messages: 3 } });

    const answer = 'return static_cast<int64_t>(load_field_value(answer.field, view));';
    expect(source).toContain(answer);
    compile(source.replace(answer, 'return load_field_value(answer.field, view) > 1;'));
    const other = await replayed(path, '--plugins');
    expect(other).toMatchObject({ ok: false, messages: 6, different: 1 });
    expect(other.finished.code).toBe(1);

    rmSync(library);
    const without = await hyperroute(['replay', path, '--json', '--plugins']);
    expect(without.code).toBe(1);
    expect(without.stdout + without.stderr).toContain('ERR_PLUGIN');
  }, 120_000);
});
