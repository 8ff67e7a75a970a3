// What flyweights promise beyond giving and taking the values of messages.
import { describe, expect, it } from 'vitest';
import { layout, schema, t } from '../../../../lib/index.js';
import { makeReader, makeWriter } from '../../../../lib/schema/codec/index.js';
import { codecsOf, forms, frameOf, planOf, thrown } from '../../../helpers/both-codecs.js';

const Order = schema('Order', 7, {
  id: t.u64,
  status: t.flags('open', 'at', 'count'),
  values: t.array(t.u16, 3),
  note: t.string.optional(),
  fills: t.group({ qty: t.u32, tag: t.string, legs: t.group({ id: t.u8 }) }),
  data: t.blob,
});
const Later = Order.extend({
  venue: t.u16.default(3),
  codes: t.array(t.u8, 2).default([1, 2]),
  marks: t.flags('a', 'b').default({ a: true, b: false }),
  more: t.group({ x: t.u8 }),
});
const message = {
  ...{ id: 5n, status: { open: true, at: false, count: true }, values: [1, 2, 3], note: undefined },
  fills: [
    { qty: 1, tag: 'a', legs: [{ id: 1 }, { id: 2 }] },
    { qty: 2, tag: 'bc', legs: [] },
  ],
  data: Uint8Array.of(9),
};

type Made = ReturnType<typeof Later.reader>;

describe.each(forms)('a reader by $form', ({ generates }) => {
  const frame = frameOf(codecsOf(planOf(Order))[0]!, message);
  const read = (model = Order as unknown as typeof Later): Made =>
    new (makeReader(planOf(model), generates))() as unknown as Made;

  it('moves one flyweight from entry to entry and from message to message', () => {
    const reader = read();
    expect(reader.wrap(frame)).toBe(reader);
    const first = reader.fills.at(0);
    expect(first.qty).toBe(1);
    expect(reader.fills.at(1)).toBe(first);
    expect([first.qty, first.tag, first.legs.count]).toEqual([2, 'bc', 0]);
    expect([...reader.fills].length).toBe(2);
    expect(Array.from(reader.fills, ({ qty }) => qty)).toEqual([1, 2]);
    expect(Array.from(reader.fills.at(0).legs, ({ id }) => id)).toEqual([1, 2]);
    const other = frameOf(codecsOf(planOf(Order))[0]!, { ...message, id: 6n, fills: [] });
    expect([reader.wrap(other).id, reader.fills.count]).toEqual([6n, 0]);
  });

  it('gives flags by their names, whatever these are, and arrays by index', () => {
    const reader = read().wrap(frame);
    expect([reader.status.open, reader.status.at, reader.status.count]).toEqual([
      true,
      false,
      true,
    ]);
    expect([reader.values.length, reader.values.at(2), ...reader.values]).toEqual([3, 3, 1, 2, 3]);
    expect(reader.note).toBeUndefined();
  });

  it('refuses indexes that there are not', () => {
    const reader = read().wrap(frame);
    for (const index of [2, -1, 0.5, Number.NaN]) {
      expect(() => reader.fills.at(index)).toThrow(RangeError);
    }
    expect(() => reader.values.at(3)).toThrow('expected an index from 0 to 2, received 3');
  });

  it('gives what older messages lack as it was decided', () => {
    const reader = read(Later).wrap(frame);
    expect([reader.$version, reader.$bytes]).toEqual([1, frame.length]);
    expect([reader.venue, reader.codes.at(1), reader.codes.length]).toEqual([3, 2, 2]);
    expect([reader.marks.a, reader.marks.b, reader.more.count]).toEqual([true, false, 0]);
    expect(() => reader.more.at(0)).toThrow(RangeError);
    expect(reader.toObject()).toMatchObject({ venue: 3, codes: [1, 2], more: [] });
  });

  it('reads nothing before the first message and after one that was refused', () => {
    const Fixed = schema('Fixed', 3, {
      ...{ a: t.u8, b: t.f64, c: t.bool, d: t.ascii(8), e: t.ascii(5), f: t.bytes(3), g: t.u53 },
      ...{ h: t.enum('x'), i: t.flags('on'), j: t.array(t.ascii(3), 2), k: t.array(t.u8, 2) },
      ...{ l: t.timestamp, m: t.u16.optional(), n: t.string, o: t.blob, p: t.decimal(2) },
      ...{ q: t.flags({ far: 60 }), s: t.group({ x: t.u8 }) },
    });
    const Packed = schema(
      'Packed',
      4,
      { a: t.u8, f: t.bytes(2), i: t.flags('on'), r: t.rest },
      {
        layout: layout.packed(),
      },
    );
    for (const model of [Later, Fixed.extend({ z: t.u8.default(1) }), Packed]) {
      const reader = read(model as unknown as typeof Later);
      const target = new Uint8Array(1000);
      const sound = target.subarray(0, (model as typeof Packed).writer().wrap(target).finish());
      const names = model.model.block.fields.map(({ name }) => name);
      const readNames = () => {
        for (const name of names) {
          expect(() => {
            const value = (reader as unknown as Record<string, unknown>)[name];
            if (Object(value).length > 0) (value as unknown[]).at(0);
          }, name).toThrow(new TypeError('wrap a message first'));
        }
        expect(() => reader.toObject()).toThrow(new TypeError('wrap a message first'));
        expect([reader.$version, reader.$bytes]).toEqual([0, 0]);
      };
      readNames();
      for (const bad of [new Uint8Array(0), 'frame' as unknown as Uint8Array]) {
        reader.wrap(sound).toObject();
        expect(() => reader.wrap(bad)).toThrow();
        readNames();
      }
      reader.wrap(sound);
      expect(() => reader.wrap(sound, 0, 5000)).toThrow(RangeError);
      readNames();
      expect(reader.wrap(sound).$bytes).toBe(sound.length);
    }
  });

  it('names the entry whose value is none', () => {
    const broken = frame.slice();
    broken[broken.length - 2] = 0xff;
    const reader = read().wrap(broken);
    expect(thrown(() => reader.fills.at(1).tag).message).toMatch(/^Order.fills\[1\].tag: expected/);
    expect(thrown(() => reader.toObject()).message).toMatch(/^Order.fills\[1\].tag: expected/);
    expect(reader.fills.at(0).tag).toBe('a');
  });

  it('refuses other bytes, and reads nothing before the first message', () => {
    const reader = read();
    expect(() => reader.wrap(frame.slice(0, 20))).toThrow(/TRUNCATED/);
    expect(() => reader.wrap(frame, 1)).toThrow(expect.objectContaining({ code: 'ERR_MESSAGE' }));
    expect(() => reader.wrap(frame, 0, frame.length + 1)).toThrow(RangeError);
    expect(() => reader.wrap('frame' as unknown as Uint8Array)).toThrow(TypeError);
  });
});

describe('a writer', () => {
  const codec = codecsOf(planOf(Order))[0]!;
  const target = new Uint8Array(300);
  const write = () =>
    (new (makeWriter(planOf(Order)))() as unknown as ReturnType<typeof Order.writer>).wrap(
      target.fill(0xee),
    );
  const written = (bytes: number): unknown => codec.decode(target, 0, bytes);
  const blank = {
    ...{ id: 0n, status: { open: false, at: false, count: false }, values: [0, 0, 0] },
    ...{ note: undefined, fills: [], data: new Uint8Array(0) },
  };

  it('leaves what is not set zero, absent or empty', () => {
    expect(written(write().finish())).toEqual(blank);
    const bytes = write().finish();
    expect(target.subarray(0, bytes)).toEqual(frameOf(codec, blank));
  });

  it('takes fallbacks where there are any, removed fields included', () => {
    const Removed = Later.extend({}, { remove: ['venue'] });
    const writer = Removed.writer();
    const bytes = writer.wrap(target.fill(0xee)).finish();
    const frame = target.slice(0, bytes);
    expect(Removed.decode(frame)).toMatchObject({ codes: [1, 2], marks: { a: true, b: false } });
    expect(frame).toEqual(frameOf(codecsOf(planOf(Removed))[0]!, { ...blank, more: [] }));
    expect(Object.keys(Removed.decode(frame))).not.toContain('venue');
  });

  it('completes entries that were not visited, and optional fields that were taken back', () => {
    const writer = write();
    writer.note = 'x';
    const fill = writer.fills(3);
    fill.qty = 7;
    const leg = fill.legs(2);
    leg.id = 8;
    writer.data = Uint8Array.of(1);
    const empty = { qty: 0, tag: '', legs: [] };
    expect(written(writer.finish())).toEqual({
      ...blank,
      note: 'x',
      fills: [{ qty: 7, tag: '', legs: [{ id: 8 }, { id: 0 }] }, empty, empty],
      data: Uint8Array.of(1),
    });
    const again = write();
    again.note = undefined;
    expect(written(again.finish())).toEqual(blank);
  });

  it('refuses variable fields out of their order, twice, or in entries that are done', () => {
    const writer = write();
    const fill = writer.fills(1);
    fill.tag = 'a';
    expect(() => {
      fill.tag = 'b';
    }).toThrow(/^Order.fills\[\].tag: expected variable fields once and in the order tag, legs$/);
    writer.data = Uint8Array.of(1);
    expect(() => {
      writer.note = 'late';
    }).toThrow(TypeError);
    expect(() => writer.fills(1)).toThrow(TypeError);
    expect(() => {
      fill.qty = 1;
    }).toThrow(TypeError);
    writer.finish();
    expect(() => {
      writer.id = 1n;
    }).toThrow(TypeError);
    expect(() => writer.finish()).toThrow(TypeError);
  });

  it('refuses entries beyond the count, and counts that are none', () => {
    const writer = write();
    const fill = writer.fills(2);
    fill.next();
    fill.qty = 1;
    fill.next();
    expect(() => {
      fill.qty = 2;
    }).toThrow(TypeError);
    expect(() => fill.next()).toThrow(RangeError);
    expect(() => write().fills(-1)).toThrow(RangeError);
    expect(() => write().fills('1' as unknown as number)).toThrow(TypeError);
  });

  it('refuses values by the path of their entry', () => {
    const fill = write().fills(2);
    fill.next();
    const values = fill as unknown as Record<string, unknown>;
    expect(thrown(() => Object.assign(values, { qty: -1 })).message).toMatch(
      /^Order.fills\[1\].qty:/,
    );
    expect(thrown(() => Object.assign(values, { tag: 5 }))).toBeInstanceOf(TypeError);
  });

  it('refuses to end without an enumeration for which zero is no symbol', () => {
    const side = t.enum({ buy: 1, sell: 2 });
    const Sided = schema('Sided', 1, { side, list: t.group({ id: t.u8, side }) });
    const writer = Sided.writer().wrap(target);
    expect(() => writer.finish()).toThrow(
      new TypeError('Sided.side: expected one of buy, sell, received undefined'),
    );
    writer.side = 'sell';
    const entry = writer.list(2);
    entry.side = 'buy';
    entry.next();
    expect(() => entry.next()).toThrow(/^Sided.list\[1\].side: expected one of buy, sell/);
    expect(() => writer.finish()).toThrow(TypeError);
    entry.side = 'sell';
    const end = writer.finish();
    const list = [
      { id: 0, side: 'buy' },
      { id: 0, side: 'sell' },
    ];
    expect(Sided.decode(target, 0, end)).toEqual({ side: 'sell', list });
    const other = t.enum({ buy: 1 }, { unknown: { default: 'buy' } });
    const Lenient = schema('Lenient', 1, {
      ...{ a: other, b: side.optional(), c: t.enum({ buy: 1 }, { unknown: 'raw' }) },
      d: t.enum({ buy: 1 }).default('buy'),
    });
    const bytes = Lenient.writer().wrap(target).finish();
    expect(Lenient.decode(target, 0, bytes)).toEqual({ a: 'buy', b: undefined, c: 0, d: 'buy' });
  });

  it('names the schema where it is given no bytes', () => {
    const notBytes = [1, 2] as unknown as Uint8Array;
    const Packed = schema('Packed', 1, { id: t.u8 }, { layout: layout.packed() });
    for (const made of [Order, Packed]) {
      const text = new RegExp(`^${made.name}: expected a Uint8Array, received`);
      for (const value of [notBytes, null as unknown as Uint8Array]) {
        expect(() => made.decode(value)).toThrow(text);
        expect(() => made.encode({ ...message, id: 1 } as never, value)).toThrow(text);
        expect(() => made.reader().wrap(value)).toThrow(text);
        expect(() => made.writer().wrap(value)).toThrow(text);
      }
    }
  });

  it('keeps writers of entries out of the message that the next wrap begins', () => {
    const writer = write();
    const fill = writer.fills(2);
    const leg = fill.legs(2);
    const room = 8 + Order.model.block.versionBytes[0]!;
    for (const end of [room, room - 1]) {
      if (end < room) expect(() => writer.wrap(target, 0, end)).toThrow(RangeError);
      else writer.wrap(target, 0, end);
      target.fill(0xee, room);
      expect(() => Object.assign(fill, { qty: 1 })).toThrow(TypeError);
      expect(() => Object.assign(leg, { id: 1 })).toThrow(TypeError);
      expect(target.subarray(room).every((byte) => byte === 0xee)).toBe(true);
    }
    expect(() => writer.finish()).toThrow(/expected a message that is wrapped/);
  });

  it('refuses to leave the target, wherever it ends', () => {
    const whole = frameOf(codec, message).length;
    for (let room = 0; room < whole; room++) {
      const small = new Uint8Array(whole + 8).fill(0xee);
      const writer = Order.writer();
      expect(() => {
        writer.wrap(small.subarray(0, room));
        const fill = writer.fills(2);
        for (const { qty, tag, legs } of message.fills) {
          Object.assign(fill, { qty, tag });
          const leg = fill.legs(legs.length);
          for (const { id } of legs) {
            leg.id = id;
            (leg as unknown as { next(): void }).next();
          }
          (fill as unknown as { next(): void }).next();
        }
        writer.data = message.data;
      }).toThrow(RangeError);
      expect(small.subarray(room).every((byte) => byte === 0xee)).toBe(true);
    }
  });
});
