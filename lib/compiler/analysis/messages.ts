// Makes messages with given values in given fields: whole, sound ones, as the wire has them.
import { writeMember } from '../fields.js';
import { bytesOfHex } from '../interpret-view.js';
import type { FieldIr, SchemaIr, ViewIr } from '../ir.js';

/** Values by field; of a text its bytes. */
export type FieldValues = ReadonlyMap<number, bigint | Uint8Array>;

/** A message of the type, everything else in it as in one where nothing was set. */
export function messageWith(schema: SchemaIr, values: FieldValues): Uint8Array {
  const { view } = schema;
  if (view?.kind === 'foreign') return foreignMessage(schema, view, values);
  const bytes = new Uint8Array(schema.bytes);
  bytes.set(bytesOfHex(schema.initial ?? ''));
  const parts: Uint8Array[] = [bytes];
  let end = bytes.length;
  for (const [index, value] of inPlaceOrder(schema, values)) {
    const field = schema.fields[index] as FieldIr;
    if (typeof value === 'bigint') putInteger(bytes, field, value);
    else if (field.type === 'bytes') bytes.set(value, field.offset);
    else if (value.length > 0) {
      // A slot: where the text lies, from the end of the header on, and its bytes.
      const slot = new DataView(bytes.buffer, field.offset, 8);
      slot.setUint32(0, end - headerBytes, true);
      slot.setUint32(4, value.length, true);
      parts.push(value);
      end += value.length;
    }
  }
  putHeader(schema, bytes, end);
  return new Uint8Array(Buffer.concat(parts));
}

const headerBytes = 8;

/** Data lie in the order of their slots. */
function inPlaceOrder(schema: SchemaIr, values: FieldValues): [number, bigint | Uint8Array][] {
  const offset = (index: number): number => schema.fields[index]?.offset ?? 0;
  return [...values].sort(([a], [b]) => offset(a) - offset(b));
}

function putInteger(bytes: Uint8Array, field: FieldIr, value: bigint): void {
  if (field.bit !== undefined) {
    const mask = 1 << field.bit;
    const others = (bytes[field.offset] ?? 0) & ~mask;
    bytes[field.offset] = value === 0n ? others : others | mask;
    return;
  }
  // Any pattern of bits, whatever a transform may write there.
  const { max: _, ...unbounded } = field;
  writeMember(bytes, unbounded, value);
}

function putHeader(schema: SchemaIr, bytes: Uint8Array, size: number): void {
  const { fields, sizeField, typeField, templateId } = schema;
  if (sizeField !== null) putInteger(bytes, fields[sizeField] as FieldIr, BigInt(size));
  if (typeField !== null) putInteger(bytes, fields[typeField] as FieldIr, templateId);
}

/** The fixed part and then the movable ones, one after the other, unless a value says where. */
function foreignMessage(
  schema: SchemaIr,
  view: Extract<ViewIr, { kind: 'foreign' }>,
  values: FieldValues,
): Uint8Array {
  const bytes = new Uint8Array(view.bytesMax);
  bytes.set(bytesOfHex(schema.initial ?? ''));
  const { fields } = schema;
  // Bits in movable parts have a container in the view, and their places there are known below.
  let end = view.fixedBytes;
  const starts = [{ viewOffset: 0, bytes: view.fixedBytes, start: 0 }];
  let viewEnd = view.fixedBytes;
  for (const part of view.parts) {
    if (part.kind === 'bits') {
      viewEnd += 4;
      continue;
    }
    const given = values.get(part.field);
    const scale = BigInt(part.scale);
    const place = typeof given === 'bigint' ? given : placeAfter(end, part.plus, scale);
    const start = Number(place * scale) + part.plus;
    putInteger(bytes, fields[part.field] as FieldIr, place);
    starts.push({ viewOffset: viewEnd, bytes: part.bytes, start });
    viewEnd += part.bytes;
    end = Math.max(end, start + part.bytes);
  }
  for (const [index, value] of values) {
    const field = moved(fields[index] as FieldIr, starts);
    if (typeof value === 'bigint') putInteger(bytes, field, value);
    else bytes.set(value, field.offset);
  }
  putHeader(schema, bytes, end);
  return bytes.slice(0, end);
}

/** The least value of a section's field that puts it behind everything so far. */
function placeAfter(end: number, plus: number, scale: bigint): bigint {
  const distance = BigInt(Math.max(0, end - plus));
  return scale === 0n ? 0n : (distance + scale - 1n) / scale;
}

interface Section {
  readonly viewOffset: number;
  readonly bytes: number;
  readonly start: number;
}

/** The field at its place in the message instead of the view. */
function moved(field: FieldIr, sections: readonly Section[]): FieldIr {
  const from = field.container?.offset ?? field.offset;
  const section = sections.find(
    ({ viewOffset, bytes }) => from >= viewOffset && from < viewOffset + bytes,
  );
  const shift = section === undefined ? 0 : section.start - section.viewOffset;
  const { container } = field;
  if (container === undefined) return { ...field, offset: field.offset + shift };
  return { ...field, container: { ...container, offset: container.offset + shift } };
}
