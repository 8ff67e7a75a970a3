// The header for plug-in authors stands alone: a plug-in compiles with it and nothing else of the
// project, reads what JavaScript encoded and writes what JavaScript decodes. With the sources that
// the documentation names it verifies layouts too.
import { execFileSync, spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { messageFaults } from '../../lib/codes.js';
import { layoutImage } from '../../lib/index.js';
import { NewOrder } from '../helpers/layout-vectors.js';

const root = join(import.meta.dirname, '../..');
const folder = mkdtempSync(join(tmpdir(), 'hyperroute-plugin-'));
const [program, layout, message, answer] = ['program', 'layout', 'message', 'answer'].map((name) =>
  join(folder, name),
) as [string, string, string, string];

const order = {
  id: 41n,
  price: 100,
  qty: 7,
  side: 'sell',
  type: 'limit',
  symbol: 'ABCD',
  ts: 1n,
  text: 'grüße',
  fills: [
    { qty: 3, price: 100 },
    { qty: 4, price: 102 },
  ],
} as const;

function encoded(): Uint8Array {
  const bytes = new Uint8Array(NewOrder.sizeOf(order));
  NewOrder.encode(order, bytes);
  return bytes;
}

function run(bytes: Uint8Array) {
  writeFileSync(message, bytes);
  return spawnSync(program, [layout, message, answer], { encoding: 'utf8' });
}

function compile(source: string, ...more: readonly string[]): void {
  const flags = ['-std=c++20', '-fno-exceptions', '-fno-rtti', '-Wall', '-Wextra', '-Wconversion'];
  const include = ['-I', join(root, 'native/include')];
  execFileSync('g++', [...flags, '-Werror', '-O1', ...include, source, ...more]);
}

beforeAll(() => {
  compile(join(root, 'test/fixtures/plugin/sum_fills.cc'), '-o', program);
  writeFileSync(layout, layoutImage(NewOrder));
}, 60_000);

afterAll(() => rmSync(folder, { recursive: true }));

test('a plug-in reads a message of JavaScript and answers with one', () => {
  const { status, stdout } = run(encoded());
  expect({ status, stdout }).toEqual({ status: 0, stdout: '41 ABCD 708 grüße\n' });
  expect(NewOrder.decode(new Uint8Array(readFileSync(answer)))).toEqual({
    ...{ id: 42n, price: 0, qty: 0, side: 'buy', type: 'market', symbol: 'ABCD', ts: 0n },
    ...{ text: '', fills: [{ qty: 0, price: 708 }] },
  });
});

test('a plug-in gets the fault of a message that is none', () => {
  const bytes = encoded();
  bytes[7] = (bytes[7] ?? 0) ^ 1;
  expect(run(bytes).status).toBe(messageFaults.WRONG_SCHEMA);
  expect(run(bytes.slice(0, 20)).status).toBe(messageFaults.WRONG_SCHEMA);
  expect(run(encoded().slice(0, 20)).status).toBe(messageFaults.TRUNCATED);
});

/** The first block of the page for plug-in authors that starts so. */
function example(language: string, start: string): string {
  const page = readFileSync(join(root, 'docs/plugins-messages.md'), 'utf8');
  const fence = new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\`$`, 'gm');
  const blocks = [...page.matchAll(fence)].map(([, text = '']) => text);
  const found = blocks.find((text) => text.startsWith(start));
  if (found === undefined) throw new Error(`no ${language} block that starts with ${start}`);
  return found;
}

test('the example for plug-in authors compiles with the header alone', () => {
  const source = join(folder, 'example.cc');
  writeFileSync(source, example('cpp', '#include <hyperroute/message.h>'));
  const object = join(folder, 'example.o');
  compile(source, '-c', '-o', object);
  expect(existsSync(object)).toBe(true);
}, 60_000);

test('the command for plug-in authors makes a program that loads a layout and reads', () => {
  mkdirSync(join(folder, 'node_modules'));
  symlinkSync(root, join(folder, 'node_modules/hyperroute'));
  // Its TypeScript has no types in it.
  writeFileSync(join(folder, 'order-layout.mjs'), example('ts', '// order-layout.ts'));
  execFileSync(process.execPath, ['order-layout.mjs'], { cwd: folder });
  writeFileSync(join(folder, 'program.cc'), example('cpp', '// program.cc'));
  execFileSync('sh', ['-e', '-c', example('sh', 'native=')], { cwd: folder });
  const start = () => spawnSync('./program', [], { cwd: folder, encoding: 'utf8' });
  expect(start()).toMatchObject({ status: 0, stdout: '7 hello\n' });
  const path = join(folder, 'order.layout');
  const image = readFileSync(path);
  image[100] = (image[100] ?? 0) ^ 1;
  writeFileSync(path, image);
  const damaged = start();
  expect(damaged.status).toBe(1);
  expect(damaged.stderr).toContain('check sum');
}, 60_000);
