// Positions of builder calls in a plain Node process: as the configuration loader meets them.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';

const library = pathToFileURL(join(import.meta.dirname, '../../dist/index.js')).href;
const folder = mkdtempSync(join(tmpdir(), 'hyperroute-positions-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('a position', () => {
  it('is exact in a file whose URL has a query, seen through helpers of the package', () => {
    const file = join(folder, 'config file.mjs');
    writeFileSync(
      file,
      `import { defineRouter, discard, otherwise, raw, route, udp } ` +
        `from ${JSON.stringify(library)};\n` +
        `const endpoints = [udp('in', { port: 0 })];\n` +
        `\n` +
        `export default defineRouter({ endpoints,\n` +
        `    routes: [route.first(raw, () => [otherwise.to(discard)])] });\n`,
    );
    const main = join(folder, 'main.mjs');
    writeFileSync(
      main,
      `const at = new URL('config%20file.mjs?fresh=1', import.meta.url);\n` +
        `const { default: ir } = await import(at);\n` +
        `const nodes = [ir.endpoints[0], ir, ir.routes[0], ir.routes[0].rules[0]];\n` +
        `console.log(JSON.stringify(nodes.map((node) => node.position)));\n`,
    );
    const places = JSON.parse(
      execFileSync(process.execPath, [main], { encoding: 'utf8' }),
    ) as object[];
    expect(places).toEqual([
      { file, line: 2, column: 20 },
      { file, line: 4, column: 16 },
      { file, line: 5, column: 20 },
      { file, line: 5, column: 48 },
    ]);
  });
});
