// The configuration of the checked-in image `readings`: native messages in two versions, with
// variable data and optional fields, and a foreign one with bits and a part that moves.
import type { RouterIr } from '../../lib/compiler/ir.js';
import { deserialize, serialize } from '../../lib/compiler/serialize.js';
import {
  defineRouter,
  layout,
  memory,
  otherwise,
  rejectCode,
  returnTo,
  route,
  schema,
  source,
  t,
  transform,
  union,
  via,
  when,
} from '../../lib/index.js';

const note = { text: t.string.max(32), rank: t.u8 };
const value = { channel: t.u16, hint: t.i16.optional(), notes: t.group(note).max(4) };
const ReadingV1 = schema('Reading', 7, {
  ...{ device: t.u64, at: t.timestamp, unit: t.string.max(16).optional(), level: t.u8.optional() },
  kind: t.enum({ heat: 1, flow: 2 }, { unknown: { default: 'heat' } }).optional(),
  ...{ price: t.decimal(4), ratio: t.f32, values: t.group(value).max(8) },
});
const Reading = ReadingV1.extend(
  { priority: t.u8.default(3), memo: t.blob.max(64) },
  { groups: { values: { fields: { tax: t.i32.default(-1) } } } },
);
const word = { text: t.string.max(16), rank: t.u16 };
const row = { tax: t.i64, channel: t.u32, hint: t.i16, words: t.group(word).max(4) };
const Report = schema('Report', 9, {
  ...{ device: t.u64, unit: t.string.max(8).optional(), level: t.u16.optional() },
  ...{ kind: t.enum({ warm: 4, wet: 9 }).optional(), price: t.decimal(2), ratio: t.f64 },
  ...{ priority: t.u32, memo: t.blob.max(64), rows: t.group(row).max(8) },
});
const Refusal = schema('Refusal', 10, { device: t.u64, code: t.u32 });
const Packet = schema(
  'Packet',
  1,
  {
    ...{ version: t.bits(4), ihl: t.bits(4), flags: t.bits(3), offset: t.bits(13), ttl: t.u24 },
    ...{ port: t.u16.at('ihl', { scale: 4, plus: 2 }), data: t.rest },
  },
  { layout: layout.packed('be') },
);
const head = { high: t.bits(12), low: t.bits(4), port: t.u32 };
const Head = schema('Head', 2, head, { layout: layout.c('le') });

const toReport = transform(Reading, Report, (r) => ({
  ...{ device: r.device, unit: r.unit.orReject('UNIT'), level: r.level, memo: r.memo },
  ...{ kind: r.kind.map({ heat: 'warm', flow: 'wet' }), ratio: r.ratio, priority: r.priority },
  price: r.price.rescale(2).orReject('TICK'),
  rows: r.values.map((entry) => ({
    ...{ tax: entry.tax, channel: entry.channel, hint: entry.hint.orElse(7) },
    words: entry.notes.map((item) => ({ text: item.text.orReject('LONG'), rank: item.rank })),
  })),
}));
const toRefusal = transform(Reading, Refusal, (r) => ({ device: r.device, code: rejectCode() }));
const toHead = transform(Packet, Head, (p) => ({
  ...{ high: p.offset.to('u16').orReject('OFFSET'), low: p.ihl, port: p.port },
}));

const readings = memory('readings', { messages: union('In', {}, [Reading, Refusal]) });
const reports = memory('reports', { messages: union('Out', {}, [Report, Refusal]) });
const packets = memory('packets', { messages: Packet });
const heads = memory('heads', { messages: Head });

/** The configuration, with every position the same: the image does not depend on them. */
export function readingsIr(): RouterIr {
  const ir = defineRouter({
    name: 'readings',
    endpoints: [readings, reports, packets, heads],
    routes: [
      route.first(
        Reading,
        (r) => [
          when(r.level.gte(2)).via(toReport).to(reports),
          when(r.unit.present()).via(toReport).to(reports),
          otherwise.via(toReport).to(reports),
        ],
        { rejects: via(toRefusal).to(returnTo(source)) },
      ),
      route.first(Packet, (p) => [when(p.version.eq(4)).via(toHead).to(heads)]),
    ],
  });
  const position = { file: 'readings.config.ts', line: 1, column: 1 };
  const placed: unknown = JSON.parse(serialize(ir), (key, item: unknown) =>
    key === 'position' ? position : item,
  );
  return deserialize(JSON.stringify(placed));
}
