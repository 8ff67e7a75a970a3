// The npm tarball, as users get it: installed into an empty folder without install scripts and
// without a compiler on PATH.
import { execFileSync } from 'node:child_process';
import {
  accessSync,
  constants,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join, posix } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ensureBuilt } from '../../scripts/ensure-built.mjs';
import { which } from '../../scripts/exec.mjs';

const root = join(import.meta.dirname, '../..');
const platform = `${process.platform}-${process.arch}`;
const packSeconds = 600;

/** The oldest glibc that the toolchain of this build may ask for (Debian 12 builds need 2.34). */
const glibcMax = [2, 34] as const;

describe('the npm tarball', () => {
  let folder: string;
  let installed: string;
  let files: readonly string[];
  let env: NodeJS.ProcessEnv;

  const run = (command: string, args: readonly string[], cwd: string, environment = process.env) =>
    execFileSync(command, args, { cwd, env: environment, encoding: 'utf8', stdio: 'pipe' });

  /** What `npx hyperroute …` prints in the folder of the user. */
  const hyperroute = (...args: string[]) =>
    run(process.execPath, [npmCli(), 'exec', '--offline', '--', 'hyperroute', ...args], app(), env);
  const app = () => join(folder, 'app');
  const npmCli = () => join(run('npm', ['root', '--global'], root).trim(), 'npm/bin/npm-cli.js');

  beforeAll(() => {
    const first = which('cmake') === undefined ? ['dist'] : ['dist', 'bench'];
    if (!ensureBuilt(first) || !ensureBuilt(['prebuild'])) {
      throw new Error('the prebuild could not be made');
    }
    folder = mkdtempSync(join(tmpdir(), 'hyperroute-package-'));
    const packed = run('npm', ['pack', '--json', '--pack-destination', folder], root);
    const [report] = JSON.parse(packed) as { filename: string; files: { path: string }[] }[];
    if (report === undefined) throw new Error('npm pack reported nothing');
    files = report.files.map((file) => file.path);

    // PATH holds what npm and Node need to run, and no compiler, make or Python.
    const bin = join(folder, 'bin');
    mkdirSync(bin);
    mkdirSync(app());
    symlinkSync(process.execPath, join(bin, 'node'));
    for (const tool of ['sh', 'env']) symlinkSync(join('/bin', tool), join(bin, tool));
    env = { PATH: bin, HOME: folder };
    writeFileSync(join(app(), 'package.json'), '{"private":true,"type":"module"}');
    install(join(folder, report.filename));
    installed = join(app(), 'node_modules', 'hyperroute');
  }, packSeconds * 1000);

  /** Installs the tarball, with the few dependencies taken from here: the test needs no network. */
  function install(tarball: string): void {
    const { dependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
      dependencies: Record<string, string>;
    };
    const local = join(folder, 'local');
    const specifiers = Object.keys(dependencies).map((name) => {
      cpSync(join(root, 'node_modules', name), join(local, name), { recursive: true });
      return `${name}@file:${join(local, name)}`;
    });
    const flags = ['--ignore-scripts', '--offline', '--no-audit', '--no-fund', '--install-links'];
    run(process.execPath, [npmCli(), 'install', ...flags, ...specifiers, tarball], app(), env);
  }

  afterAll(() => {
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
  });

  it('holds the build, the prebuild, documents and what a source build needs, no more', () => {
    const tops = new Set(files.map((path) => path.split('/')[0]));
    expect([...tops].sort()).toEqual([
      'CHANGELOG.md',
      'CMakeLists.txt',
      'LICENSE',
      'README.md',
      'bench',
      'binding.gyp',
      'dist',
      'docs',
      'examples',
      'lib',
      'native',
      'package.json',
      'prebuilds',
      'scripts',
    ]);
    expect(files).toContain('dist/index.js');
    expect(files).toContain('dist/index.d.ts');
    expect(files).toContain('dist/examples/order-gateway/demo.js');
    expect(files).toContain('dist/bench/main.js');
    expect(files).toContain('scripts/wireshark/raptor.lua');
    expect(files).toContain('scripts/wireshark/raptor_aead.lua');
    expect(files.filter((path) => /\btest\b|_test\.|\.tsbuildinfo$/.test(path))).toEqual([]);
  });

  it('holds what the program beside the engine is built from', () => {
    const list = [join('scripts', 'sources.mjs'), '--program'];
    const sources = run(process.execPath, list, installed, env);
    expect(sources).toBe(run(process.execPath, list, root, env));
    const own = files.filter((path) => path.startsWith('bench/'));
    expect(
      own.filter((path) => !/^bench\/native\/((raptor|route)\/)?\w+\.(cc|h)$/.test(path)),
    ).toEqual([]);
    for (const path of own) {
      const text = readFileSync(join(installed, path), 'utf8');
      for (const [, name = ''] of text.matchAll(/^#include "(.+)"$/gm)) {
        const places = [join(installed, name), join(installed, 'native', name)];
        expect(
          places.some((place) => existsSync(place)),
          `${path}: ${name}`,
        ).toBe(true);
      }
    }
  });

  it('holds a source map only where it holds the source too', () => {
    const maps = files.filter((path) => path.endsWith('.map'));
    const sources = maps.flatMap((path) => {
      const map = JSON.parse(readFileSync(join(installed, path), 'utf8')) as { sources: string[] };
      return map.sources.map((source) => posix.join(posix.dirname(path), source));
    });
    expect(sources).toContain('lib/index.ts');
    expect(sources).toContain('lib/router/hyperroute.ts');
    expect(sources.filter((path) => !files.includes(path))).toEqual([]);
  });

  /** This module of the package and all that it imports at once, as paths in dist/. */
  function loadedBy(entry: string): string[] {
    const found = new Set([entry]);
    for (const path of found) {
      const text = readFileSync(join(installed, 'dist', path), 'utf8');
      for (const [, name] of text.matchAll(/^(?:import|export)\b.*?"(\.{1,2}\/[^"]+)";$/gm)) {
        found.add(posix.join(posix.dirname(path), name ?? ''));
      }
    }
    return [...found].sort();
  }

  it('loads as three files, and the command without the library', () => {
    expect(loadedBy('index.js')).toEqual(['chunks/base.js', 'chunks/core.js', 'index.js']);
    expect(loadedBy('cli/main.js')).toContain('chunks/base.js');
    expect(loadedBy('cli/main.js')).not.toContain('chunks/core.js');
    expect(loadedBy('config/hooks.js')).not.toContain('chunks/core.js');
  });

  it.skipIf(which('cmake') === undefined)('holds the native benches as a program', () => {
    const bench = join(installed, 'prebuilds', platform, 'hyperroute-bench');
    expect(() => accessSync(bench, constants.X_OK)).not.toThrow();
    // It starts here, and refuses what is no bench of its own.
    expect(() => run(bench, ['no-such-bench'], app(), env)).toThrow("no bench 'no-such-bench'");
    // What `ping` and `perf` start is in it too.
    expect(() => run(bench, ['probe'], app(), env)).toThrow('expected ROLE HOST PORT');
  });

  it('has no install script, so that nothing runs on npm install', () => {
    const manifest = JSON.parse(readFileSync(join(installed, 'package.json'), 'utf8')) as {
      scripts: Record<string, string>;
      gypfile: boolean;
    };
    expect(manifest.gypfile).toBe(false);
    expect(Object.keys(manifest.scripts)).not.toEqual(
      expect.arrayContaining([expect.stringMatching(/^(pre|post)?install$|^prepare$/)]),
    );
  });

  it('loads the prebuilt addon with no compiler on PATH', () => {
    const found = ['cc', 'gcc', 'g++', 'c++', 'clang', 'make', 'python3', 'node-gyp'].filter(
      (tool) => (env.PATH ?? '').split(delimiter).some((at) => existsSync(join(at, tool))),
    );
    expect(found).toEqual([]);
    expect(existsSync(join(installed, 'build'))).toBe(false);
    const script = `
      const { native } = await import(${JSON.stringify(join(installed, 'dist/internals.js'))});
      await import('hyperroute');
      console.log(native().abi);`;
    const args = ['--input-type=module', '-e', script];
    expect(run(process.execPath, args, app(), env).trim()).toBe('1');
  });

  it('runs the demo, in which nothing is lost, duplicated or misrouted', () => {
    const summary = JSON.parse(hyperroute('demo', '--json', '--messages', '2000')) as object;
    expect(summary).toMatchObject({ lost: 0, duplicated: 0, misrouted: 0 });
  });

  it('checks a TypeScript configuration that imports it by its name', () => {
    const lines = [
      `import { defineRouter, otherwise, raw, returnTo, route, source, udp } from 'hyperroute';`,
      `const port: number = 0;`,
      `const echo = udp('echo', { port });`,
      `export default defineRouter({`,
      `  name: 'echo',`,
      `  endpoints: [echo],`,
      `  routes: [route.first(raw, () => [otherwise.to(returnTo(source))], { from: echo })],`,
      `});`,
    ];
    writeFileSync(join(app(), 'router.config.ts'), lines.join('\n'));
    const report = JSON.parse(hyperroute('check', '--json', 'router.config.ts')) as object;
    expect(report).toMatchObject({ ok: true, name: 'echo', routeCount: 1 });
  });

  it('says what was tried and what to do when no binary fits', () => {
    const broken = join(folder, 'broken');
    cpSync(app(), broken, { recursive: true });
    rmSync(join(broken, 'node_modules/hyperroute/prebuilds'), { recursive: true });
    const script = `
      const base = ${JSON.stringify(join(broken, 'node_modules/hyperroute/dist'))};
      const { native } = await import(base + '/internals.js');
      try { native(); } catch ({ code, detail, message }) {
        console.log(JSON.stringify({ code, detail, message }));
      }`;
    const output = run(process.execPath, ['--input-type=module', '-e', script], broken, env);
    const error = JSON.parse(output) as {
      code: string;
      message: string;
      detail: { tried: { path: string }[]; fix: string };
    };
    expect(error.code).toBe('ERR_NATIVE_UNAVAILABLE');
    expect(error.detail.tried.length).toBeGreaterThan(0);
    expect(error.message).toContain(error.detail.fix);
    expect(error.message).toContain('prebuilds');
  });

  it('asks for no newer glibc than the documented floor', () => {
    const shipped = join(installed, 'prebuilds', platform);
    for (const name of readdirSync(shipped)) {
      const symbols = run('objdump', ['-T', join(shipped, name)], root);
      const versions = [...symbols.matchAll(/GLIBC_(\d+)\.(\d+)/g)].map(
        ([, major, minor]) => [Number(major), Number(minor)] as const,
      );
      expect(versions.length, name).toBeGreaterThan(0);
      const tooNew = versions.filter(
        ([major, minor]) => major > glibcMax[0] || (major === glibcMax[0] && minor > glibcMax[1]),
      );
      expect(tooNew, name).toEqual([]);
    }
  });
});
