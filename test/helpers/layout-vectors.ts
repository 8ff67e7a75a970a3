// The message types whose layout images are checked in: C++ tests and the fuzzer load those.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { t } from '../../lib/schema/fields.js';
import { layout } from '../../lib/schema/layout.js';
import type { SchemaModel } from '../../lib/schema/model.js';
import { schema } from '../../lib/schema/schema.js';

const tests = join(dirname(fileURLToPath(import.meta.url)), '..');
const folder = join(tests, 'vectors/layouts');

export const NewOrder = schema('NewOrder', 1, {
  id: t.u64,
  price: t.u32,
  qty: t.u32,
  side: t.enum('buy', 'sell'),
  type: t.enum('market', 'limit', 'stop'),
  symbol: t.ascii(8),
  ts: t.u64,
  text: t.string.max(64),
  fills: t.group({ qty: t.u32, price: t.u32 }).max(16),
});

/** Every type of native layouts, in the first of three versions. */
export const Everything = schema('Everything', 0xabcd, {
  n8: t.u8,
  n16: t.u16,
  n32: t.u32,
  n64: t.u64,
  s8: t.i8,
  s16: t.i16,
  s32: t.i32,
  s64: t.i64,
  single: t.f32,
  double: t.f64,
  yes: t.bool,
  status: t.flags({ open: 0, urgent: 3 }, { base: 'u16' }),
  side: t.enum('buy', 'sell'),
  kind: t.enum({ low: -2, none: 0, high: 5 }, { base: 'i16', unknown: 'raw' }),
  venue: t.enum({ other: 1, home: 7 }, { base: 'u32', unknown: { default: 'other' } }),
  price: t.decimal(4),
  at: t.timestamp,
  symbol: t.ascii(8),
  note: t.ascii(5),
  key: t.bytes(3),
  exact: t.u53,
  values: t.array(t.f32, 3),
  flagged: t.array(t.bool, 2),
  codes: t.array(t.ascii(4), 2),
  odd: t.u32.optional(),
  tag: t.string.max(32).optional(),
  data: t.blob.max(1024),
  legs: t
    .group({
      qty: t.u32,
      side: t.enum('buy', 'sell'),
      name: t.string.max(16),
      parts: t
        .group({ id: t.u64, memo: t.blob.max(8).optional(), deep: t.group({ x: t.u8 }).max(3) })
        .max(4)
        .optional(),
    })
    .max(8),
  fee: t.u32.default(12),
});

export const EverythingV2 = Everything.extend(
  {
    rate: t.f64.default(0.25),
    desk: t.ascii(4).default('MAIN'),
    late: t.bool.optional(),
    memo: t.string.max(20),
  },
  {
    remove: ['fee', 'odd', 'tag'],
    rename: { n8: 'small' },
    symbols: { side: { short: 2 } },
    groups: { legs: { fields: { fee: t.u32.default(3), label: t.string.max(4).optional() } } },
  },
);

export const EverythingV3 = EverythingV2.extend({
  extra: t.group({ a: t.u16.optional(), b: t.string.max(3) }).max(5),
  scale: t.array(t.i16, 2).default([7, -7]),
});

/** A fixed part and nothing else. */
export const Tick = schema('Tick', 2, { bid: t.u32, ask: t.u32, on: t.bool });

const Packet = schema(
  'Packet',
  6,
  {
    version: t.bits(4),
    ihl: t.bits(4),
    kind: t.u8,
    total: t.u24,
    id: t.u48,
    name: t.ascii(6, { pad: 'space' }),
    port: t.u16.at('ihl', { scale: 4, plus: 14 }),
    payload: t.rest,
  },
  { layout: layout.packed('be') },
);

export const layoutVectors: Readonly<Record<string, SchemaModel>> = {
  'new-order': NewOrder.model,
  'everything-1': Everything.model,
  'everything-2': EverythingV2.model,
  'everything-3': EverythingV3.model,
  tick: Tick.model,
  packet: Packet.model,
};

export function readLayoutVector(name: string): Uint8Array {
  const path = join(folder, `${name}.layout`);
  return existsSync(path) ? new Uint8Array(readFileSync(path)) : new Uint8Array(0);
}

export function writeLayoutVector(name: string, image: Uint8Array): void {
  writeFileSync(join(folder, `${name}.layout`), image);
}
