// The plug-ins of the example and of the page for their authors: built with the command that stands
// there, started by the command line, met by the vehicles of the example.
import { execFileSync } from 'node:child_process';
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { hyperroute, Running } from '../helpers/cli.js';
import { type ExamplePage, root, writePage } from '../helpers/doc-examples.js';
import { needs } from '../helpers/foreign-programs.js';

let page: ExamplePage | null = null;
let started: Running | null = null;

afterEach(async () => {
  await started?.kill();
  started = null;
  page?.remove();
  page = null;
});

/** The first block of a page in a language. */
function block(path: string, language: string): string {
  const text = readFileSync(join(root, path), 'utf8');
  const found = new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\`$`, 'm').exec(text)?.[1];
  if (found === undefined) throw new Error(`${path}: no block of ${language}`);
  return found;
}

/** The command of a page, without what starts a router. */
function buildCommand(path: string): string {
  return block(path, 'sh').replace(/^npx.*\n/m, '');
}

it('the example sorts positions, hashes them, and refuses what is not sound', async (context) => {
  needs(context, 'python3');
  const readme = 'examples/plugins/README.md';
  page = await writePage(readme, ['examples/plugins/router.config.ts']);
  const { folder } = page;
  copyFileSync(join(root, 'examples/plugins/geo.cc'), join(folder, 'geo.cc'));
  execFileSync('sh', ['-e', '-c', buildCommand(readme)], { cwd: folder });
  const config = join(folder, 'router.config.ts');
  started = new Running(['run', config, '--name', `plugins-${process.pid}`, '--json']);
  expect(await started.next()).toMatchObject({ event: 'started' });
  const script = page.examples.find(({ file }) => file.endsWith('.py'));
  const said = execFileSync('python3', [join(folder, script?.file ?? '')], { encoding: 'utf8' });
  expect(said).toBe(script?.output);
  started.signal('SIGTERM');
  expect(await started.ended()).toBe(0);
}, 60_000);

it('a router whose plug-in is missing does not start, and says which', async () => {
  page = await writePage('examples/plugins/README.md', ['examples/plugins/router.config.ts']);
  const config = join(page.folder, 'router.config.ts');
  expect(await hyperroute(['check', config])).toMatchObject({ code: 0 });
  const { code, stderr } = await hyperroute(['run', config]);
  expect(code).not.toBe(0);
  expect(stderr).toContain('geo.so');
}, 60_000);

it('the plug-in of the page for authors is one', async () => {
  const path = 'docs/plugins.md';
  page = await writePage(path);
  const { folder } = page;
  writeFileSync(join(folder, 'distance.cc'), block(path, 'cpp'));
  execFileSync('sh', ['-e', '-c', buildCommand(path)], { cwd: folder });
  const config = join(folder, 'plugins.config.ts');
  started = new Running(['run', config, '--name', `distance-${process.pid}`, '--json']);
  expect(await started.next()).toMatchObject({ event: 'started' });
  started.signal('SIGTERM');
  expect(await started.ended()).toBe(0);
}, 60_000);
