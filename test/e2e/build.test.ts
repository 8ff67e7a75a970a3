// scripts/ensure-built.mjs in a small tree of its own: what is out of date is built, once.
import { type ChildProcess, execFile, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const root = join(import.meta.dirname, '../..');

interface Ended {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

describe('ensure-built', () => {
  let tree: string;

  beforeEach(() => {
    tree = mkdtempSync(join(tmpdir(), 'hyperroute-build-'));
    mkdirSync(join(tree, 'lib'));
    for (const name of ['scripts', 'package.json', 'tsconfig.json', 'tsconfig.base.json']) {
      cpSync(join(root, name), join(tree, name), { recursive: true });
    }
    for (const name of ['tsconfig.examples.json', 'tsconfig.bench.json']) {
      cpSync(join(root, name), join(tree, name));
    }
    symlinkSync(join(root, 'node_modules'), join(tree, 'node_modules'), 'dir');
    for (const entry of ['internals', 'cli/main', 'config/worker', 'config/hooks']) {
      mkdirSync(dirname(join(tree, 'lib', entry)), { recursive: true });
      writeFileSync(join(tree, 'lib', `${entry}.ts`), `export const name = '${entry}';\n`);
    }
    writeFileSync(join(tree, 'lib/index.ts'), `export { answer } from './old.js';\n`);
    writeFileSync(join(tree, 'lib/old.ts'), 'export const answer: number = 42;\n');
  });

  afterEach(() => {
    rmSync(tree, { recursive: true, force: true });
  });

  const build = (...args: string[]) => runScript('ensure-built.mjs', ...args);

  async function runScript(name: string, ...args: string[]): Promise<Ended> {
    const { HYPERROUTE_BUILD_LOCKED: _lock, ...env } = process.env;
    const script = join(tree, 'scripts', name);
    const child: ChildProcess = spawn(process.execPath, [script, ...args], { cwd: tree, env });
    let stdout = '';
    let stderr = '';
    child.stdout?.on('data', (chunk: Buffer) => {
      stdout += chunk.toString();
    });
    child.stderr?.on('data', (chunk: Buffer) => {
      stderr += chunk.toString();
    });
    const [status] = (await once(child, 'close')) as [number | null];
    return { status, stdout, stderr };
  }

  /** What the built package exports, loaded afresh. */
  async function answer(): Promise<unknown> {
    const script = `import('./dist/index.js').then((m) => console.log(typeof m.answer, m.answer))`;
    const { stdout } = await promisify(execFile)(process.execPath, ['-e', script], { cwd: tree });
    return stdout.trim();
  }

  it('builds once when two processes ask at the same time, and prints to stderr only', async () => {
    const both = await Promise.all([build('dist'), build('dist')]);
    expect(both.map(({ status }) => status)).toEqual([0, 0]);
    expect(both.map(({ stdout }) => stdout)).toEqual(['', '']);
    const all = both.map(({ stderr }) => stderr).join('');
    expect(all.match(/building dist/g)).toHaveLength(1);
    expect(existsSync(join(tree, 'dist/index.js'))).toBe(true);
  });

  it('does nothing, and says nothing, when all is current', async () => {
    await build('dist');
    expect(await build('dist')).toEqual({ status: 0, stdout: '', stderr: '' });
  });

  it('builds again after an edit, a deleted output or a deleted source', async () => {
    await build('dist');
    writeFileSync(join(tree, 'lib/old.ts'), 'export const answer: number = 43;\n// edited\n');
    expect((await build('dist')).stderr).toContain('building dist');
    expect(await answer()).toBe('number 43');
    rmSync(join(tree, 'dist/index.js'));
    expect((await build('dist')).stderr).toContain('building dist');
    expect(existsSync(join(tree, 'dist/old.d.ts'))).toBe(true);
    expect(existsSync(join(tree, 'dist/chunks/core.js'))).toBe(true);
    writeFileSync(join(tree, 'lib/index.ts'), `export { name as answer } from './cli/main.js';\n`);
    rmSync(join(tree, 'lib/old.ts'));
    expect((await build('dist')).stderr).toContain('building dist');
    expect(existsSync(join(tree, 'dist/old.d.ts'))).toBe(false);
    expect(existsSync(join(tree, 'dist/chunks/core.js'))).toBe(false);
    expect(await answer()).toBe('string cli/main');
  });

  it('fails, and tries again the next time, when a source cannot be compiled', async () => {
    writeFileSync(join(tree, 'lib/index.ts'), 'export const = ;\n');
    for (let attempt = 0; attempt < 2; attempt += 1) {
      const { status, stderr } = await build('dist');
      expect(status).toBe(1);
      expect(stderr).toContain('lib/index.ts');
    }
  });

  it('builds the addon, and the program beside it for `hyperroute build`', async () => {
    const sources = {
      'native/base/answer.cc': 'int answer() { return 42; }\n',
      'native/addon/module.cc': '#include <node_api.h>\nNAPI_MODULE_INIT() { return exports; }\n',
      'bench/native/main.cc': 'int answer();\nint main() { return answer(); }\n',
      'bench/native/codec/main.cc': 'int main() { return 1; }\n',
    };
    for (const [path, text] of Object.entries(sources)) {
      mkdirSync(join(tree, dirname(path)), { recursive: true });
      writeFileSync(join(tree, path), text);
    }
    cpSync(join(root, 'binding.gyp'), join(tree, 'binding.gyp'));
    const addon = join(tree, 'build/Release/hyperroute.node');
    const program = join(tree, 'build/Release/hyperroute-bench');
    expect(await runScript('build-addon.mjs')).toMatchObject({ status: 0, stdout: '' });
    expect([addon, program].map((path) => existsSync(path))).toEqual([true, false]);
    rmSync(addon);
    expect(await runScript('build-addon.mjs', '--program')).toMatchObject({
      status: 0,
      stdout: '',
    });
    expect(existsSync(addon)).toBe(true);
    expect(spawnSync(program).status).toBe(42);
  });

  it('names the targets there are when asked for another', async () => {
    const { status, stderr } = await build('everything');
    expect(status).toBe(2);
    expect(stderr).toContain('dist, addon, bench, sim, bench-codec, bench-links, prebuild');
  });
});
