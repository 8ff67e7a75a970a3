// Random message layouts: packed and C-aligned, both byte orders, with and without headers.
import type {
  ByteOrder,
  FamilyIr,
  FieldIr,
  FieldType,
  SchemaIr,
  SourcePosition,
} from '../../lib/compiler/ir.js';
import type { RandomValues } from './random-values.js';

const integerTypes = ['u8', 'u16', 'u32', 'u64', 'i8', 'i16', 'i32', 'i64'] as const;

export function place(line: number): SourcePosition {
  return { file: 'random.config.ts', line: line + 1, column: 1 };
}

/** Smallest and greatest value of an integer field. */
export function range({ type, bytes }: FieldIr): readonly [bigint, bigint] {
  const bits = BigInt(bytes * 8);
  return type.startsWith('i')
    ? [-(1n << (bits - 1n)), (1n << (bits - 1n)) - 1n]
    : [0n, (1n << bits) - 1n];
}

/** Adds the members of a new family to `schemas` and returns the family. */
export function randomFamilySchemas(
  random: RandomValues,
  schemas: SchemaIr[],
  name: string,
): FamilyIr {
  const layout: Layout = {
    order: random.pick(['le', 'be'] as const),
    aligned: random.chance(50),
    mixed: random.chance(30),
  };
  const memberCount = random.between(1, 4);
  const hasType = memberCount > 1 || random.chance(50);
  const header: [string, FieldType, number][] = [];
  if (random.chance(20)) header.push(['lead', 'bytes', random.between(1, 9)]);
  if (random.chance(60)) header.push(['size', random.pick(['u16', 'u32', 'u64', 'i32']), 0]);
  if (hasType) header.push(['type', random.pick(integerTypes), 0]);
  const placedHeader = placeAll(random, layout, header);
  const members: number[] = [];
  const small = random.chance(60);
  for (let member = 0; member < memberCount; member += 1) {
    members.push(schemas.length);
    schemas.push(randomSchema(random, layout, placedHeader, `${name}M${member}`, member, small));
  }
  const named = (field: string) => placedHeader.find((placed) => placed.name === field) ?? null;
  return { name, discriminator: named('type'), size: named('size'), members };
}

interface Layout {
  readonly order: ByteOrder;
  readonly aligned: boolean;
  /** Byte order of each field at random instead of `order`. */
  readonly mixed: boolean;
}

function randomSchema(
  random: RandomValues,
  layout: Layout,
  header: readonly FieldIr[],
  name: string,
  member: number,
  small: boolean,
): SchemaIr {
  const body = Array.from({ length: random.between(1, 7) }, (_, index) => {
    const type = random.chance(20) ? 'bytes' : random.pick(integerTypes);
    return [`f${index}`, type, random.between(1, random.chance(60) ? 9 : 80)] as const;
  });
  const fields = [...header, ...placeAll(random, layout, body, header)];
  const indexOf = (field: string): number | null => {
    const index = fields.findIndex((candidate) => candidate.name === field);
    return index === -1 ? null : index;
  };
  const last = fields.at(-1);
  const used = last === undefined ? 0 : last.offset + last.bytes;
  const alignment = layout.aligned ? Math.max(...fields.map(alignmentOf)) : 1;
  return {
    name,
    templateId: templateId(fields[indexOf('type') ?? -1], member, small),
    bytes: Math.ceil(used / alignment) * alignment,
    fields,
    sizeField: indexOf('size'),
    typeField: indexOf('type'),
    position: place(member),
  };
}

/** Ids from 0 up, or spread over the whole range of the field, its extremes included. */
function templateId(field: FieldIr | undefined, member: number, small: boolean): bigint {
  if (field === undefined || small) return BigInt(member + 1);
  const [low, high] = range(field);
  return [low, high, high - 1n, low + 7n][member] ?? 0n;
}

function alignmentOf({ type, bytes }: { type: FieldType; bytes: number }): number {
  return type === 'bytes' ? 1 : bytes;
}

function placeAll(
  random: RandomValues,
  layout: Layout,
  wanted: readonly (readonly [string, FieldType, number])[],
  before: readonly FieldIr[] = [],
): FieldIr[] {
  const end = before.at(-1);
  let offset = end === undefined ? 0 : end.offset + end.bytes;
  return wanted.map(([name, type, byteCount]) => {
    const bytes = type === 'bytes' ? byteCount : Number(type.slice(1)) / 8;
    const alignment = layout.aligned ? alignmentOf({ type, bytes }) : 1;
    offset = Math.ceil(offset / alignment) * alignment;
    const order = layout.mixed ? random.pick(['le', 'be'] as const) : layout.order;
    const pad = random.pick([undefined, 'zero', 'space'] as const);
    const field: FieldIr = {
      ...{ name, type, order, offset, bytes, symbols: null },
      ...(type === 'bytes' && pad !== undefined ? { pad } : {}),
    };
    offset += bytes;
    return field;
  });
}
