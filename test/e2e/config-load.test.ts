// The loader runs the built package's worker; every configuration here is a real file.
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadConfig } from '../../lib/config/load.js';
import { HyperRouteError } from '../../lib/errors.js';

let folder = '';

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'hyperroute-load-'));
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Writes a file below the test's folder and returns its path. */
function file(name: string, lines: readonly string[]): string {
  const path = join(folder, name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, lines.join('\n'));
  return path;
}

/** The error that loading `path` ends with. */
async function failure(path: string, timeoutMs = 10_000): Promise<HyperRouteError> {
  const error = await loadConfig(path, { timeoutMs, output: new PassThrough().resume() }).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error instanceof HyperRouteError) return error;
  throw new Error(`expected a HyperRouteError, got ${error}`);
}

const router = (name: string) => [
  `export default defineRouter({`,
  `  name: ${name},`,
  `  endpoints: [echo],`,
  `  routes: [route.first(raw, () => [otherwise.to(returnTo(source))], { from: echo })],`,
  `});`,
];

const head = [
  `import { defineRouter, otherwise, raw, returnTo, route, source, udp } from 'hyperroute';`,
  `const echo = udp('echo', { host: '127.0.0.1', port: 0 });`,
];

describe('a configuration that is right', () => {
  it('comes back as checked plain data from TypeScript outside any node_modules', async () => {
    const path = file('right.config.ts', [
      ...head,
      `interface Named { readonly name: string }`,
      `const named: Named = { name: 'typed' } satisfies Named;`,
      ...router('named.name as string'),
    ]);
    const { ir, file: loaded } = await loadConfig(path);
    expect(loaded).toBe(path);
    expect(ir.name).toBe('typed');
    expect(ir.endpoints.map(({ name, kind }) => [name, kind])).toEqual([['echo', 'udp']]);
    expect(ir.routes).toHaveLength(1);
  });

  it.each(['mts', 'js', 'mjs'])('may be a .%s file', async (extension) => {
    const path = file(`kinds/router.${extension}`, [...head, ...router(`'${extension}'`)]);
    expect((await loadConfig(path)).ir.name).toBe(extension);
  });

  it('may be a .js module in a folder whose package.json does not say so', async () => {
    file('plain/package.json', [`{ "name": "plain" }`]);
    const path = file('plain/router.js', [...head, ...router(`'plain'`)]);
    expect((await loadConfig(path)).ir.name).toBe('plain');
  });

  it.each(['./names.ts', './names.js'])('imports a second TypeScript file as %s', async (name) => {
    file('two/names.ts', [`export const name: string = 'second' as const;`]);
    const path = file(`two/router.config.ts`, [
      `import { name } from '${name}';`,
      ...head,
      ...router('name'),
    ]);
    expect((await loadConfig(path)).ir.name).toBe('second');
  });

  it('sees a dependency that changed since the last load', async () => {
    const path = file('fresh/router.config.ts', [
      `import { name } from './names.ts';`,
      ...head,
      ...router('name'),
    ]);
    const names: string[] = [];
    for (const name of ['first', 'second', 'third']) {
      file('fresh/names.ts', [`export const name: string = '${name}';`]);
      names.push((await loadConfig(path)).ir.name);
    }
    expect(names).toEqual(['first', 'second', 'third']);
  });

  it('reads the environment and prints to the given output, not to stdout', async () => {
    const path = file('print.config.ts', [
      ...head,
      `console.log('loading', process.env.HOME !== undefined);`,
      `process.env.HYPERROUTE_LEAK = '1';`,
      ...router(`'print'`),
    ]);
    const output = new PassThrough();
    await loadConfig(path, { output });
    output.end();
    expect(await text(output)).toBe('loading true\n');
    expect(process.env.HYPERROUTE_LEAK).toBeUndefined();
  });

  it('leaves no thread behind, however often it is loaded', async () => {
    const path = file('often.config.ts', [
      ...head,
      `setInterval(() => {}, 1000);`,
      ...router(`'often'`),
    ]);
    await loadConfig(path);
    const before = readdirSync('/proc/self/task').length;
    for (let turn = 0; turn < 10; turn++) await loadConfig(path);
    expect(readdirSync('/proc/self/task').length).toBeLessThan(before + 10);
  });
});

describe('a configuration that is wrong', () => {
  const cases: readonly [string, readonly string[], number, number, RegExp][] = [
    [
      'a TypeScript enum, which stripping cannot remove',
      [...head, `const s = "😀é\t"; enum Side { Buy }`, ...router(`'x'`)],
      3,
      19,
      /enum is not supported in strip-only mode: types are only removed/,
    ],
    ['a TypeScript syntax error', [...head, `const port: number = ;`], 3, 22, /SyntaxError/],
    [
      'an error thrown behind multi-line types',
      [...head, `type T = {`, `  a: 'é';`, `};`, `const x: T = { a: 'é' }; throw new Error(x.a);`],
      6,
      32,
      /Error: é/,
    ],
    [
      'an import of a file that does not exist',
      [`import { a } from './nowhere.ts';`, ...head],
      1,
      19,
      /Cannot find module/,
    ],
    [
      'an import of a name that does not exist',
      [...head, `import { nothing } from 'hyperroute';`],
      3,
      10,
      /does not provide an export named 'nothing'/,
    ],
    ['no default export', [...head], 1, 1, /no default export: expected `export default/],
    ['a default export that is no router', [`export default 7;`], 1, 1, /the default export is 7/],
    ['process.exit', [...head, `process.exit(0);`], 3, 9, /must not end the process/],
    ['a thrown string', [`throw 'no port';`], 1, 1, /the configuration threw "no port"/],
    [
      'a promise nobody handles',
      [`await new Promise(() => { Promise.reject(new Error('late')); });`],
      1,
      42,
      /Error: late/,
    ],
  ];

  it.each(cases)('names the place of %s', async (what, lines, line, column, message) => {
    const path = file(`wrong/${what.replaceAll(/\W/g, '-')}.config.ts`, lines);
    const error = await failure(path);
    expect(error.message).toMatch(message);
    expect(error.code).toBe('ERR_CONFIG_LOAD');
    expect(error.detail).toMatchObject({ place: { file: path, line, column } });
    expect(error.message).toContain(`${path}:${line}:${column}: `);
  });

  it('names from where the functions were called in which the error lies', async () => {
    const inner = file('helpers/conditions.ts', [
      `export const large = (o) => o.qty.gt(-1);`,
      `export const odd = () => { throw new Error('odd'); };`,
    ]);
    const path = file('calls.config.ts', [
      `import { discard, route, schema, t, when } from 'hyperroute';`,
      `import { large, odd } from './helpers/conditions.ts';`,
      `const Order = schema('Order', 1, { qty: t.u32 });`,
      `if (process.env.HYPERROUTE_TEST_ODD === '1') odd();`,
      `export default route.first(Order, (o) => [when(large(o)).to(discard)]);`,
    ]);
    const calledFrom = (line: number, column: number) => [{ file: path, line, column }];
    expect((await failure(path)).detail).toMatchObject({
      place: { file: inner, line: 1 },
      calledFrom: calledFrom(5, 48),
    });
    process.env.HYPERROUTE_TEST_ODD = '1';
    const odd = await failure(path).finally(() => delete process.env.HYPERROUTE_TEST_ODD);
    expect(odd).toMatchObject({ code: 'ERR_CONFIG_LOAD' });
    expect(odd.detail).toMatchObject({
      place: { file: inner, line: 2 },
      calledFrom: calledFrom(4, 46),
    });
    expect(odd.message).toMatch(/Error: odd \(called from .*calls\.config\.ts:4:46\)$/);
  });

  it('names the place in the imported file the error lies in', async () => {
    const inner = file('inner/venues.ts', [`export const a: number = 1;`, `  null!.b;`]);
    const path = file('inner/router.config.ts', [`import { a } from './venues.ts';`, ...head]);
    expect((await failure(path)).detail).toMatchObject({
      place: { file: inner, line: 2, column: 9 },
    });
  });

  it('names the place of a syntax error in plain JavaScript', async () => {
    const path = file('inner/broken.mjs', [`const a = 1;`, `  const = 2;`]);
    expect((await failure(path)).detail).toMatchObject({
      place: { file: path, line: 2, column: 9 },
    });
  });

  it('keeps the code, the option and the place of a mistake in an option', async () => {
    const path = file('option.config.ts', [
      head[0] ?? '',
      `const unused: string = 'x';`,
      `  const echo = udp('echo', { host: '127.0.0.1', port: 70000 });`,
      ...router(`'option'`),
    ]);
    const error = await failure(path);
    expect(error.code).toBe('ERR_CONFIG');
    expect(error.message).toMatch(/port.*65535.*70000/);
    expect(error.detail).toMatchObject({
      received: 70000,
      place: { file: path, line: 3, column: 16 },
    });
  });

  it('does not exist, is a folder or has another extension', async () => {
    expect((await failure(join(folder, 'nowhere.ts'))).message).toMatch(/no such file/);
    expect((await failure(folder)).message).toMatch(/not a file/);
    expect((await failure(file('router.json', ['{}']))).message).toMatch(/\*\.ts, \*\.mts/);
  });
});

describe('a configuration that does not finish', () => {
  it.each([
    ['loops', `for (;;) {}`],
    ['waits with a timer running', `setInterval(() => {}, 1000); await new Promise(() => {});`],
  ])('is ended at the time limit when it %s', async (what, line) => {
    const error = await failure(file(`hang-${what.length}.config.ts`, [line]), 1000);
    expect(error.code).toBe('ERR_CONFIG_TIMEOUT');
    expect(error.message).toMatch(/still running after 1000 ms/);
  });

  it('is reported when it awaits what cannot happen', async () => {
    const error = await failure(file('never.config.ts', [`await new Promise(() => {});`]), 5000);
    expect(error.message).toMatch(/awaits what cannot happen|still running after/);
  });

  it('is ended by the signal of the caller', async () => {
    const path = file('abort.config.ts', [`for (;;) {}`]);
    const signal = AbortSignal.timeout(300);
    await expect(loadConfig(path, { signal })).rejects.toHaveProperty('name', 'TimeoutError');
  });

  it('refuses a time limit that is none', async () => {
    await expect(loadConfig('x.ts', { timeoutMs: 0 })).rejects.toThrow(/timeoutMs/);
  });
});
