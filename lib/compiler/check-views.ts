// Checks of views: that the router would find every field where the message type has it.
import { isDeepStrictEqual } from 'node:util';
import { HyperRouteError } from '../errors.js';
import { schemaFromJson } from '../schema/load.js';
import { nativeMessageBytesMax } from '../schema/model.js';
import type { Findings } from './findings.js';
import type { ContainerIr, FieldIr, SchemaIr, ViewIr } from './ir.js';
import { placementOf } from './view.js';

const u16Max = 65_535;

export function checkView(schema: SchemaIr, path: string, findings: Findings): void {
  const { view, fields, position } = schema;
  for (const [index, { container }] of fields.entries()) {
    if (container === undefined) continue;
    const room = view?.kind === 'foreign' ? schema.bytes : 0;
    const isSound = isContainer(container, room);
    const option = `${path}.fields[${index}].container`;
    findings.need(isSound, 'ERR_SCHEMA', option, 'bits of the message', container, position);
  }
  if (view?.kind === 'native') checkNative(schema, view, path, findings);
  else if (view !== undefined) checkForeign(schema, view, path, findings);
}

/** A native type is made once more from its JSON; there is only one way to lay it out. */
function checkNative(
  schema: SchemaIr,
  { schema: json }: Extract<ViewIr, { kind: 'native' }>,
  path: string,
  findings: Findings,
): void {
  const { bytes, initial, fields, templateId, position } = schema;
  try {
    const made = schemaFromJson(json);
    const known = placementOf(made);
    const places = known.fields.map(({ ir }) => ir);
    const isSame =
      known.bytes === bytes &&
      made.templateId === templateId &&
      Buffer.from(known.initial ?? []).toString('hex') === initial &&
      isDeepStrictEqual(placesOf(fields), placesOf(places));
    const expected = 'the fields at the places that the JSON of the schema gives them';
    findings.need(isSame, 'ERR_SCHEMA', `${path}.view`, expected, schema.name, position);
  } catch (error) {
    if (!(error instanceof HyperRouteError)) throw error;
    const expected = 'the JSON of a schema';
    findings.add('ERR_SCHEMA', `${path}.view.schema`, expected, error.message, position);
  }
}

/** Fields by name, whatever their order, each with the bit that says whether it is there. */
function placesOf(fields: readonly FieldIr[]): ReadonlyMap<string, unknown> {
  return new Map(
    fields.map((field) => {
      const { presence, entry, ...place } = field;
      const bit = presence === undefined ? null : fields[presence];
      const inner = entry === undefined ? null : { ...entry, fields: placesOf(entry.fields) };
      return [field.name, { ...place, bit: bit ?? field.bit, entry: inner }];
    }),
  );
}

function checkForeign(
  schema: SchemaIr,
  { fixedBytes, bytesMax, parts }: Extract<ViewIr, { kind: 'foreign' }>,
  path: string,
  findings: Findings,
): void {
  const { bytes, fields, position } = schema;
  const need = (isMet: boolean, option: string, expected: string, received: unknown): void => {
    findings.need(isMet, 'ERR_SCHEMA', `${path}.view.${option}`, expected, received, position);
  };
  need(isWithin(fixedBytes, 0, u16Max), 'fixedBytes', `0 to ${u16Max} bytes`, fixedBytes);
  const most = `${fixedBytes} to ${u16Max} bytes`;
  need(isWithin(bytesMax, fixedBytes, u16Max), 'bytesMax', most, bytesMax);
  let end = fixedBytes;
  for (const [index, part] of parts.entries()) {
    const option = `parts[${index}]`;
    if (part.kind === 'bits') {
      need(isContainer(part.container, end), option, 'bits of what is there', part.container);
      end += 4;
      continue;
    }
    const field = fields[part.field];
    const isPlace =
      field !== undefined && /^u\d+$/.test(field.type) && field.offset + field.bytes <= end;
    need(isPlace, option, 'a place given by an unsigned field before it', part.field);
    const isSized =
      isWithin(part.scale, 0, u16Max) &&
      isWithin(part.plus, 0, u16Max) &&
      isWithin(part.bytes, 1, u16Max);
    need(isSized, option, `scale, plus and bytes up to ${u16Max}`, part);
    end += part.bytes;
  }
  need(end === bytes, 'parts', `parts that end after the ${bytes} bytes of the view`, end);
}

function isContainer({ offset, bytes, shift, bits }: ContainerIr, room: number): boolean {
  const isSized = [1, 2, 4, 8].includes(bytes) && isWithin(offset, 0, room - bytes);
  return isSized && isWithin(bits, 1, 32) && isWithin(shift, 0, bytes * 8 - bits);
}

/** The most bytes or entries of a slot. */
export function isLimit(limit: unknown): boolean {
  return isWithin(limit, 1, nativeMessageBytesMax);
}

function isWithin(value: unknown, low: number, high: number): boolean {
  return typeof value === 'number' && Number.isInteger(value) && value >= low && value <= high;
}
