// `prove`, `explain`, `simulate` and `diff`: the documentation's own examples, and what it says of
// exit codes and JSON.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hyperroute } from '../helpers/cli.js';
import { type ExamplePage, root, writePage } from '../helpers/doc-examples.js';

const page = join(root, 'docs/tools.md');
const text = readFileSync(page, 'utf8');
let written: ExamplePage;

beforeAll(async () => {
  written = await writePage('docs/tools.md');
  const messages = /```jsonl\n([\s\S]*?)```/.exec(text)?.[1] ?? '';
  writeFileSync(join(written.folder, 'messages.jsonl'), messages);
});

afterAll(() => written.remove());

/** Blocks of a command and what it prints. */
const consoles = [...text.matchAll(/```console\n\$ hyperroute (.*)\n([\s\S]*?)```/g)].map(
  ([, command = '', output = '']) => ({ command, output }),
);

function words(command: string): string[] {
  return [...command.matchAll(/'([^']*)'|(\S+)/g)].map(
    ([, quoted, plain]) => quoted ?? plain ?? '',
  );
}

function run(command: string) {
  return hyperroute(words(command), { cwd: written.folder });
}

/** What depends on the machine is left out: the folder, and predictions. */
function settled(output: string): string {
  return output
    .replaceAll(`${written.folder}/`, '')
    .replaceAll(/about [\d.]+ ns, [\d,]+ bytes/g, 'about N ns, N bytes');
}

async function json(command: string): Promise<Record<string, unknown>> {
  const { stdout, code } = await run(`${command} --json`);
  expect(stdout.trimEnd()).not.toContain('\n');
  return { ...(JSON.parse(stdout) as object), code };
}

const order = `{"side":"buy","price":250,"quantity":40,"id":"7"}`;

describe('the page about tools', () => {
  it.each(consoles)('shows what `$command` prints', async ({ command, output }) => {
    const { stdout, stderr } = await run(command);
    expect(stderr).toBe('');
    const shown = stdout.replaceAll(`${written.folder}/`, '');
    if (process.env.HYPERROUTE_UPDATE_VECTORS === '1') {
      const now = readFileSync(page, 'utf8');
      const before = `$ hyperroute ${command}\n${output}\`\`\``;
      writeFileSync(
        page,
        now.replace(before, () => `$ hyperroute ${command}\n${shown}\`\`\``),
      );
    }
    expect(settled(shown)).toBe(settled(output));
  });

  it('shows each of the commands', () => {
    const names = new Set(consoles.map(({ command }) => words(command)[0]));
    expect(names).toEqual(new Set(['prove', 'explain', 'simulate', 'diff']));
  });
});

/** A correlation that one rule closes. */
const heldConfig = `
import { correlate, defineRouter, memory, otherwise, route, schema, t, when } from 'hyperroute';

const Ask = schema('Ask', 1, { key: t.u32 });
const Told = schema('Told', 2, { key: t.u32, last: t.bool });
const held = correlate('held', { capacity: 1, key: { key: t.u32 } });
const asks = memory('asks', { messages: Ask });
const answers = memory('answers', { messages: Told });
export default defineRouter({
  endpoints: [asks, answers],
  routes: [
    route.first(Ask, (m) => [otherwise.to(asks).opens(held, { key: [m.key] })]),
    route.first(
      Told,
      (m) => [when(m.last.is(true), m.key.gt(5)).to(answers).closes(), otherwise.to(answers)],
      { lookup: (m) => held.byKey(m.key) },
    ),
  ],
});
`;

describe('prove', () => {
  it('has exit code 1 for what is refuted, and a witness that explain rejects', async () => {
    const { code, ok, routes } = await json('prove router.config.ts');
    expect({ code, ok }).toEqual({ code: 1, ok: false });
    const [route] = routes as [{ coverage: { verdict: string; witness: { hex: string } } }];
    expect(route.coverage.verdict).toBe('refuted');
    const explained = await json(`explain router.config.ts --hex ${route.coverage.witness.hex}`);
    expect(explained).toMatchObject({ outcome: 'reject', reject: 'NO_ROUTE' });
  });

  it('finds undecided of a correlation what only undecided rules do', async () => {
    writeFileSync(join(written.folder, 'held.config.ts'), heldConfig);
    const closing = async (command: string) => {
      const { code, correlations } = await json(command);
      const [{ statements }] = correlations as [{ statements: Record<string, unknown>[] }];
      return { code, verdicts: statements.map(({ statement, verdict }) => [statement, verdict]) };
    };
    const others = [
      ['filled', 'proved'],
      ['told', 'proved'],
      ['asked', 'proved'],
    ];
    expect(await closing('prove held.config.ts --strict')).toEqual({
      code: 0,
      verdicts: [...others, ['closed', 'proved']],
    });
    expect(await closing('prove held.config.ts --budget 1')).toEqual({
      code: 0,
      verdicts: [...others, ['closed', 'undecided']],
    });
  });

  it('has exit code 0 where all is proved, unless a table is over its budget', async () => {
    expect(await json('prove next.config.ts --strict')).toMatchObject({
      code: 0,
      routes: [
        {
          coverage: { verdict: 'proved' },
          shadowed: { verdict: 'proved', rules: [] },
          overlaps: { verdict: 'proved', forbidden: false },
          over: [],
        },
      ],
    });
    const tight = await json('prove next.config.ts --budget-ns 0.1 --budget-bytes 1');
    expect(tight).toMatchObject({ code: 1, ok: false, routes: [{ over: ['ns', 'bytes'] }] });
  });

  it('is undecided without a budget, which --strict does not accept', async () => {
    const shadowed = { verdict: 'undecided' };
    const loose = await json('prove next.config.ts --budget 1');
    expect(loose).toMatchObject({ code: 0, routes: [{ shadowed }] });
    const strict = await json('prove next.config.ts --budget 1 --strict');
    expect(strict).toMatchObject({ code: 1, routes: [{ shadowed }] });
  });
});

describe('explain', () => {
  it('shows the rule whose arithmetic leaves the range of numbers', async () => {
    writeFileSync(
      join(written.folder, 'overflow.config.mjs'),
      `import { defineRouter, layout, memory, otherwise, route, schema, t, when } from 'hyperroute';
       const Order = schema('Order', 1, { a: t.u64, b: t.u64 }, { layout: layout.packed('be') });
       const [app, out] = [memory('app', { messages: Order }), memory('out')];
       const rules = (o) => [
         when(o.a.eq(1)).to(out),
         when(o.a.mul(o.b).mul(o.b).gt(5)).to(out),
         when(o.b.eq(1)).to(out),
         otherwise.to(out),
       ];
       export default defineRouter({
         endpoints: [app, out],
         routes: [route.first(Order, rules, { from: app })],
       });`,
    );
    const most = '18446744073709551615';
    const message = `'{"a":"${most}","b":"${most}"}'`;
    const explained = await json(`explain overflow.config.mjs --message ${message}`);
    expect(explained).toMatchObject({
      reject: 'OUT_OF_RANGE',
      rules: [
        { rule: 0, holds: false },
        { rule: 1, holds: null },
      ],
    });
  });

  it('shows no rule of a message that a check has rejected, with whatever code', async () => {
    writeFileSync(
      join(written.folder, 'checked.config.mjs'),
      `import { defineRouter, memory, otherwise, route, schema, t, validate } from 'hyperroute';
       const Order = schema('Order', 1, { a: t.u32 });
       const [app, out] = [memory('app', { messages: Order }), memory('out')];
       export default defineRouter({
         endpoints: [app, out],
         validate: [validate(Order, (o) => [o.a.gt(5).else('NO_ROUTE')])],
         routes: [route.first(Order, () => [otherwise.to(out)], { from: app })],
       });`,
    );
    const rejected = await json(`explain checked.config.mjs --message '{"a":5}'`);
    expect(rejected).toMatchObject({ reject: 'NO_ROUTE', checks: [{ holds: false }], rules: [] });
    const taken = await json(`explain checked.config.mjs --message '{"a":6}'`);
    expect(taken).toMatchObject({ reject: null, rules: [{ rule: 0, holds: true }] });
  });

  it('is decided by the native image where there is one', async () => {
    const explained = await json(`explain router.config.ts --message '${order}'`);
    expect(explained).toMatchObject({
      code: 0,
      engine: 'native',
      route: 'Order',
      outcome: 'deliver',
      pool: { name: 'venues', strategy: 'round-robin', members: ['a', 'b'] },
      copies: [{ to: 'a', type: 'VenueOrder', json: { quantity: 40, price: 250 } }],
    });
    const { rules } = explained as { rules: { rule: number; holds: boolean }[] };
    expect(rules.map(({ rule, holds }) => [rule, holds])).toEqual([
      [0, false],
      [1, true],
    ]);
  });

  it.each([
    [
      'a field that does not exist',
      `--message '{"sides":"buy","side":"buy","price":1,"quantity":1,"id":1}'`,
      1,
      /ERR_MESSAGE .*sides/,
    ],
    ['JSON that is none', `--message '{'`, 2, /--message: /],
    ['an endpoint that does not exist', `--from nowhere --hex 00`, 1, /from: expected .*orders/],
    ['bytes that are none', '--hex xyz', 1, /hex: expected bytes/],
    ['neither JSON nor bytes', '', 2, /either --message JSON or --hex BYTES/],
  ])('refuses %s', async (_, flags, expected, message) => {
    const { code, stderr } = await run(`explain router.config.ts ${flags}`);
    expect(code).toBe(expected);
    expect(stderr).toMatch(message);
  });
});

describe('explain, of a pool by key,', () => {
  it('shows the slot and who is tried in which order', async () => {
    const lines = [
      `import { defineRouter, lb, memory, otherwise, pool, route, schema, t } from 'hyperroute';`,
      `const Job = schema('Job', 1, { key: t.u32 });`,
      `const messages = { messages: Job };`,
      `const ends = ['a', 'b', 'c'].map((name) => memory(name, messages));`,
      `const from = memory('in', messages);`,
      `const jobs = pool('jobs', ends, lb.hash(Job.refs.key));`,
      `const routes = [route.first(Job, () => [otherwise.to(jobs)], { from })];`,
      `export default defineRouter({ endpoints: [from, ...ends], routes });`,
    ];
    writeFileSync(join(written.folder, 'hash.config.ts'), lines.join('\n'));
    const command = `explain hash.config.ts --from in --message '{"key": 7}'`;
    const { pool, copies } = (await json(command)) as {
      pool: { slot: { index: number; count: number; ranked: string[] } };
      copies: { to: string }[];
    };
    expect([...pool.slot.ranked].sort()).toEqual(['a', 'b', 'c']);
    expect(pool.slot.ranked[0]).toBe(copies[0]?.to);
    const { stdout } = await run(command);
    const { index, count, ranked } = pool.slot;
    expect(stdout).toContain(`slot       ${index} of ${count}: ${ranked.join(', ')}, where all`);
  });
});

describe('simulate', () => {
  it('adds up to the messages that came', async () => {
    const totals = await json('simulate router.config.ts --input messages.jsonl');
    expect(totals).toMatchObject({ code: 0, engine: 'native', messages: 5, discarded: 0 });
    const sum = (part: string): number =>
      Object.values(totals[part] as Record<string, { messages: number }>).reduce(
        (total, { messages }) => total + messages,
        0,
      );
    expect(sum('destinations') + sum('rejects')).toBe(5);
  });

  it('names the line of a message that is none', async () => {
    writeFileSync(join(written.folder, 'bad.jsonl'), `{"message": ${order}}\n{"hex": 5}\n`);
    const { code, stderr } = await run('simulate router.config.ts --input bad.jsonl');
    expect(code).toBe(1);
    expect(stderr).toMatch(/ERR_MESSAGE bad\.jsonl:2:1: hex/);
    const missing = await run('simulate router.config.ts --input missing.jsonl');
    expect(missing.code).toBe(1);
    expect(missing.stderr).toMatch(/ERR_CONFIG_LOAD missing\.jsonl: ENOENT/);
  });
});

describe('diff', () => {
  it('finds nothing between a configuration and itself', async () => {
    const { stdout, code } = await run('diff router.config.ts router.config.ts');
    expect({ stdout, code }).toEqual({ stdout: 'no difference\n', code: 0 });
  });

  it('counts the messages that go elsewhere', async () => {
    const found = await json('diff router.config.ts next.config.ts --input messages.jsonl');
    expect(found).toMatchObject({ ok: true, same: false, endpoints: { added: ['c'] } });
    expect(found).toMatchObject({ moves: { messages: 5, moved: expect.any(Number) } });
  });
});
