// Every example of the documentation compiles, is accepted, runs, and prints what its page says.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { hyperroute, Running } from '../helpers/cli.js';
import { type ExamplePage, examplesOf, root, writePage } from '../helpers/doc-examples.js';
import { endAll, needs } from '../helpers/foreign-programs.js';

const pages: readonly (readonly [page: string, ...more: string[]])[] = [
  ['README.md'],
  ['docs/guide.md'],
  ['docs/endpoints.md'],
  ['docs/raptor.md'],
  ['docs/configuration.md'],
  ['docs/failover.md'],
  ['docs/messages.md'],
  ['docs/plugins.md'],
  ['docs/live-change.md'],
  ['docs/tools.md'],
  ['docs/plugins-messages.md'],
  ['docs/wire-format.md'],
  ['docs/evolution.md'],
  ['docs/foreign-formats.md'],
  ['examples/order-gateway/README.md', 'examples/order-gateway/router.config.ts'],
];
const tsc = join(root, 'node_modules/typescript/bin/tsc');
const patienceMs = 60_000;
let started: Running | null = null;

afterEach(async () => {
  await started?.kill();
  started = null;
  await endAll();
});

interface Ended {
  readonly code: number | null;
  readonly output: string;
  readonly complaint: string;
}

/** Runs a program to its end; one that does not come to it is ended. */
async function runToEnd(program: string, args: readonly string[], cwd: string): Promise<Ended> {
  const child = spawn(program, args, { cwd, stdio: ['ignore', 'pipe', 'pipe'] });
  const timer = setTimeout(() => child.kill('SIGKILL'), patienceMs / 2);
  let output = '';
  let complaint = '';
  child.stdout.on('data', (bytes: Buffer) => {
    output += bytes.toString();
  });
  child.stderr.on('data', (bytes: Buffer) => {
    complaint += bytes.toString();
  });
  const [code] = (await once(child, 'close')) as [number | null];
  clearTimeout(timer);
  return { code, output, complaint };
}

describe.each(pages)('%s', (path, ...more) => {
  const text = readFileSync(join(root, path), 'utf8');
  const blocks = examplesOf(text, 'router.config.ts');
  const named = (ending: string) => blocks.filter(({ file }) => file.endsWith(ending));
  const configs = named('.config.ts').map(({ file }) => file);
  const programs = named('.ts').filter(({ file }) => !configs.includes(file));
  const scripts = named('.py');
  let page: ExamplePage;

  beforeAll(async () => {
    page = await writePage(path, more);
  });

  afterAll(() => page.remove());

  it('names the file of every block of TypeScript, so that none goes untried', () => {
    expect(named('.ts')).toHaveLength([...text.matchAll(/^```ts/gm)].length);
  });

  it('compiles and runs', { timeout: 2 * patienceMs }, async () => {
    const checked = await runToEnd(process.execPath, [tsc, '-p', page.folder], page.folder);
    expect(checked).toEqual({ code: 0, output: '', complaint: '' });
    for (const { file, output } of programs) {
      const compiled = join(page.compiled, file.replace(/\.ts$/, '.js'));
      const ended = await runToEnd(process.execPath, [compiled], page.folder);
      expect(ended, file).toMatchObject({ code: 0, complaint: '' });
      if (output !== null) expect(ended.output, file).toBe(output);
    }
  });

  it.each(configs)('has a configuration that is right: %s', async (file) => {
    const { code, stderr } = await hyperroute(['check', join(page.folder, file)]);
    expect(stderr).not.toMatch(/^ERR_/m);
    expect(code).toBe(0);
  });

  it.for(scripts)('$file meets the router that it is for', async (script, context) => {
    needs(context, 'python3');
    const { file, config, output } = script;
    const name = `docs-${process.pid}`;
    started = new Running(['run', join(page.folder, config ?? ''), '--name', name, '--json']);
    expect(await started.next()).toMatchObject({ event: 'started' });
    const ended = await runToEnd('python3', [join(page.folder, file)], page.folder);
    expect(ended).toMatchObject({ code: 0, complaint: '' });
    if (output === null) expect(ended.output).not.toBe('');
    else expect(ended.output).toBe(output);
    started.signal('SIGTERM');
    expect(await started.ended()).toBe(0);
  });
});
