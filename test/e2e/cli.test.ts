// The command line as its users meet it: processes, exit codes, text and JSON.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hyperroute } from '../helpers/cli.js';

const analysis = ['prove', 'explain', 'simulate', 'diff', 'replay'];
const tools = ['demo', 'stat', 'keys', 'bench', 'build'];
const commands = ['run', 'check', ...analysis, 'schema', ...tools];
let folder = '';

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'hyperroute-cli-'));
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

function file(name: string, lines: readonly string[]): string {
  const path = join(folder, name);
  writeFileSync(path, lines.join('\n'));
  return path;
}

const good = [
  `import { defineRouter, otherwise, raw, returnTo, route, source, udp } from 'hyperroute';`,
  `const echo = udp('echo', { host: '127.0.0.1', port: 0 });`,
  `const open = udp('open', { host: '0.0.0.0', port: 0, exposed: true });`,
  `export default defineRouter({`,
  `  name: 'echo-router',`,
  `  endpoints: [echo, open],`,
  `  routes: [route.first(raw, () => [otherwise.to(returnTo(source))], { from: echo })],`,
  `});`,
];

describe('help', () => {
  it.each([['--help'], ['-h'], ['help']])('of the program is printed by %s', async (flag) => {
    const { code, stdout, stderr } = await hyperroute([flag]);
    expect(code).toBe(0);
    expect(stderr).toBe('');
    for (const name of commands) expect(stdout).toMatch(new RegExp(`^  ${name} +\\w`, 'm'));
  });

  it.each(commands)('of %s names its usage, its options and the exit codes', async (name) => {
    const { code, stdout, stderr } = await hyperroute([name, '--help']);
    expect(code).toBe(0);
    expect(stderr).toBe('');
    expect(stdout).toMatch(new RegExp(`^Usage: hyperroute ${name}\\b`));
    expect(stdout).toMatch(/^ +--json {2,}\w/m);
    expect(stdout).toMatch(/^Exit code: /m);
    expect((await hyperroute(['help', name])).stdout).toBe(stdout);
  });
});

describe('the version', () => {
  const manifest = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  const { version } = JSON.parse(manifest) as { version: string };

  it('is that of the package', async () => {
    expect(await hyperroute(['--version'])).toEqual({
      code: 0,
      stdout: `${version}\n`,
      stderr: '',
    });
    const { stdout } = await hyperroute(['--version', '--json']);
    expect(JSON.parse(stdout)).toEqual({ version, node: process.versions.node });
  });
});

describe('wrong usage', () => {
  it.each([
    ['no command', [], /^Usage: hyperroute COMMAND/],
    ['an unknown command', ['walk'], /unknown command "walk": expected one of run, check, /],
    [
      'an unknown option',
      ['check', '--fast', 'x.ts'],
      /Unknown option '--fast': expected one of --json, /,
    ],
    ['a missing file', ['run'], /expected FILE, received nothing/],
    ['one file of two', ['diff', 'x.ts'], /expected OLD NEW, received x\.ts/],
    ['a file too many', ['check', 'a.ts', 'b.ts'], /unexpected argument "b.ts"/],
    ['an option without its value', ['stat', '--count'], /--count.* argument missing/],
    ['a number that is none', ['stat', '--count', 'ten'], /--count: expected a whole number/],
    [
      'a number out of range',
      ['stat', '--interval', '1'],
      /--interval: .*from 10 to .*received "1"/,
    ],
    ['a name that cannot be a file', ['run', 'x.ts', '--name', '../x'], /--name: expected 1 to 64/],
    ['no orders', ['demo', '--messages', '0'], /--messages: expected a whole number from 1/],
  ])('exits with 2 and says what is wrong: %s', async (_what, args, message) => {
    const { code, stdout, stderr } = await hyperroute(args);
    expect(code).toBe(2);
    expect(stdout).toBe('');
    expect(stderr).toMatch(message);
  });
});

describe('check', () => {
  it('prints what a configuration holds', async () => {
    const { code, stdout, stderr } = await hyperroute(['check', file('good.config.ts', good)]);
    expect(stderr).toBe('');
    expect(code).toBe(0);
    expect(stdout).toMatch(/^ok echo-router {2}/);
    expect(stdout).toMatch(/^echo +udp +raw +127\.0\.0\.1:0$/m);
    expect(stdout).toMatch(/^exposed +open: other hosts can reach them$/m);
  });

  it('warns of rules to endpoints that can only answer', async () => {
    const lines = [
      `import { defineRouter, framing, lb, otherwise, pool, raw } from 'hyperroute';`,
      `import { route, tcp, udp } from 'hyperroute';`,
      `const remote = { host: '127.0.0.1', port: 9999 };`,
      `const from = udp('from', { port: 0 });`,
      `const mute = udp('mute', { port: 0 });`,
      `const sound = udp('sound', { port: 0, remote });`,
      `const listener = tcp.listen('listener', { port: 0, framing: framing.fixed(8) });`,
      `const some = pool('some', [sound, mute], lb.roundRobin());`,
      `export default defineRouter({ endpoints: [from, mute, sound, listener], routes: [`,
      `  route.first(raw, () => [otherwise.to(some)], { from, rejects: listener })] });`,
    ];
    const path = file('mute.config.ts', lines);
    const { code, stdout } = await hyperroute(['check', path]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^no remote +mute, listener: .*NO_DESTINATION$/m);
    const json = await hyperroute(['check', path, '--json']);
    expect(JSON.parse(json.stdout)).toMatchObject({ withoutRemote: ['mute', 'listener'] });
  });

  it('prints it as one JSON value', async () => {
    const path = file('good.config.ts', good);
    const { code, stdout } = await hyperroute(['check', path, '--json']);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toEqual({
      ok: true,
      file: path,
      name: 'echo-router',
      endpoints: [
        { name: 'echo', kind: 'udp', messages: 'raw', address: '127.0.0.1:0', exposed: false },
        { name: 'open', kind: 'udp', messages: 'raw', address: '0.0.0.0:0', exposed: true },
      ],
      schemaCount: 0,
      poolCount: 0,
      transformCount: 0,
      routeCount: 1,
      ruleCount: 1,
      validationCount: 0,
      imageBytes: expect.any(Number),
      threading: 'shared',
      exposed: ['open'],
      keyLogs: [],
      withoutRemote: [],
      rejectCodes: {},
    });
  });

  it('keeps stdout for itself whatever the configuration prints', async () => {
    const path = file('chatty.config.ts', [`console.log('chatty');`, ...good]);
    const { stdout, stderr } = await hyperroute(['check', path, '--json']);
    expect(JSON.parse(stdout)).toHaveProperty('ok', true);
    expect(stderr).toBe('chatty\n');
  });

  it('shows a mistake with its lines and a mark under the column', async () => {
    const lines = good.with(1, `const echo = udp('echo', { host: '127.0.0.1', port: 'http' });`);
    const path = file('bad.config.ts', lines);
    const { code, stdout, stderr } = await hyperroute(['check', path]);
    expect(code).toBe(1);
    expect(stdout).toBe('');
    expect(stderr).toContain(`ERR_CONFIG ${path}:2:14: `);
    expect(stderr).toMatch(/port: expected .*, received "http"/);
    expect(stderr).toContain(`> 2 | ${lines[1]}\n    |              ^\n`);
  });

  it('gives a mistake as JSON with code, option and place', async () => {
    const lines = good.with(1, `const echo = udp('echo', { host: '127.0.0.1', port: 'http' });`);
    const path = file('bad.config.ts', lines);
    const { code, stdout } = await hyperroute(['check', path, '--json']);
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({
      ok: false,
      error: {
        code: 'ERR_CONFIG',
        option: expect.stringContaining('port'),
        expected: expect.stringContaining('65535'),
        place: { file: path, line: 2, column: 14 },
      },
    });
  });

  it('finds a mistake that only the whole configuration shows', async () => {
    const lines = good.with(5, `  endpoints: [echo, open, echo],`);
    const { code, stderr } = await hyperroute(['check', file('twice.config.ts', lines)]);
    expect(code).toBe(1);
    expect(stderr).toMatch(/twice\.config\.ts:\d+:\d+: .*echo/);
  });

  it('reports a file that does not exist', async () => {
    const { code, stderr } = await hyperroute(['check', join(folder, 'nowhere.ts')]);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^ERR_CONFIG_LOAD .*nowhere\.ts: no such file$/m);
  });

  it('colours only where it is told to', async () => {
    const args = ['check', file('good.config.ts', good)];
    const escapeCode = String.fromCharCode(27);
    const plain = await hyperroute(args, { env: { FORCE_COLOR: '1' } });
    expect(plain.stdout).not.toContain(escapeCode);
    const coloured = await hyperroute(args, { env: { NO_COLOR: '', FORCE_COLOR: '1' } });
    expect(coloured.stdout).toContain(escapeCode);
  });
});
