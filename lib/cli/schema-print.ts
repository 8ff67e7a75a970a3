// `schema print` and `schema sizes`: where everything of a message lies, and what it costs.
import { canonicalText } from '../schema/canonical.js';
import { typeText } from '../schema/compatibility-types.js';
import type { FieldModel, FieldValue } from '../schema/model.js';
import type { AnySchema } from '../schema/schema.js';
import type { CommandInput } from './command.js';
import type { Io } from './io.js';
import {
  type BlockFigures,
  blockFigures,
  type FieldFigures,
  fixedBytes,
  headerBytes,
} from './schema-figures.js';
import { type NamedSchema, readSchemas, type SchemaFile, selectSchemas } from './schema-source.js';
import { countText, table } from './text.js';

export async function print({ values, positionals, io }: CommandInput): Promise<number> {
  const [, path = '', name] = positionals;
  const file = await readSchemas(path);
  const schemas = selectSchemas(file, name);
  if (values.json === true) {
    for (const { schema } of schemas) io.out.line(canonicalText(schema.toJSON()));
    return 0;
  }
  if (name === undefined) printUnions(io, file);
  for (const [index, named] of schemas.entries()) {
    if (index > 0) io.out.line();
    printSchema(io, named);
  }
  return 0;
}

function printUnions({ out }: Io, { unions }: SchemaFile): void {
  for (const { exportName, name, members } of unions) {
    const exported = exportName === name ? '' : `  (export ${exportName})`;
    out.line(`union ${out.style('bold', name)}: ${members.join(', ')}${exported}`);
  }
  if (unions.length > 0) out.line();
}

function layoutText({ model }: AnySchema): string {
  const { kind, order } = model.layout;
  return kind === 'native' ? `native, version ${model.version}` : `layout.${kind}('${order}')`;
}

function titleOf({ out }: Io, { exportName, schema }: NamedSchema): string {
  const exported =
    exportName === schema.name || exportName.startsWith('[') ? '' : ` (export ${exportName})`;
  const name = `${out.style('bold', schema.name)}${exported}`;
  return `${name}  template id ${schema.templateId}  ${layoutText(schema)}`;
}

function rangeText({ bytesMin, bytesMax }: AnySchema): string {
  const [low, high] = [countText(bytesMin), countText(bytesMax)];
  return low === high ? `${low} bytes` : `${low} to ${high} bytes`;
}

function printSchema(io: Io, named: NamedSchema): void {
  const { schema } = named;
  const { out } = io;
  out.line(titleOf(io, named));
  if (schema.model.doc !== null) out.line(schema.model.doc);
  const { type, size } = schema.header;
  const header = headerBytes(schema);
  if (header > 0)
    out.line(`header ${header} bytes, then the fixed part; in all ${rangeText(schema)}`);
  else out.line(`${rangeText(schema)}; type field ${type ?? 'none'}, size field ${size ?? 'none'}`);
  for (const block of blockFigures(schema.model.block)) {
    out.line();
    if (block.path !== '') out.line(`${block.path}  ${block.bytes} bytes an entry`);
    for (const line of table(printHead, block.fields.map(printRow), 3)) out.line(line);
  }
}

const printHead = ['field', 'type', 'need', 'id', 'offset', 'bytes', 'since'];

function printRow({ field, isRemoved }: FieldFigures): readonly string[] {
  const { name, type, id, offset, bytes, since, base } = field;
  const place = base === null ? String(offset) : `at +${offset}`;
  const need = isRemoved ? 'removed' : needText(field);
  return [name, typeDetail(type), need, String(id), place, String(bytes), String(since)];
}

function typeDetail(type: FieldModel['type']): string {
  if (type.kind === 'bits') return `${typeText(type)} << ${type.shift}`;
  if (type.kind !== 'enum' && type.kind !== 'flags') return typeText(type);
  const numbers: Readonly<Record<string, bigint | number>> =
    type.kind === 'enum' ? type.symbols : type.flags;
  const all = Object.entries(numbers).map(([name, number]) => `${name} ${number}`);
  const shown = all.length > 4 ? [...all.slice(0, 3), `… ${all.length} in all`] : all;
  return `${typeText(type)}: ${shown.join(', ')}`;
}

function needText({ presence, fallback }: FieldModel): string {
  if (presence !== null) return 'optional';
  return fallback === null ? 'required' : `= ${valueText(fallback)}`;
}

function valueText(value: FieldValue): string {
  if (value instanceof Uint8Array) return `0x${Buffer.from(value).toString('hex')}`;
  if (typeof value !== 'object') return String(value);
  return JSON.stringify(value, (_key, item) => (typeof item === 'bigint' ? String(item) : item));
}

export async function sizes({ values, positionals, io }: CommandInput): Promise<number> {
  const [, path = '', name] = positionals;
  const schemas = selectSchemas(await readSchemas(path), name);
  for (const [index, named] of schemas.entries()) {
    if (values.json === true) {
      io.json(sizesJson(named));
      continue;
    }
    if (index > 0) io.out.line();
    printSizes(io, named);
  }
  return 0;
}

function sizesJson({ exportName, schema }: NamedSchema) {
  const { bytesMin, bytesMax } = schema;
  return {
    ...{ name: schema.name, exportName, version: schema.model.version },
    ...{ headerBytes: headerBytes(schema), fixedBytes: fixedBytes(schema), bytesMin, bytesMax },
    blocks: blockFigures(schema.model.block).map((block) => ({
      ...block,
      fields: block.fields.map(({ field, isRemoved, bytes, share, variableBytesMax }) => ({
        ...{ name: field.name, bytes, share, variableBytesMax, removed: isRemoved },
      })),
    })),
  };
}

const shareText = (part: number, whole: number): string =>
  whole === 0 ? '-' : `${((100 * part) / whole).toFixed(1)} %`;

function printSizes(io: Io, named: NamedSchema): void {
  const { schema } = named;
  const { out } = io;
  out.line(titleOf(io, named));
  const [low, high] = [countText(schema.bytesMin), countText(schema.bytesMax)];
  const written = countText(fixedBytes(schema));
  out.line(`least ${low}   written, all variable fields empty ${written}   most ${high} bytes`);
  for (const block of blockFigures(schema.model.block)) {
    out.line();
    const what = block.path === '' ? 'fixed part' : `${block.path}, an entry`;
    out.line(`${what}: ${countText(block.bytes)} bytes`);
    for (const line of table(sizesHead, sizesRows(block))) out.line(line);
  }
}

const sizesHead = ['field', 'bytes', 'share', 'variable ≤'];

function sizesRows(block: BlockFigures): readonly (readonly string[])[] {
  const rows = block.fields.map(({ field, isRemoved, bytes, share, variableBytesMax }) => [
    isRemoved ? `${field.name} (removed)` : field.name,
    String(bytes),
    field.base === null ? shareText(share, 1) : '-',
    variableBytesMax === 0 ? '' : countText(variableBytesMax),
  ]);
  const extra = (name: string, bytes: number): string[][] =>
    bytes === 0 ? [] : [[name, String(bytes), shareText(bytes, block.bytes), '']];
  return [
    ...rows,
    ...extra('(presence bits)', block.presenceBytes),
    ...extra('(padding)', block.paddingBytes),
  ];
}
