// Both languages make the same of the same bytes: JavaScript's decode and encode, C++'s reader and
// writer, fault by fault and byte by byte. HYPERROUTE_SEED repeats a run.
import { describe, expect, test } from 'vitest';
import { isHyperRouteError } from '../../lib/errors.js';
import { bindMessage, type Codec, compileCodec } from '../../lib/schema/codec/index.js';
import { layoutImage } from '../../lib/schema/layout-image.js';
import type { SchemaModel } from '../../lib/schema/model.js';
import { layoutVectors } from '../helpers/layout-vectors.js';
import { loadLayout, type NativeMessageLayout } from '../helpers/message-layout.js';
import { testSeed } from '../helpers/random.js';
import { randomForeign, randomValues, randomVersions } from '../helpers/random-models.js';
import { RandomValues } from '../helpers/random-values.js';

const seed = testSeed();
const badValue = 11;

interface Side {
  readonly model: SchemaModel;
  readonly codec: Codec;
  readonly layout: NativeMessageLayout;
  readonly bind: (source: Uint8Array, offset: number, end: number) => number;
}

function sideOf(model: SchemaModel): Side {
  const plan = { model, header: new Map<string, bigint>(), sizeField: null };
  const [codec, layout] = [compileCodec(plan), loadLayout(layoutImage(model))];
  return { model, codec, layout, bind: bindMessage(model) };
}

function encode(codec: Codec, message: object): Uint8Array {
  const target = new Uint8Array(codec.sizeOf(message));
  expect(codec.encode(message, target, 0)).toBe(target.length);
  return target;
}

function randomFrame(random: RandomValues, { codec, model }: Side): Uint8Array {
  return encode(codec, randomValues(random, model.block));
}

/** Holds both languages' verdicts on some bytes against each other, and what they make of them. */
function compare({ codec, layout, bind }: Side, bytes: Uint8Array): number {
  const fault = bind(bytes, 0, bytes.length);
  expect(layout.bind(bytes)).toBe(fault);
  if (fault !== 0) {
    expect(layout.checkValues(bytes)).toBe(fault);
    expect(layout.rewrite(bytes)).toBe(fault);
    return fault;
  }
  let decoded: Record<string, unknown>;
  try {
    decoded = codec.decode(bytes, 0, bytes.length);
  } catch (error) {
    if (!isHyperRouteError(error, 'ERR_MESSAGE')) throw error;
    expect(layout.checkValues(bytes), error.message).toBe(badValue);
    expect(layout.rewrite(bytes)).toBe(badValue);
    return badValue;
  }
  expect(layout.checkValues(bytes)).toBe(0);
  const rewritten = layout.rewrite(bytes);
  expect(Buffer.from(rewritten as Uint8Array).toString('hex')).toBe(
    Buffer.from(encode(codec, decoded)).toString('hex'),
  );
  return 0;
}

function forCases(count: number, body: (random: RandomValues) => void): void {
  for (let index = 0; index < count; index++) {
    try {
      body(new RandomValues(seed + index));
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new Error(`HYPERROUTE_SEED=${seed}, case ${index}: ${reason}`, { cause: error });
    }
  }
}

/** A few bytes changed, often to what a slot or a header could mean. */
function damaged(random: RandomValues, frame: Uint8Array): Uint8Array {
  const bytes = frame.slice();
  for (let count = 1 + random.below(3); count > 0 && bytes.length > 0; count -= 1) {
    const at = random.below(bytes.length);
    const choice = random.below(4);
    if (choice === 0) bytes[at] = random.below(256);
    else if (choice === 1) bytes[at] = (bytes[at] ?? 0) ^ (1 << random.below(8));
    else if (choice === 2) bytes[at] = random.pick([0, 1, 8, 0x7f, 0x80, 0xff]);
    else bytes[at] = ((bytes[at] ?? 0) + random.pick([1, -1, 8, -8])) & 0xff;
  }
  return random.chance(15) ? bytes.slice(0, random.below(bytes.length + 1)) : bytes;
}

const native = Object.entries(layoutVectors).filter(([, { layout }]) => layout.kind === 'native');

describe('JavaScript and C++', () => {
  test('rewrite random messages of random schemas to the same bytes', () => {
    forCases(250, (random) => {
      const sides = randomVersions(random).map(sideOf);
      for (const writer of sides) {
        const frame = randomFrame(random, writer);
        expect(writer.layout.rewrite(frame)).toEqual(frame);
        for (const reader of sides) expect(compare(reader, frame)).toBe(0);
      }
    });
  });

  test('find the same fault in damaged messages, or read the same', () => {
    const faults = new Set<number>();
    forCases(150, (random) => {
      const sides = randomVersions(random).map(sideOf);
      const writer = random.pick(sides);
      const frame = randomFrame(random, writer);
      for (let count = 0; count < 12; count++) {
        faults.add(compare(random.pick(sides), damaged(random, frame)));
      }
    });
    expect(faults.size).toBeGreaterThan(3);
  });

  test.each(native)('agree on every bit flip and every cut of %s', (_name, model) => {
    const side = sideOf(model);
    const random = new RandomValues(seed);
    const frame = randomFrame(random, side);
    for (let bit = 0; bit < frame.length * 8; bit++) {
      const bytes = frame.slice();
      bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      compare(side, bytes);
    }
    for (let bytes = 0; bytes < frame.length; bytes++) compare(side, frame.slice(0, bytes));
    expect(compare(side, Uint8Array.from([...frame, 1, 2, 3]))).toBe(0);
  });

  test('agree on where the fields of every schema lie', () => {
    forCases(60, (random) => {
      const model = random.chance(50) ? randomForeign(random) : randomVersions(random).at(-1);
      if (model === undefined) return;
      const found = loadLayout(layoutImage(model)).fields();
      for (const { name, offset, bytes, since } of model.block.fields) {
        expect(found).toContainEqual({ path: name, offset, bytes, since });
      }
    });
  });

  test('refuse a damaged image, with the reason', () => {
    const [first] = native;
    const image = layoutImage((first as (typeof native)[number])[1]);
    image[100] = (image[100] ?? 0) ^ 1;
    expect(() => loadLayout(image)).toThrow('check sum');
  });
});
