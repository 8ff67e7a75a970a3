// The configuration of the checked-in image `texts`: a text map of each kind, over text of each
// kind, in matchers and in checks.
import type { RouterIr } from '../../lib/compiler/ir.js';
import { deserialize, serialize } from '../../lib/compiler/serialize.js';
import {
  defineRouter,
  layout,
  memory,
  or,
  route,
  schema,
  t,
  transform,
  validate,
  when,
} from '../../lib/index.js';

const Note = schema('Note', 1, {
  subject: t.string.max(64),
  body: t.string.max(64),
  code: t.ascii(24),
  flags: t.u16,
});
const Quote = schema(
  'Quote',
  2,
  { isin: t.ascii(12, { pad: 'space' }), digest: t.bytes(16), short: t.ascii(4) },
  { layout: layout.packed() },
);
const Reading = schema('Reading', 3, { topic: t.string.max(64), unit: t.ascii(16) });

const shorter = transform(Quote, Quote, (q) => ({
  isin: q.isin.fit(12).orReject('ISIN', 1001),
  digest: new Uint8Array(16).fill(7),
  short: 'Y',
}));

const tens = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10];

/** The configuration, with every position the same: the image does not depend on them. */
export function textRoutesIr(): RouterIr {
  const notes = memory('notes', { messages: Note });
  const quotes = memory('quotes', { messages: Quote });
  const readings = memory('readings', { messages: Reading });
  const mqtt = { style: 'mqtt' } as const;
  const ir = defineRouter({
    name: 'texts',
    endpoints: [notes, quotes, readings],
    validate: [validate(Note, (n) => [n.body.is('forbidden text').else('BODY', 1000)])],
    routes: [
      route.first(Note, (n) => [
        when(or(n.subject.matches('a/+/c', mqtt), n.subject.matches('a/#', mqtt))).to(notes),
        when(n.subject.matches('a/level-of-more-bytes-than-an-entry-has/+', mqtt)).to(notes),
        when(n.subject.is('exactly this')).to(notes),
        when(n.code.startsWith('ABCDEFGH'), n.flags.bits(0x0180).any()).to(notes),
        when(or(n.code.startsWith('ABCDEFGHIJ'), n.code.startsWith('AB'))).to(notes),
      ]),
      route.first(Quote, (q) => [
        when(q.isin.in(['DE0001234567', 'DE1'])).to(quotes),
        when(q.digest.startsWith(new Uint8Array(9))).to(quotes),
        when(q.short.startsWith('X')).via(shorter).to(quotes),
      ]),
      // Enough of each to be worth a look-up of its own.
      route.first(Reading, (r) =>
        tens.flatMap((n) => [
          when(r.topic.matches(`site/${n}/+/state`, mqtt)).to(readings),
          when(r.unit.is(`unit ${n}`)).to(readings),
        ]),
      ),
    ],
  });
  const position = { file: 'texts.config.ts', line: 1, column: 1 };
  const placed: unknown = JSON.parse(serialize(ir), (key, item: unknown) =>
    key === 'position' ? position : item,
  );
  return deserialize(JSON.stringify(placed));
}
