// The golden messages through the native step of a router: what is sound leaves as it came, what is
// no message is rejected with the code that the fault stands for. Values are the reader's affair.
import { describe, expect, it } from 'vitest';
import { messageFaults, rejectCodes } from '../../lib/codes.js';
import { emit } from '../../lib/compiler/emit.js';
import { defineRouter, memory, otherwise, route, union } from '../../lib/index.js';
import type { AnySchema, MessageSchema } from '../../lib/schema/schema.js';
import { bytesOf, readVectors, schemasOf, vectorNames } from '../helpers/message-vectors.js';
import { loadImage, type NativeRouteImage } from '../helpers/route-image.js';

/** A router that sends every message of the schema on as it came. */
function relay(schema: MessageSchema): NativeRouteImage {
  const { type, size } = schema.header;
  const header = { ...(type === null ? {} : { type }), ...(size === null ? {} : { size }) };
  const member = schema as unknown as AnySchema;
  const messages = union('All', header as Record<string, never>, [member]);
  const [source, out] = [memory('in', { messages }), memory('out', { messages })];
  const routes = [route.first(member, () => [otherwise.to(out as never)], { from: source })];
  return loadImage(emit(defineRouter({ endpoints: [source, out], routes })));
}

/** The codes with which the router may reject a frame; none: it leaves values alone. */
function codesOf(fault: string | null, path: string | undefined, header: readonly unknown[]) {
  const { MALFORMED, UNKNOWN_TYPE } = rejectCodes;
  if (fault === 'BAD_VALUE') return [0];
  if (fault !== null) {
    const code = messageFaults[fault as keyof typeof messageFaults];
    return [code === messageFaults.WRONG_TEMPLATE ? UNKNOWN_TYPE : MALFORMED];
  }
  if (path === undefined) return [MALFORMED];
  return header.includes(path.split('.')[1]) ? [MALFORMED, UNKNOWN_TYPE] : [0];
}

describe.each(vectorNames())('a router of %s', (name) => {
  const { messages, hostile, ...file } = readVectors(name);
  const schemas = schemasOf({ messages, hostile, ...file });
  const relays = schemas.map(relay);
  const versions = schemas.map((schema, reader) => ({ reader, version: schema.model.version }));

  it.each(versions)('sends messages of every version on as they came, in $version', (one) => {
    const image = relays[one.reader] as NativeRouteImage;
    for (const { name: message, bytes } of messages) {
      const frame = bytesOf({ bytes });
      const { rejectCode, delivered } = image.step(0, frame, 0n);
      expect(rejectCode, message).toBe(0);
      expect(delivered[0]?.output, message).toEqual(frame);
    }
  });

  for (const { name: frame, reader, fault, path, ...rest } of hostile) {
    it(`rejects '${frame}' for its structure only`, () => {
      const { type, size } = (schemas[reader] as MessageSchema).header;
      const { rejectCode } = (relays[reader] as NativeRouteImage).step(0, bytesOf(rest), 0n);
      expect(codesOf(fault, path, [type, size])).toContain(rejectCode);
    });
  }
});
