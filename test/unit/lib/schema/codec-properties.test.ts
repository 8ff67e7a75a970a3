// What holds for every schema and every message, by random ones of each. HYPERROUTE_SEED repeats
// a run.
import { isDeepStrictEqual } from 'node:util';
import { expect, test } from 'vitest';
import { isHyperRouteError } from '../../../../lib/errors.js';
import { type AnySchema, schemaFromJson } from '../../../../lib/index.js';
import { schemaJson } from '../../../../lib/schema/canonical.js';
import {
  bindMessage,
  type Codec,
  compileCodec,
  makeReader,
  makeWriter,
} from '../../../../lib/schema/codec/index.js';
import type { BlockModel, FieldModel, SchemaModel } from '../../../../lib/schema/model.js';
import { randomHistory } from '../../../helpers/evolution.js';
import { type AnyReader, type AnyWriter, readAll, writeAll } from '../../../helpers/flyweights.js';
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
  same(target.subarray(0, offset), new Uint8Array(offset).fill(poison));
  same(target.subarray(offset + bytes), new Uint8Array(9).fill(poison));
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

/** As `toEqual`, which takes too long for every case. */
function same(found: unknown, expected: unknown): void {
  if (!isDeepStrictEqual(found, expected)) expect(found).toEqual(expected);
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
      same(frames[1], frames[0]);
      for (const codec of codecs) {
        const frame = frames[0] as Uint8Array;
        const found = codec.decode(frame, 0, frame.length);
        same(found, filled(message, model.block));
        same(
          Object.keys(found),
          model.block.fields.map(({ name }) => name),
        );
        same(encoded(random, codec, found as Values), frame);
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
      same(frames[1], frames[0]);
      for (const codec of codecs) {
        const frame = frames[0] as Uint8Array;
        same(codec.decode(frame, 0, frame.length), filled(message, model.block));
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
        same(other, one);
        for (const field of reader.block.fields) {
          const isShared = writer.block.fields.some(({ name }) => name === field.name);
          if (!isShared || field.type.kind === 'group') continue;
          same(one?.[field.name], known[field.name]);
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
      same(other, one);
      if (faults[0] !== 0) expect(one).toBeUndefined();
      if (one === undefined) continue;
      const again = encoded(random, codecs[0] as Codec, one as Values);
      same((codecs[1] as Codec).decode(again, 0, again.length), one);
    }
  });
});

function plansOf(model: SchemaModel): {
  model: SchemaModel;
  header: Map<string, bigint>;
  sizeField: null;
} {
  return { model, header: new Map(), sizeField: null };
}

function readersOf(model: SchemaModel): AnyReader[] {
  return modes.map((generates) => new (makeReader(plansOf(model), generates))() as AnyReader);
}

test('the getters of a reader give what decoding gives, for messages of every version', () => {
  forCases(150, (random) => {
    const models = random.chance(20) ? [randomForeign(random)] : randomVersions(random);
    const model = newest(models);
    const readers = readersOf(model);
    const codec = codecsOf(model)[0] as Codec;
    for (const writer of [...models, ...models]) {
      const frame = encoded(
        random,
        codecsOf(writer)[0] as Codec,
        randomValues(random, writer.block),
      );
      const offset = random.pick([0, 3, 8]);
      const bytes = new Uint8Array(offset + frame.length);
      bytes.set(frame, offset);
      const expected = codec.decode(frame, 0, frame.length);
      for (const reader of readers) {
        reader.wrap(bytes, offset);
        same(readAll(reader, model.block), expected);
        same(reader.toObject(), expected);
        same([reader.$version, reader.$bytes], [writer.version, frame.length]);
      }
    }
  });
});

test('a writer writes the bytes that encoding writes', () => {
  forCases(250, (random) => {
    const model = random.chance(20) ? randomForeign(random) : newest(randomVersions(random));
    const codec = codecsOf(model)[0] as Codec;
    const writer = new (makeWriter(plansOf(model)))() as AnyWriter;
    for (let round = 0; round < 3; round++) {
      const message = randomValues(random, model.block);
      const frame = encoded(random, codec, message);
      const offset = random.pick([0, 3, 8]);
      const target = new Uint8Array(offset + frame.length + 9).fill(0xa5);
      writer.wrap(target, offset);
      writeAll(writer, model.block, message);
      expect(writer.finish()).toBe(frame.length);
      same(target.subarray(offset, offset + frame.length), frame);
      same(target.subarray(offset + frame.length), new Uint8Array(9).fill(0xa5));
    }
  });
});

test('a damaged message reads as it decodes, or both refuse it', () => {
  forCases(60, (random) => {
    const model = newest(randomVersions(random));
    const codec = codecsOf(model)[0] as Codec;
    const readers = readersOf(model);
    const frame = encoded(random, codec, randomValues(random, model.block));
    for (let flip = 0; flip < 60; flip++) {
      const bit = random.below(frame.length * 8);
      const damaged = frame.slice();
      damaged[bit >> 3] = (damaged[bit >> 3] as number) ^ (1 << (bit & 7));
      const expected = tryDecode(codec, damaged);
      for (const reader of readers) same(tryRead(reader, model, damaged), expected);
    }
  });
});

function tryRead(reader: AnyReader, model: SchemaModel, bytes: Uint8Array): Values | undefined {
  try {
    return readAll(reader.wrap(bytes), model.block);
  } catch (error) {
    if (isHyperRouteError(error, 'ERR_MESSAGE')) return undefined;
    throw error;
  }
}

test('the schema language places fields where the models of these tests have them', () => {
  forCases(100, (random) => {
    const [models, schemas] = [randomVersions(random), randomHistory(random)];
    expect(schemas.length).toBeGreaterThan(0);
    for (const model of models) {
      const header = { type: null, size: null };
      const loaded = schemaFromJson(JSON.parse(JSON.stringify(schemaJson(model, header))));
      same(placesOf(loaded.model.block), placesOf(model.block));
    }
    // And what the language made works as what these tests made.
    const { model } = schemas[schemas.length - 1] as AnySchema;
    const message = randomValues(random, model.block);
    const frames = codecsOf(model).map((codec) => encoded(random, codec, message));
    same(frames[1], frames[0]);
    for (const codec of codecsOf(model)) {
      const frame = frames[0] as Uint8Array;
      same(codec.decode(frame, 0, frame.length), filled(message, model.block));
    }
  });
});

/** Everything about a block that decides where its bytes lie. */
function placesOf({ fields, removed, versionBytes }: BlockModel): unknown {
  const place = ({ id, name, since, offset, bytes, presence, type }: FieldModel): unknown => {
    const inner = type.kind === 'group' ? placesOf(type.block) : type.kind;
    return { id, name, since, offset, bytes, presence, inner };
  };
  const byId = (list: readonly FieldModel[]): unknown[] =>
    [...list].sort((one, other) => one.id - other.id).map(place);
  return { fields: byId(fields), removed: byId(removed), versionBytes };
}
