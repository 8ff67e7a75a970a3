// What holds for every schema and every message, by random ones of each. HYPERROUTE_SEED repeats
// a run.
import { expect, test } from 'vitest';
import { isHyperRouteError } from '../../../../lib/errors.js';
import { bindMessage, type Codec, compileCodec } from '../../../../lib/schema/codec/index.js';
import type { SchemaModel } from '../../../../lib/schema/model.js';
import { testSeed } from '../../../helpers/random.js';
import {
  filled,
  randomForeign,
  randomValues,
  randomVersions,
  type Values,
} from '../../../helpers/random-models.js';
import { RandomValues } from '../../../helpers/random-values.js';

const seed = testSeed();
const modes = [true, false];

function codecsOf(model: SchemaModel): Codec[] {
  const plan = { model, header: new Map<string, bigint>(), sizeField: null };
  return modes.map((generates) => compileCodec(plan, generates));
}

/** Encodes to a target full of old bytes, at an odd or even place, and gives what was written. */
function encoded(random: RandomValues, codec: Codec, message: Values): Uint8Array {
  const bytes = codec.sizeOf(message);
  const offset = random.pick([0, 1, 3, 4, 8, 16]);
  const poison = random.pick([0, 0xa5, 0xff]);
  const target = new Uint8Array(offset + bytes + 9).fill(poison);
  expect(codec.encode(message, target, offset)).toBe(bytes);
  expect(target.subarray(0, offset)).toEqual(new Uint8Array(offset).fill(poison));
  expect(target.subarray(offset + bytes)).toEqual(new Uint8Array(9).fill(poison));
  return target.slice(offset, offset + bytes);
}

function newest(models: readonly SchemaModel[]): SchemaModel {
  return models[models.length - 1] as SchemaModel;
}

/** The decoded message, or undefined where the bytes were refused as ERR_MESSAGE. */
function tryDecode(codec: Codec, bytes: Uint8Array): Record<string, unknown> | undefined {
  try {
    return codec.decode(bytes, 0, bytes.length);
  } catch (error) {
    if (isHyperRouteError(error, 'ERR_MESSAGE')) return undefined;
    throw error;
  }
}

function forCases(count: number, body: (random: RandomValues) => void): void {
  for (let index = 0; index < count; index++) {
    const random = new RandomValues(seed + index);
    try {
      body(random);
    } catch (error) {
      throw new Error(`HYPERROUTE_SEED=${seed}, case ${index}`, { cause: error });
    }
  }
}

test('a native message decodes to what was encoded, with what was missing filled in', () => {
  forCases(300, (random) => {
    const model = newest(randomVersions(random));
    const codecs = codecsOf(model);
    for (let round = 0; round < 4; round++) {
      const message = randomValues(random, model.block);
      const frames = codecs.map((codec) => encoded(random, codec, message));
      expect(frames[1]).toEqual(frames[0]);
      for (const codec of codecs) {
        const frame = frames[0] as Uint8Array;
        const found = codec.decode(frame, 0, frame.length);
        expect(found).toEqual(filled(message, model.block));
        expect(Object.keys(found)).toEqual(model.block.fields.map(({ name }) => name));
        expect(encoded(random, codec, found as Values)).toEqual(frame);
      }
    }
  });
});

test('a foreign message decodes to what was encoded', () => {
  forCases(300, (random) => {
    const model = randomForeign(random);
    const codecs = codecsOf(model);
    for (let round = 0; round < 3; round++) {
      const message = randomValues(random, model.block);
      const frames = codecs.map((codec) => encoded(random, codec, message));
      expect(frames[1]).toEqual(frames[0]);
      for (const codec of codecs) {
        const frame = frames[0] as Uint8Array;
        expect(codec.decode(frame, 0, frame.length)).toEqual(filled(message, model.block));
      }
    }
  });
});

test('a message of any version decodes by a schema of any other', () => {
  forCases(120, (random) => {
    const models = randomVersions(random);
    for (const writer of models) {
      const message = randomValues(random, writer.block);
      const [writing] = codecsOf(writer);
      const frame = encoded(random, writing as Codec, message);
      const known = (writing as Codec).decode(frame, 0, frame.length);
      for (const reader of models) {
        const [one, other] = codecsOf(reader).map((codec) => codec.decode(frame, 0, frame.length));
        expect(other).toEqual(one);
        for (const field of reader.block.fields) {
          const isShared = writer.block.fields.some(({ name }) => name === field.name);
          if (!isShared || field.type.kind === 'group') continue;
          expect(one?.[field.name]).toEqual(known[field.name]);
        }
      }
    }
  });
});

test('a cut message is refused, or is one without what a newer writer had appended', () => {
  forCases(40, (random) => {
    const model = newest(randomVersions(random));
    const codecs = codecsOf(model);
    const frame = encoded(random, codecs[0] as Codec, randomValues(random, model.block));
    for (let bytes = 0; bytes < frame.length; bytes++) {
      for (const codec of codecs) expect(tryDecode(codec, frame.slice(0, bytes))).toBeUndefined();
    }
  });
});

test('a message with one bit flipped is refused, or decodes to one that can be encoded', () => {
  forCases(60, (random) => {
    const model = newest(randomVersions(random));
    const codecs = codecsOf(model);
    const binds = modes.map((generates) => bindMessage(model, generates));
    const frame = encoded(random, codecs[0] as Codec, randomValues(random, model.block));
    for (let flip = 0; flip < 200; flip++) {
      const bit = random.below(frame.length * 8);
      const damaged = frame.slice();
      damaged[bit >> 3] = (damaged[bit >> 3] as number) ^ (1 << (bit & 7));
      const faults = binds.map((bind) => bind(damaged, 0, damaged.length));
      expect(faults[1]).toBe(faults[0]);
      const [one, other] = codecs.map((codec) => tryDecode(codec, damaged));
      expect(other).toEqual(one);
      if (faults[0] !== 0) expect(one).toBeUndefined();
      if (one === undefined) continue;
      const again = encoded(random, codecs[0] as Codec, one as Values);
      expect((codecs[1] as Codec).decode(again, 0, again.length)).toEqual(one);
    }
  });
});
