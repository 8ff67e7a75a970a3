// The golden messages: the same bytes and values in JavaScript, generated and by closures, and in
// C++, version by version; and frames that both languages refuse for the same reason.
// HYPERROUTE_UPDATE_VECTORS=1 writes the files anew.
import { describe, expect, it } from 'vitest';
import { messageFaults } from '../../lib/codes.js';
import { isHyperRouteError } from '../../lib/errors.js';
import {
  bindMessage,
  type Codec,
  type CodecPlan,
  compileCodec,
  makeReader,
  makeWriter,
} from '../../lib/schema/codec/index.js';
import { layoutImage } from '../../lib/schema/layout-image.js';
import type { MessageSchema } from '../../lib/schema/schema.js';
import { forms, frameOf, thrown } from '../helpers/both-codecs.js';
import { type AnyReader, type AnyWriter, writeAll } from '../helpers/flyweights.js';
import { loadLayout } from '../helpers/message-layout.js';
import { vectorSources } from '../helpers/message-vector-cases.js';
import {
  bytesOf,
  type HostileVector,
  hexOf,
  jsonOf,
  makeVectors,
  messageOf,
  readVectors,
  readVectorText,
  schemasOf,
  vectorNames,
  vectorText,
  writeVectorText,
} from '../helpers/message-vectors.js';

const names = Object.keys(vectorSources);

const texts = Object.entries(vectorSources).map(([name, source]) => {
  const text = vectorText(makeVectors(source));
  if (process.env.HYPERROUTE_UPDATE_VECTORS === '1') writeVectorText(name, text);
  return [name, text] as const;
});

it.each(texts)('the checked-in messages of %s are what JavaScript makes today', (name, text) => {
  expect(readVectorText(name)).toBe(text);
});

it('every file of vectors is checked, and they hold every fault', () => {
  expect(vectorNames().sort()).toEqual([...names].sort());
  const faults = new Set(
    names.flatMap((name) => readVectors(name).hostile.map(({ fault }) => fault)),
  );
  expect([...faults].sort()).toEqual([...Object.keys(messageFaults), null].sort());
});

function planOf({ model, header, templateId, bytesMin, bytesMax }: MessageSchema): CodecPlan {
  const isFixed = bytesMin === bytesMax;
  const constants = new Map<string, bigint>();
  if (header.type !== null) constants.set(header.type, templateId);
  if (header.size !== null && isFixed) constants.set(header.size, BigInt(bytesMin));
  return { model, header: constants, sizeField: isFixed ? null : header.size };
}

function isNative({ model }: MessageSchema): boolean {
  return model.layout.kind === 'native';
}

/** The message written field by field over old bytes. */
function writtenBy(plan: CodecPlan, value: object, bytes: number): string {
  const writer = new (makeWriter(plan))() as AnyWriter;
  const target = new Uint8Array(bytes).fill(0xee);
  writer.wrap(target);
  writeAll(writer, plan.model.block, value as never);
  return hexOf(target.subarray(0, writer.finish()));
}

describe.each(names)('messages of %s', (name) => {
  const file = readVectors(name);
  const schemas = schemasOf(file);
  const plans = schemas.map(planOf);
  const sound = file.messages.flatMap((message) =>
    schemas.map((schema, reader) => {
      return { ...message, schema, reader, version: `version ${schema.model.version}` };
    }),
  );

  const written = file.messages.filter(({ writer }) => writer !== null);

  describe.each(forms)('in JavaScript by $form', ({ generates }) => {
    const codecs = plans.map((plan) => compileCodec(plan, generates));

    it.each(sound)('$name is read by $version', ({ schema, reader, bytes, values }) => {
      const frame = bytesOf({ bytes });
      const value = values[reader] ?? null;
      const codec = codecs[reader] as Codec;
      const made = new (makeReader(plans[reader] as CodecPlan, generates))() as AnyReader;
      if (value === null) {
        expect(isHyperRouteError(thrown(() => codec.decode(frame, 0, frame.length)))).toBe(true);
        return;
      }
      expect(jsonOf(schema, codec.decode(frame, 0, frame.length))).toEqual(value);
      expect(jsonOf(schema, made.wrap(frame).toObject())).toEqual(value);
      // Somewhere else in memory, and at an odd place.
      const moved = Uint8Array.from([1, 2, 3, ...frame, 4]);
      expect(jsonOf(schema, codec.decode(moved, 3, 3 + frame.length))).toEqual(value);
    });

    it.each(written)('$name is written from its value', ({ writer, bytes, values }) => {
      const [schema, codec] = [schemas[writer ?? 0], codecs[writer ?? 0]];
      const value = messageOf(schema as MessageSchema, values[writer ?? 0]);
      expect(hexOf(frameOf(codec as Codec, value))).toBe(bytes);
    });

    it.each(file.hostile)('$name is refused', (hostile) => {
      const { reader, fault, path } = hostile;
      const frame = bytesOf(hostile);
      const plan = plans[reader] as CodecPlan;
      if (fault !== null) {
        const found = bindMessage(plan.model, generates)(frame, 0, frame.length);
        expect(found).toBe(structureFault(hostile));
      }
      const codec = codecs[reader] as Codec;
      const error = thrown(() => codec.decode(frame, 0, frame.length));
      expect(isHyperRouteError(error, 'ERR_MESSAGE'), error.stack).toBe(true);
      if (path !== undefined) expect(error.message).toContain(`${path}:`);
      else if (fault !== null) expect(error.message).toContain(fault);
      const made = new (makeReader(plan, generates))() as AnyReader;
      expect(() => made.wrap(frame).toObject()).toThrow(error.message);
    });
  });

  it.each(written)('$name is written by a flyweight', ({ writer, bytes, values }) => {
    const [schema, plan] = [schemas[writer ?? 0], plans[writer ?? 0]];
    const value = messageOf(schema as MessageSchema, values[writer ?? 0]);
    expect(writtenBy(plan as CodecPlan, value, bytes.length / 2)).toBe(bytes);
  });

  if (!schemas.every(isNative)) return;
  const layouts = schemas.map(({ model }) => loadLayout(layoutImage(model)));

  it.each(sound)('$name is read and written anew by $version in C++', (message) => {
    const { schema, reader, bytes, values } = message;
    const layout = layouts[reader] as (typeof layouts)[number];
    const frame = bytesOf({ bytes });
    const value = values[reader] ?? null;
    if (value === null) {
      expect(layout.checkValues(frame)).not.toBe(0);
      expect(layout.rewrite(frame)).toBe(layout.checkValues(frame));
      return;
    }
    expect([layout.bind(frame), layout.checkValues(frame)]).toEqual([0, 0]);
    const expected = new Uint8Array(schema.sizeOf(messageOf(schema, value)));
    schema.encode(messageOf(schema, value), expected);
    expect(layout.rewrite(frame)).toEqual(expected);
  });

  for (const hostile of file.hostile) {
    it(`'${hostile.name}' is refused in C++`, () => {
      const layout = layouts[hostile.reader] as (typeof layouts)[number];
      const frame = bytesOf(hostile);
      const fault = messageFaults[hostile.fault as keyof typeof messageFaults];
      expect(layout.bind(frame)).toBe(structureFault(hostile));
      expect(layout.checkValues(frame)).toBe(fault);
      expect(layout.rewrite(frame)).toBe(fault);
    });
  }
});

/** What binding says: values are no part of it. */
function structureFault({ fault }: HostileVector): number {
  return fault === 'BAD_VALUE' ? 0 : messageFaults[fault as keyof typeof messageFaults];
}
