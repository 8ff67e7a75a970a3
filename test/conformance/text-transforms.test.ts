// Text made to fit, and constants of text, bytes, flags and floats, through the native engine: the
// same bytes as the interpreter makes, and what decode reads is what was meant.
import { describe, expect, it } from 'vitest';
import { emitWithReport } from '../../lib/compiler/emit.js';
import { initialState, interpret } from '../../lib/compiler/interpret.js';
import {
  compileTransform,
  defineRouter,
  layout,
  memory,
  otherwise,
  route,
  schema,
  t,
  transform,
} from '../../lib/index.js';
import { RandomValues } from '../helpers/random-values.js';
import { refusal } from '../helpers/refusal.js';
import { loadImage } from '../helpers/route-image.js';

const packed = { layout: layout.packed() };
const From = schema(
  'From',
  1,
  { zeros: t.ascii(9), spaces: t.ascii(12, { pad: 'space' }), big: t.ascii(300) },
  packed,
);
const To = schema(
  'To',
  2,
  {
    short: t.ascii(4),
    long: t.ascii(20, { pad: 'space' }),
    other: t.ascii(9),
    name: t.ascii(6, { pad: 'space' }),
    bytes: t.bytes(3),
    ratio: t.f64,
    marks: t.flags('a', 'b', 'c'),
  },
  packed,
);
const constants = {
  name: 'fixed',
  bytes: Uint8Array.of(9, 8, 7),
  ratio: -0.5,
  marks: { b: true, a: false, c: true },
};
const toTo = transform(From, To, (o) => ({
  ...constants,
  short: o.zeros.fit(4).orReject('SHORT', 1001),
  long: o.zeros.fit(20).orReject('LONG', 1002),
  other: o.big.fit(9).orReject('OTHER', 1003),
}));
const back = transform(From, From, (o) => ({
  zeros: o.spaces.fit(9).orReject('ZEROS', 1004),
  spaces: o.spaces.fit(12).orReject('SPACES', 1005),
  big: 'const',
}));

/** Fixed parts with texts that mostly fit, some of them broken. */
function messageOf(random: RandomValues): Uint8Array {
  const bytes = new Uint8Array(From.bytesMax);
  const text = (most: number): string =>
    Array.from({ length: random.below(most + 1) }, () => random.pick(['a', 'B', ' ', '~'])).join(
      '',
    );
  for (const [start, count, pad] of [
    [0, 9, 0],
    [9, 12, 0x20],
    [21, 300, 0],
  ] as const) {
    bytes.fill(pad, start, start + count);
    const most = random.chance(50) ? Math.min(count, 5) : Math.min(count, 12);
    bytes.set(Buffer.from(text(most)), start);
    if (random.chance(5)) bytes[start + random.below(count)] = random.pick([0, 0x80, 0xff, 0x20]);
  }
  return bytes;
}

describe('text of a fixed size', () => {
  it.each([
    ['other padding and sizes', To, toTo],
    ['the same padding', From, back],
  ] as const)('fits, or rejects, as in the interpreter: %s', (_name, to, build) => {
    const [source, out] = [memory('in', { messages: From }), memory('out', { messages: to })];
    const ir = defineRouter({
      endpoints: [source, out],
      routes: [
        route.first(From, () => [otherwise.via(build as never).to(out as never)], { from: source }),
      ],
    });
    const { image, report } = emitWithReport(ir);
    expect(report.transforms[0]?.ops).toContain('fitText');
    const native = loadImage(image);
    const state = initialState(ir);
    const codes = new Map<number, number>();
    for (let seed = 1; seed <= 3_000; seed += 1) {
      const message = messageOf(new RandomValues(seed));
      const expected = interpret(ir, state, 0, message, 0n);
      expect(native.step(0, message, 0n), `seed ${seed}`).toEqual(expected);
      codes.set(expected.rejectCode, (codes.get(expected.rejectCode) ?? 0) + 1);
    }
    const wanted = to === To ? [0, 1001, 1002, 1003] : [0, 1004];
    for (const code of wanted) expect(codes.get(code), `code ${code}`).toBeGreaterThan(0);
  });

  it('arrives as it was, whatever its padding, beside the constants', () => {
    const message = new Uint8Array(From.bytesMax);
    From.encode({ zeros: 'BTC', spaces: 'ETH', big: 'X' }, message);
    const { output } = compileTransform(toTo)(message);
    expect(To.decode(output)).toEqual({
      ...constants,
      ...{ short: 'BTC', long: 'BTC', other: 'X' },
    });
  });
});

describe('what does not fit at all', () => {
  const rest = { ...constants, short: 'a', long: 'b', other: 'c' };
  const cases: [string, () => unknown][] = [
    // @ts-expect-error: it has to say what happens to longer text.
    ['no orReject', () => transform(From, To, (o) => ({ ...rest, short: o.zeros.fit(4) }))],
    [
      'another number of bytes',
      // @ts-expect-error: the field has 4.
      () => transform(From, To, (o) => ({ ...rest, short: o.zeros.fit(5).orReject('S') })),
    ],
    ['a longer constant', () => transform(From, To, () => ({ ...rest, short: 'abcde' }))],
    ['one that is no ASCII', () => transform(From, To, () => ({ ...rest, short: 'é' }))],
    ['one that ends like its padding', () => transform(From, To, () => ({ ...rest, name: 'a ' }))],
    ['fewer bytes', () => transform(From, To, () => ({ ...rest, bytes: new Uint8Array(2) }))],
    // @ts-expect-error: no such flag.
    ['an unknown flag', () => transform(From, To, () => ({ ...rest, marks: { d: true } }))],
    // @ts-expect-error: a number.
    ['text for a float', () => transform(From, To, () => ({ ...rest, ratio: '1' }))],
  ];
  it.each(cases)('is refused: %s', (_name, build) => {
    expect(refusal(build).code).toBe('ERR_ROUTE');
  });
});
