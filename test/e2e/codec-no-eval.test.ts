// Processes that forbid code generation: messages are the same there.
import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';

const script = `
import { layout, schema, t } from 'hyperroute';
let forbidden = false;
try { new Function('return 1')(); } catch { forbidden = true; }
const Order = schema('Order', 7, { id: t.u64, side: t.enum('buy', 'sell'), at: t.timestamp,
  list: t.array(t.f32, 2), status: t.flags('open', 'done'), note: t.string.optional(),
  fills: t.group({ qty: t.u32, tag: t.string }) });
const Line = schema('Line', 8, { a: t.u24, b: t.bits(4), c: t.bits(4), rest: t.rest },
  { layout: layout.packed('be') });
const order = { id: 1n, side: 'sell', at: 2n, list: [1, 2], status: { open: true, done: false },
  note: 'abc', fills: [{ qty: 1, tag: 'x' }, { qty: 2, tag: 'é' }] };
const line = { a: 70000, b: 3, c: 4, rest: Uint8Array.of(1, 2) };
const json = (value) => JSON.stringify(value, (_key, v) => (typeof v === 'bigint' ? v + 'n' : v));
const results = [];
for (const [made, message] of [[Order, order], [Line, line]]) {
  const target = new Uint8Array(made.sizeOf(message));
  made.encode(message, target);
  const reader = made.reader().wrap(target);
  const writer = made.writer();
  results.push(Buffer.from(target).toString('hex'), json(made.decode(target)),
    json(reader.toObject()), writer.wrap(new Uint8Array(200)).finish());
}
const target = new Uint8Array(Order.sizeOf(order));
Order.encode(order, target);
const reader = Order.reader().wrap(target);
results.push(json([reader.id, reader.side, reader.list.at(1), reader.status.open,
  reader.note, reader.fills.at(1).tag]));
try { Order.decode(target.fill(0)); } catch (error) { results.push(error.code, error.message); }
process.stdout.write(JSON.stringify({ forbidden, results }));
`;

function run(...flags: string[]): { forbidden: boolean; results: unknown[] } {
  const args = [...flags, '--input-type=module', '--eval', script];
  return JSON.parse(execFileSync(process.execPath, args, { encoding: 'utf8' }));
}

test('messages are the same where code generation from strings is forbidden', () => {
  const usual = run();
  const strict = run('--disallow-code-generation-from-strings');
  expect([usual.forbidden, strict.forbidden]).toEqual([false, true]);
  expect(strict.results).toEqual(usual.results);
  expect(usual.results).toHaveLength(11);
});
