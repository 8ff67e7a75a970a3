// The oracle's eyes: where the fields of a message are, whatever its layout and version.
import { messageFaults, rejectCodes } from '../codes.js';
import { bindMessage } from '../schema/codec/index.js';
import { nativeHeaderBytes, type SchemaModel } from '../schema/model.js';
import { readContainer, readField } from './fields.js';
import type { FieldIr, SchemaIr, ViewIr } from './ir.js';
import { nativeModel } from './view.js';

type Bind = (source: Uint8Array, offset: number, end: number) => number;

const binds = new WeakMap<SchemaModel, Bind>();

function bindOf(model: SchemaModel): Bind {
  const known = binds.get(model);
  if (known !== undefined) return known;
  const made = bindMessage(model);
  binds.set(model, made);
  return made;
}

/** The bytes in which a message's fields have their places, or why it is no such message. */
export function viewOf(schema: SchemaIr, message: Uint8Array): Uint8Array | number {
  const { view } = schema;
  if (view === undefined) {
    return message.length === schema.bytes ? message : rejectCodes.MALFORMED;
  }
  return view.kind === 'native'
    ? nativeView(schema, view, message)
    : foreignView(schema, view, message);
}

/** A message that `viewOf` has seen before. */
export function knownView(schema: SchemaIr, message: Uint8Array): Uint8Array {
  const view = viewOf(schema, message);
  if (typeof view === 'number') throw new TypeError(`no message of ${schema.name}`);
  return view;
}

function nativeView(
  schema: SchemaIr,
  native: Extract<ViewIr, { kind: 'native' }>,
  message: Uint8Array,
): Uint8Array | number {
  const model = nativeModel(native);
  const fault = bindOf(model)(message, 0, message.length);
  if (fault === messageFaults.WRONG_TEMPLATE) return rejectCodes.UNKNOWN_TYPE;
  if (fault !== 0) return rejectCodes.MALFORMED;
  const version = message[2] ?? 0;
  if (version >= model.version) return message.subarray(0, schema.bytes);
  const block = model.block.versionBytes[version - 1] ?? 0;
  const view = bytesOfHex(schema.initial ?? '');
  view.set(message.subarray(0, nativeHeaderBytes + block));
  return view;
}

function foreignView(
  schema: SchemaIr,
  { fixedBytes, bytesMax, parts }: Extract<ViewIr, { kind: 'foreign' }>,
  message: Uint8Array,
): Uint8Array | number {
  if (message.length < fixedBytes || message.length > bytesMax) return rejectCodes.MALFORMED;
  const view = new Uint8Array(schema.bytes);
  view.set(message.subarray(0, fixedBytes));
  let end = fixedBytes;
  for (const part of parts) {
    if (part.kind === 'bits') {
      new DataView(view.buffer).setUint32(end, Number(readContainer(view, part.container)), true);
      end += 4;
      continue;
    }
    const place = readField(view, schema.fields[part.field] as FieldIr) * BigInt(part.scale);
    const start = place + BigInt(part.plus);
    if (start + BigInt(part.bytes) > BigInt(message.length)) return rejectCodes.MALFORMED;
    view.set(message.subarray(Number(start), Number(start) + part.bytes), end);
    end += part.bytes;
  }
  return view;
}

export function bytesOfHex(hex: string): Uint8Array {
  return new Uint8Array(Buffer.from(hex, 'hex'));
}
