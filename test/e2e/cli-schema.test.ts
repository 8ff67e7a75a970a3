// `hyperroute schema` as its users meet it: files, tables, JSON, exit codes.
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { schemaFromJson } from '../../lib/index.js';
import { hyperroute } from '../helpers/cli.js';

let folder = '';

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'hyperroute-schema-'));
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

function file(name: string, lines: readonly string[]): string {
  const path = join(folder, name);
  writeFileSync(path, lines.join('\n'));
  return path;
}

const head = `import { layout, schema, t, union } from 'hyperroute';`;
const order = [
  `export const Order = schema('Order', 7, {`,
  `  id: t.u64, side: t.enum('buy', 'sell'), tag: t.string.max(32).optional(),`,
  `  lot: t.u16.default(5), fills: t.group({ qty: t.u32, price: t.decimal(4) }).max(16) });`,
];
const good = [
  head,
  `interface Unused { readonly a: string }`,
  ...order,
  `export const OrderV2 = Order.extend({ venue: t.u16.default(0) }, { remove: ['tag'] });`,
  `const A = schema('A', 1, { size: t.u16, type: t.u8, x: t.bits(3), y: t.bits(5), rest: t.rest },`,
  `  { layout: layout.packed('be') });`,
  `export const wire = union('Wire', { type: 'type', size: 'size' }, [A]);`,
  `export const answer = 42;`,
];

async function schemaJson(path: string, name: string): Promise<string> {
  const { stdout, code } = await hyperroute(['schema', 'print', path, name, '--json']);
  expect(code).toBe(0);
  return stdout;
}

describe('schema print', () => {
  it('shows every field of every schema and union with its place', async () => {
    const { code, stdout, stderr } = await hyperroute(['schema', 'print', file('p.ts', good)]);
    expect(stderr).toBe('');
    expect(code).toBe(0);
    expect(stdout).toMatch(/^union Wire: A {2}\(export wire\)$/m);
    expect(stdout).toMatch(/^Order {2}template id 7 {2}native, version 1$/m);
    expect(stdout).toMatch(/^Order \(export OrderV2\) {2}template id 7 {2}native, version 2$/m);
    expect(stdout).toMatch(/^header 8 bytes, then the fixed part; in all 48 to /m);
    expect(stdout).toMatch(/^field +type +need +id +offset +bytes +since$/m);
    expect(stdout).toMatch(/^tag +string ≤ 32 +optional +3 +16 +8 +1$/m);
    expect(stdout).toMatch(/^tag +string ≤ 32 +removed +3 +16 +8 +1$/m);
    expect(stdout).toMatch(/^lot +u16 += 5 +4 +32 +2 +1$/m);
    expect(stdout).toMatch(/^side +enum \(u8\): buy 0, sell 1 +required +2 +34 +1 +1$/m);
    expect(stdout).toMatch(/^fills\[\] {2}16 bytes an entry$/m);
    expect(stdout).toMatch(/^4 to 65,535 bytes; type field type, size field size$/m);
    expect(stdout).toMatch(/^x +bits\(3\) << 5 +required +3 +3 +1 +1$/m);
  });

  it.each([
    ['an export', 'OrderV2', [/version 2/], [/version 1/, /^A /m]],
    ['a union', 'Wire', [/^A /m], [/^Order/m]],
  ])('shows one of them by the name of %s', async (_what, name, wanted, unwanted) => {
    const { code, stdout } = await hyperroute(['schema', 'print', file('n.ts', good), name]);
    expect(code).toBe(0);
    for (const pattern of wanted) expect(stdout).toMatch(pattern);
    for (const pattern of unwanted) expect(stdout).not.toMatch(pattern);
  });

  it('prints canonical JSON, a schema a line, that loads again and can be printed', async () => {
    const { stdout } = await hyperroute(['schema', 'print', file('j.ts', good), '--json']);
    const lines = stdout.trimEnd().split('\n');
    const schemas = lines.map((line) => schemaFromJson(JSON.parse(line)));
    expect(schemas.map(({ name, model }) => [name, model.version])).toEqual([
      ['Order', 1],
      ['Order', 2],
      ['A', 1],
    ]);
    const again = await hyperroute(['schema', 'print', file('j.jsonl', lines), '--json']);
    expect(again.stdout).toBe(stdout);
  });
});

describe('schema sizes', () => {
  it('shows least and most bytes, shares and padding', async () => {
    const path = file('s.ts', good);
    const { code, stdout } = await hyperroute(['schema', 'sizes', path, 'OrderV2']);
    expect(code).toBe(0);
    expect(stdout).toMatch(
      /^least 48 {3}written, all variable fields empty 56 {3}most \d+ bytes$/m,
    );
    expect(stdout).toMatch(/^fixed part: 48 bytes$/m);
    expect(stdout).toMatch(/^id +8 +16\.7 %$/m);
    expect(stdout).toMatch(/^tag \(removed\) +8 +16\.7 % +32$/m);
    expect(stdout).toMatch(/^\(presence bits\) +4 +8\.3 %$/m);
    expect(stdout).toMatch(/^\(padding\) +15 +31\.3 %$/m);
    expect(stdout).toMatch(/^fills\[\], an entry: 16 bytes$/m);
  });

  it('prints JSON in which the parts make the whole', async () => {
    const { stdout } = await hyperroute(['schema', 'sizes', file('sj.ts', good), '--json']);
    for (const line of stdout.trimEnd().split('\n')) {
      const { blocks } = JSON.parse(line);
      for (const { bytes, fields, presenceBytes, paddingBytes } of blocks) {
        const taken = fields.reduce((sum: number, each: { bytes: number }) => sum + each.bytes, 0);
        expect(taken + presenceBytes + paddingBytes).toBe(bytes);
      }
    }
  });
});

describe('schema diff', () => {
  const old = [head, ...order];
  const next = [
    ...[head, ...order.map((line) => line.replace('export const Order', 'const Order'))],
    `export const Newest = Order.extend({}, { symbols: { side: { short: 2 } } });`,
  ];

  it('says what changed and who can read whose messages', async () => {
    const args = ['schema', 'diff', file('old.ts', old), file('new.ts', next)];
    const { code, stdout, stderr } = await hyperroute(args);
    expect(stderr).toBe('');
    expect(code).toBe(0);
    expect(stdout).toMatch(/^Order {2}version 1 → 2 {2}BACKWARD {2}BACKWARD holds$/m);
    expect(stdout).toMatch(/^ {2}BACKWARD {2}Order\.side has a new symbol, short \(2\)/m);
    expect(stdout).toMatch(/^ +instead: update the readers first/m);
  });

  it.each([
    ['BACKWARD', 0],
    ['forward', 1],
    ['FULL_TRANSITIVE', 1],
  ])('with --mode %s exits with %i', async (mode, expected) => {
    const args = ['schema', 'diff', file('om.ts', old), file('nm.ts', next), '--mode', mode];
    const { code, stdout } = await hyperroute(args);
    expect(code).toBe(expected);
    expect(stdout).toContain(expected === 0 ? 'holds' : 'does not hold');
  });

  it('prints JSON with every finding', async () => {
    const args = ['schema', 'diff', file('oj.ts', old), file('nj.ts', next), 'Order', '--json'];
    const { stdout } = await hyperroute(args);
    expect(JSON.parse(stdout)).toMatchObject({
      ok: true,
      mode: 'BACKWARD',
      schemas: [
        {
          ...{ name: 'Order', ok: true, oldVersions: [1], newVersion: 2, verdict: 'BACKWARD' },
          findings: [{ change: 'symbol-added', path: 'side', verdict: 'BACKWARD', against: 1 }],
        },
      ],
    });
  });

  it('tells that a schema is new or gone', async () => {
    const other = file('o.ts', [head, `export const Other = schema('Other', 8, { a: t.u8 });`]);
    const { code, stdout } = await hyperroute(['schema', 'diff', file('g.ts', old), other]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^Order {2}version 1 → none {2}is gone/m);
    expect(stdout).toMatch(/^Other {2}version none → 1 {2}is new$/m);
  });

  it('says that a version was not made by extend', async () => {
    const torn = old.map((line) => line.replace('id: t.u64,', 'id: t.u64, more: t.u64,'));
    const args = ['schema', 'diff', file('ot.ts', old), file('nt.ts', torn), '--mode', 'BACKWARD'];
    const { code, stdout } = await hyperroute(args);
    expect(code).toBe(1);
    expect(stdout).toMatch(/^ {2}BREAK +Order does not extend the old schema/m);
    expect(stdout).toMatch(/by \.extend\(\)$/m);
  });
});

describe('schema check', () => {
  it('begins a history, adds what is compatible, and refuses what is not', async () => {
    const history = join(folder, 'orders.history.json');
    const check = (path: string, ...more: string[]) =>
      hyperroute(['schema', 'check', path, '--against', history, ...more]);
    const first = file('c1.ts', [head, ...order]);
    expect(await check(first)).toMatchObject({ code: 1, stderr: /no such file/i });
    expect(existsSync(history)).toBe(false);
    file('orders.history.json', ['[]']);
    expect((await check(first)).stdout).toMatch(/is new$/m);
    rmSync(history);
    expect((await check(first, '--write')).code).toBe(0);
    const second = file('c2.ts', good);
    const written = await check(second, '--write');
    expect(written).toMatchObject({ code: 0, stderr: '' });
    expect(written.stdout).toMatch(/^added to the history: 2$/m);
    const lines = readFileSync(history, 'utf8').split('\n');
    expect(JSON.parse(lines.join(''))).toHaveLength(3);
    expect(lines).toHaveLength(6);
    expect((await check(second, '--write')).stdout).not.toMatch(/added/);

    const bad = [...good, `export const V3 = OrderV2.extend({}, { symbols: { side: { x: 2 } } });`];
    const third = await check(file('c3.ts', bad), '--write');
    expect(third.code).toBe(1);
    expect(third.stdout).toMatch(
      /^Order {2}version 1, 2 → 3 {2}BACKWARD {2}FULL_TRANSITIVE does not/m,
    );
    expect(third.stdout).toMatch(/Order\.side \(since version 1\) has a new symbol/);
    expect(third.stdout).toMatch(/Order\.side \(since version 2\) has a new symbol/);
    expect(readFileSync(history, 'utf8')).toBe(lines.join('\n'));
    expect((await check(file('c3.ts', bad), '--mode', 'BACKWARD_TRANSITIVE')).code).toBe(0);
    const gone = await check(first, '--json');
    expect(gone.code).toBe(1);
    expect(JSON.parse(gone.stdout).schemas).toContainEqual(
      expect.objectContaining({ name: 'A', ok: false, newVersion: null }),
    );
    expect((await check(first, 'Order', '--mode', 'BACKWARD')).code).toBe(0);
  });

  it('reads a history of JSON lines, as print writes it', async () => {
    const path = file('l.ts', good);
    const lines = (await schemaJson(path, 'Order')) + (await schemaJson(path, 'OrderV2'));
    const history = file('history.jsonl', [lines]);
    const args = ['schema', 'check', path, 'OrderV2', '--against', history];
    const { code, stdout } = await hyperroute(args);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^Order {2}version 1, 2 → 2 {2}FULL {2}FULL_TRANSITIVE holds$/m);
  });
});

describe('mistakes', () => {
  it.each([
    ['an unknown action', ['show', 'x.ts'], /expected one of print, sizes, diff, check/],
    ['no file', ['print'], /expected ACTION FILE \[NAME\]/],
    ['no new file', ['diff', 'x.ts'], /expected OLD NEW/],
    ['no history', ['check', 'x.ts'], /expected --against HISTORY/],
    ['an unknown mode', ['diff', 'x', 'y', '--mode', 'NONE'], /--mode: expected one of BACKWARD/],
    ['an option of another action', ['print', 'x.ts', '--write'], /unexpected option --write/],
    ['an argument too many', ['print', 'x.ts', 'A', 'B'], /unexpected argument "B"/],
  ])('of usage exit with 2: %s', async (_what, args, message) => {
    const { code, stdout, stderr } = await hyperroute(['schema', ...args]);
    expect(code).toBe(2);
    expect(stdout).toBe('');
    expect(stderr).toMatch(message);
  });

  it.each([
    ['a file that is not there', 'none.ts', null, 'ERR_CONFIG_LOAD', /no such file/],
    ['a module without schemas', 'w.ts', ['export const a = 1;'], 'ERR_CONFIG_LOAD', /no schema/],
    [
      'a schema that is refused',
      'r.ts',
      [head, '', `schema('X', 1, {});`],
      'ERR_SCHEMA',
      /r\.ts:3:/,
    ],
    [
      'text that is no JSON',
      't.json',
      ['{', '  "a": 1', '  b }'],
      'ERR_CONFIG_LOAD',
      /t\.json:3:1: .*JSON/,
    ],
    [
      'JSON that is no schema',
      'x.json',
      ['{"format": 1}'],
      'ERR_SCHEMA',
      /x\.json:1:1: schema\.name/,
    ],
    ['a line that is none', 'y.jsonl', ['{"format": 9}', '{"a": 1}'], 'ERR_SCHEMA', /y\.jsonl:1:1/],
  ])('in files exit with 1, code and place: %s', async (_what, name, lines, code, message) => {
    const path = lines === null ? join(folder, name) : file(name, lines);
    const text = await hyperroute(['schema', 'print', path]);
    expect(text).toMatchObject({ code: 1, stdout: '' });
    expect(text.stderr).toMatch(new RegExp(`^${code} `));
    expect(text.stderr).toMatch(message);
    const json = await hyperroute(['schema', 'print', path, '--json']);
    expect(json.code).toBe(1);
    expect(JSON.parse(json.stdout)).toMatchObject({ ok: false, error: { code } });
  });

  it('in a name list the names there are', async () => {
    const { code, stderr } = await hyperroute(['schema', 'print', file('m.ts', good), 'Odrer']);
    expect(code).toBe(1);
    expect(stderr).toMatch(/has no schema Odrer; known are Order, OrderV2, wire\.A, A, Wire/);
  });
});
