// docs/wire-format.md cannot rot: its bytes are those of the codec, and an implementation of its
// rules of placement and of the fingerprint, written from the page alone, agrees with the schemas.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { messageFaults } from '../../../../lib/codes.js';
import type { BlockModel, FieldModel } from '../../../../lib/schema/model.js';
import { readVectors, schemasOf, vectorNames } from '../../../helpers/message-vectors.js';

const page = readFileSync(join(import.meta.dirname, '../../../../docs/wire-format.md'), 'utf8');

const table = /^ {4}([\w-]+)\n((?: {4} *\d+ +(?:-|\d+) {3}(?:[0-9a-f]{2} )+.*\n)+)/gm;
const row = /^ {4} *(\d+) +(-|\d+) {3}((?:[0-9a-f]{2} )+)/;
const headerBytes = 8;

interface Shown {
  readonly name: string;
  readonly rows: readonly (readonly [place: number, offset: string, hex: string])[];
}

const shown = [...page.matchAll(table)].map(([, name = '', lines = '']): Shown => {
  const rows = lines.trimEnd().split('\n');
  return {
    name,
    rows: rows.map((line) => {
      const [, place, offset = '', hex = ''] = row.exec(line) ?? [];
      return [Number(place), offset, hex.replaceAll(' ', '')] as const;
    }),
  };
});
const worked = ['worked-pulse', 'worked-order'].flatMap((name) => readVectors(name).messages);

describe('docs/wire-format.md', () => {
  it('shows every worked message', () => {
    expect(shown.map(({ name }) => name)).toEqual(worked.map(({ name }) => name));
  });

  it.each(shown)('shows the bytes of $name, each at its place', ({ name, rows }) => {
    let bytes = '';
    for (const [place, offset, hex] of rows) {
      expect(place).toBe(bytes.length / 2);
      expect(offset).toBe(place < headerBytes ? '-' : String(place - headerBytes));
      bytes += hex;
    }
    expect(bytes).toBe(worked.find((message) => message.name === name)?.bytes);
  });

  it('has every fault with its number', () => {
    const rows = [...page.matchAll(/^\| `([A-Z_]+)` \| (\d+) \|/gm)];
    const faults = rows.map(([, name, number]) => [name, Number(number)]);
    expect(Object.fromEntries(faults)).toEqual(messageFaults);
  });
});

/** The JSON of a field's type in a schema file. */
type TypeJson =
  | string
  | {
      readonly kind: string;
      readonly base?: string;
      readonly scale?: number;
      readonly bytes?: number;
      readonly count?: number;
      readonly element?: TypeJson;
      readonly fields?: readonly FieldJson[];
    };
interface FieldJson {
  readonly id: number;
  readonly since: number;
  readonly name: string;
  readonly type: TypeJson;
  readonly optional?: boolean;
}
interface Placed extends FieldJson {
  readonly offset: number;
  readonly bytes: number;
  readonly presence: { readonly offset: number; readonly bit: number } | null;
}

const sizes: Readonly<Record<string, number>> = {
  ...{ u8: 1, u16: 2, u32: 4, u64: 8, i8: 1, i16: 2, i32: 4, i64: 8, f32: 4, f64: 8 },
  ...{ u53: 8, bool: 1, timestamp: 8 },
};

function sizeOf(type: TypeJson): { readonly bytes: number; readonly alignment: number } {
  if (typeof type === 'string') {
    const bytes = sizes[type] ?? 0;
    return { bytes, alignment: bytes };
  }
  if (type.kind === 'array') {
    const { bytes, alignment } = sizeOf(type.element ?? '');
    return { bytes: bytes * (type.count ?? 0), alignment };
  }
  if (type.base !== undefined) return sizeOf(type.base);
  if (type.bytes === undefined) return { bytes: 8, alignment: 4 };
  return { bytes: type.bytes, alignment: type.bytes % 8 === 0 ? 8 : 1 };
}

function up(value: number, alignment: number): number {
  return Math.ceil(value / alignment) * alignment;
}

/** The fields of a block at their places, and the block's bytes in each version. */
function placed(fields: readonly FieldJson[], versions: number): [Placed[], number[]] {
  const all: Placed[] = [];
  const bytes: number[] = [];
  let end = 0;
  for (let version = 1; version <= versions; version++) {
    const start = end;
    const own = fields.filter(({ since }) => since === version).sort((a, b) => a.id - b.id);
    const optionals = own.filter(({ optional }) => optional === true);
    end += 4 * Math.ceil(optionals.length / 32);
    for (const alignment of [8, 4, 2, 1]) {
      for (const field of own) {
        const size = sizeOf(field.type);
        if (size.alignment !== alignment) continue;
        const offset = up(end, alignment);
        const index = optionals.indexOf(field);
        const word = start + 4 * Math.floor(index / 32);
        const presence = index < 0 ? null : { offset: word, bit: index % 32 };
        all.push({ ...field, offset, bytes: size.bytes, presence });
        end = offset + size.bytes;
      }
    }
    end = up(end, 8);
    bytes.push(end);
  }
  return [all.sort((a, b) => a.id - b.id), bytes];
}

function kindOf(type: TypeJson): string {
  if (type === 'bool') return 'bool u8';
  if (type === 'timestamp') return 'timestamp u64';
  if (typeof type === 'string') {
    const kind = type.startsWith('f') ? 'float' : 'integer';
    return `${kind} ${type === 'u53' ? 'u64' : type}`;
  }
  if (type.kind === 'array') return `array of ${kindOf(type.element ?? '')} \u00d7 ${type.count}`;
  if (type.kind === 'decimal') return `${type.base} / 10^${type.scale}`;
  return type.base === undefined ? type.kind : `${type.kind} ${type.base}`;
}

function fieldsText(fields: readonly FieldJson[], version: number, versions: number): string {
  const texts = placed(fields, versions)[0].flatMap((field) => {
    const { id, since, type, offset, bytes, presence } = field;
    const inner = typeof type === 'object' ? (type.fields ?? []) : [];
    const text = inner.length === 0 ? '[]' : fieldsText(inner, version, versions);
    if (since > version || (since < version && text === '[]')) return [];
    const isOptional = presence !== null;
    return [`[${id},${since},"${kindOf(type)}",${offset},${bytes},${isOptional},${text}]`];
  });
  return `[${texts.join(',')}]`;
}

function compareBlock(model: BlockModel, fields: readonly FieldJson[], versions: number): void {
  const [mine, bytes] = placed(fields, versions);
  const theirs = [...model.fields, ...model.removed].sort((a, b) => a.id - b.id);
  const place = ({ id, name, offset, bytes: size, presence }: Placed | FieldModel) => {
    return { id, name, offset, bytes: size, presence };
  };
  expect(mine.map(place)).toEqual(theirs.map(place));
  // A removed group knows no versions after it went; in older ones a late group has no blocks.
  const isLate = (known: number, index: number): boolean => known === bytes[index] || known === 0;
  expect(model.versionBytes.every(isLate)).toBe(true);
  for (const { id, type } of theirs) {
    const json = fields.find((field) => field.id === id)?.type;
    if (type.kind !== 'group' || typeof json !== 'object') continue;
    compareBlock(type.block, json.fields ?? [], versions);
  }
}

const natives = vectorNames()
  .flatMap((name) => {
    const file = readVectors(name);
    return schemasOf(file).map((schema, index) => ({ schema, json: file.schemas[index] }));
  })
  .filter(({ schema }) => schema.model.layout.kind === 'native')
  .map(({ schema, json }) => ({ name: schema.name, version: schema.model.version, schema, json }));

describe.each(natives)('by the rules of the page, $name in version $version', (native) => {
  const { schema, json, version } = native;
  const { fields } = json as unknown as { readonly fields: readonly FieldJson[] };

  it('has its fields where the schema has them', () => {
    compareBlock(schema.model.block, fields, version);
  });

  it('has the fingerprints of the schema', () => {
    const hash = createHash('sha256');
    const fingerprints = Array.from({ length: version }, (_unused, index) => {
      hash.update(`[${index + 1},${fieldsText(fields, index + 1, version)}]`);
      return hash.copy().digest().readUInt16LE(0);
    });
    expect(schema.model.fingerprints).toEqual(fingerprints);
  });
});
