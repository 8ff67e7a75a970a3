// Transforms by their values: what went in by one codec comes out of another with its meaning.
import { describe, expect, it } from 'vitest';
import { emit } from '../../../../lib/compiler/emit.js';
import { decide, initialState } from '../../../../lib/compiler/interpret.js';
import {
  compileTransform,
  defineRouter,
  discard,
  layout,
  memory,
  otherwise,
  returnTo,
  route,
  schema,
  t,
  transform,
  when,
} from '../../../../lib/index.js';
import { refusal } from '../../../helpers/refusal.js';

describe('values keep their meaning', () => {
  const fields = {
    ...{ a: t.f64, b: t.f32, c: t.flags({ x: 0, y: 9 }, { base: 'u16' }), d: t.u16, e: t.i64 },
    ...{
      f: t.decimal(3, { base: 'i32' }),
      g: t.timestamp,
      h: t.enum({ p: 1, q: 999 }, { base: 'u16' }),
    },
    ...{ i: t.bool, j: t.ascii(5), k: t.bytes(3) },
  };
  const value = {
    ...{ a: 1.5, b: -0.25, c: { x: true, y: false }, d: 0x1234, e: -2n, f: -12_345, g: 7n },
    ...{ h: 'q', i: true, j: 'abc', k: new Uint8Array([1, 2, 3]) },
  } as const;
  const rules = [layout.packed('be'), layout.packed('le'), layout.c('be'), layout.c('le'), null];
  const kinds = rules.map((rule, index) => {
    const made = rule === null ? schema('N', 1, fields) : schema('F', 1, fields, { layout: rule });
    return [rule === null ? 'native' : `${rule.kind} ${rule.order}`, made, index] as const;
  });
  const pairs = kinds.flatMap(([from, source]) =>
    kinds.map(([to, target]) => [from, to, source, target] as const),
  );

  it.each(pairs)('from %s to %s, whatever the order of the bytes', (_from, _to, source, target) => {
    const whole = transform(
      source as never,
      target as never,
      ((o: typeof fields) => ({
        ...{
          a: o.a,
          b: o.b,
          c: o.c,
          d: o.d,
          e: o.e,
          f: o.f,
          g: o.g,
          h: o.h,
          i: o.i,
          j: o.j,
          k: o.k,
        },
      })) as never,
    );
    const bytes = new Uint8Array(source.bytesMax);
    source.encode(value as never, bytes);
    const { output } = compileTransform(whole)(bytes);
    expect(target.decode(output)).toEqual(value);
  });

  it('refuse arrays of another order, size or meaning', () => {
    const packed = (order: 'be' | 'le', list: unknown) =>
      schema('S', 1, { l: list } as never, { layout: layout.packed(order) }) as never;
    const cases = [
      [packed('be', t.array(t.u16, 2)), packed('le', t.array(t.u16, 2))],
      [packed('le', t.array(t.ascii(4), 3)), packed('le', t.array(t.ascii(3), 4))],
      [packed('le', t.array(t.u16, 2)), packed('le', t.array(t.u8, 4))],
      [packed('le', t.array(t.flags('a'), 2)), packed('le', t.array(t.flags('b'), 2))],
    ] as const;
    for (const [from, to] of cases) {
      const build = () => transform(from, to, ((o: { l: unknown }) => ({ l: o.l })) as never);
      expect(refusal(build).code).toBe('ERR_ROUTE');
    }
  });

  it('of an enumeration without a symbol follow its policy', () => {
    const wide = t.enum({ a: 1, b: 2, many: 300 }, { base: 'u16', unknown: 'raw' });
    const known = t.enum({ a: 1, other: 9 }, { unknown: { default: 'other' } });
    const Raw = schema('Raw', 1, { e: wide, k: t.u8 });
    const Known = schema('Known', 2, { e: known });
    const Coded = schema('Coded', 3, { e: t.enum({ A: 65, O: 79 }) });
    const same = compileTransform(transform(Raw, Raw, (o) => ({ e: o.e, k: o.k })));
    const bytes = new Uint8Array(Raw.bytesMax);
    Raw.encode({ e: 77, k: 1 }, bytes);
    expect(Raw.decode(same(bytes).output)).toEqual({ e: 77, k: 1 });
    const toCoded = transform(Known, Coded, (o) => ({ e: o.e.map({ a: 'A', other: 'O' }) }));
    const message = new Uint8Array(Known.bytesMax);
    Known.encode({ e: 'a' }, message);
    message[8] = 200;
    expect(Coded.decode(compileTransform(toCoded)(message).output)).toEqual({ e: 'O' });
  });

  it('of an enumeration are matched as decode reads them', () => {
    const Note = schema('Note', 1, {
      e: t.enum({ a: 1, other: 9 }, { unknown: { default: 'other' } }),
    });
    const end = memory('end', { messages: Note });
    const routerFor = (symbols: readonly ('a' | 'other')[]) =>
      defineRouter({
        endpoints: [end],
        routes: [route.first(Note, (o) => [when(o.e.in(symbols)).to(discard)])],
      });
    const bytes = new Uint8Array(Note.bytesMax);
    Note.encode({ e: 'a' }, bytes);
    for (const number of [0, 1, 8, 9, 10, 255]) {
      bytes[8] = number;
      const { e } = Note.decode(bytes);
      for (const symbols of [['a'], ['other'], ['a', 'other']] as const) {
        const ir = routerFor(symbols);
        const { outcome } = decide(ir, initialState(ir), 0, bytes);
        const isNamed = (symbols as readonly string[]).includes(e);
        expect(outcome, `${number} among ${symbols}`).toBe(isNamed ? 'discard' : 'reject');
      }
    }
  });

  it('of a u53 stay safe integers', () => {
    const Big = schema('Big', 1, { n: t.u64 });
    const Safe = schema('Safe', 2, { n: t.u53 });
    expect(refusal(() => transform(Big, Safe, (o) => ({ n: o.n }))).code).toBe('ERR_ROUTE');
    expect(refusal(() => transform(Big, Safe, () => ({ n: 2n ** 60n }))).code).toBe('ERR_ROUTE');
    const toSafe = transform(Big, Safe, (o) => ({ n: o.n.to('u53').orReject('TOO_BIG') }));
    const bytes = new Uint8Array(Big.bytesMax);
    Big.encode({ n: 2n ** 53n }, bytes);
    expect(compileTransform(toSafe)(bytes).rejectName).toBe('TOO_BIG');
    Big.encode({ n: 5n }, bytes);
    expect(Safe.decode(compileTransform(toSafe)(bytes).output)).toEqual({ n: 5 });
  });

  it('of decimals are never read with other digits', () => {
    const Cents = schema('Cents', 1, { p: t.decimal(2) });
    const Whole = schema('Whole', 2, { p: t.decimal(0) });
    expect(refusal(() => transform(Cents, Whole, (o) => ({ p: o.p }))).code).toBe('ERR_ROUTE');
  });
});

describe('versions of a schema beside each other', () => {
  it('are converted by a transform', () => {
    const V1 = schema('Tick', 1, { id: t.u64, px: t.i32 });
    const V2 = V1.extend({ venue: t.u16.default(4) });
    const [old, young] = [memory('old', { messages: V1 }), memory('young', { messages: V2 })];
    const up = transform(V1, V2, (o) => ({ id: o.id, px: o.px }));
    const ir = defineRouter({
      endpoints: [old, young],
      routes: [route.first(V1, () => [otherwise.via(up).to(young)])],
    });
    expect(ir.schemas.map(({ name }) => name)).toEqual(['Tick@1', 'Tick@2']);
    expect(emit(ir).length).toBeGreaterThan(0);
  });
});

describe('an address to return to', () => {
  it('is in every message', () => {
    const Ask = schema('Ask', 1, { to: t.u64.optional() });
    const end = memory('end', { messages: Ask });
    const build = () =>
      defineRouter({
        endpoints: [end],
        routes: [route.first(Ask, (o) => [otherwise.to(returnTo(o.to as never))])],
      });
    expect(refusal(build).code).toBe('ERR_ROUTE');
  });
});
