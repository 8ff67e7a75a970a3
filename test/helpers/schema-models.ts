// Data models of schemas without the schema language: fields as plain data, placed by the rules
// of the layouts. For tests of what is made from a model.
import {
  type BlockModel,
  type ByteOrder,
  type DynamicBase,
  type FieldModel,
  type FieldValue,
  integerFacts,
  type LayoutRule,
  type PresenceModel,
  type SchemaModel,
  type TypeModel,
} from '../../lib/schema/model.js';

/** A group before its fields have places. */
export interface GroupShape {
  readonly kind: 'group';
  readonly countMax: number;
  readonly fields: readonly FieldShape[];
}

/** A bits field before it has a container. */
export interface BitsShape {
  readonly kind: 'bits';
  readonly bits: number;
}

export type TypeShape =
  | Exclude<TypeModel, { kind: 'group' } | { kind: 'bits' }>
  | GroupShape
  | BitsShape;

/** A field before it has a place. Its id is its position, from 1. */
export interface FieldShape {
  readonly name: string;
  readonly type: TypeShape;
  readonly optional?: boolean;
  readonly fallback?: FieldValue;
  readonly since?: number;
  /** The version that removed it. */
  readonly until?: number;
  /** Foreign: name of the field that gives the place. */
  readonly at?: { readonly field: string; readonly scale: number; readonly plus: number };
}

/** A native schema of this version; shapes of later versions are left out. */
export function nativeModel(
  name: string,
  templateId: number,
  fields: readonly FieldShape[],
  version = 1,
): SchemaModel {
  return {
    name,
    templateId: BigInt(templateId),
    layout: { kind: 'native', order: 'le' },
    version,
    fingerprints: Array.from({ length: version }, (_, index) => fingerprint(name, index + 1)),
    block: nativeBlock(fields, version, 1),
    doc: null,
  };
}

function fingerprint(name: string, version: number): number {
  let hash = version * 40_503;
  for (let index = 0; index < name.length; index++) hash = hash * 31 + name.charCodeAt(index);
  return hash % 65_536;
}

interface Placed {
  readonly shape: FieldShape;
  readonly id: number;
  readonly since: number;
}

function nativeBlock(shapes: readonly FieldShape[], version: number, first: number): BlockModel {
  const all = shapes.map((shape, index): Placed => {
    return { shape, id: index + 1, since: Math.max(first, shape.since ?? 1) };
  });
  const models = new Map<number, FieldModel>();
  const versionBytes: number[] = [];
  let offset = 0;
  for (let tranche = 1; tranche <= version; tranche++) {
    const members = all.filter(({ since }) => since === tranche);
    offset = placeTranche(members, offset, version, models);
    versionBytes.push(tranche < first ? 0 : offset);
  }
  const isRemoved = ({ shape: { until } }: Placed): boolean =>
    until !== undefined && until <= version;
  const modelsOf = (placed: Placed[]): FieldModel[] =>
    placed.flatMap(({ id }) => models.get(id) ?? []);
  return {
    fields: modelsOf(all.filter((placed) => !isRemoved(placed))),
    removed: modelsOf(all.filter(isRemoved)),
    versionBytes,
  };
}

function placeTranche(
  members: readonly Placed[],
  start: number,
  version: number,
  models: Map<number, FieldModel>,
): number {
  const optionals = members.filter(({ shape }) => shape.optional === true);
  let offset = start + Math.ceil(optionals.length / 32) * 4;
  const sorted = [...members].sort((one, other) => {
    return alignment(other.shape.type) - alignment(one.shape.type) || one.id - other.id;
  });
  for (const placed of sorted) {
    const { shape, id, since } = placed;
    const align = alignment(shape.type);
    offset = Math.ceil(offset / align) * align;
    const bit = optionals.indexOf(placed);
    const presence = bit < 0 ? null : { offset: start + (bit >> 5) * 4, bit: bit & 31 };
    const type = nativeType(shape.type, version, since);
    models.set(id, fieldModel(shape, type, { id, since, offset, order: 'le', presence }));
    offset += shapeBytes(shape.type);
  }
  return Math.ceil(offset / 8) * 8;
}

function nativeType(shape: TypeShape, version: number, since: number): TypeModel {
  if (shape.kind === 'bits') throw new TypeError('native layouts have no bits fields');
  if (shape.kind !== 'group') return shape;
  const { kind, countMax, fields } = shape;
  return { kind, countMax, block: nativeBlock(fields, version, since) };
}

interface Place {
  readonly id: number;
  readonly since: number;
  readonly offset: number;
  readonly order: ByteOrder;
  readonly presence?: PresenceModel | null;
  readonly base?: DynamicBase | null;
  readonly bytes?: number;
}

function fieldModel(shape: FieldShape, type: TypeModel, place: Place): FieldModel {
  return {
    name: shape.name,
    id: place.id,
    explicitId: false,
    since: place.since,
    type,
    order: place.order,
    offset: place.offset,
    bytes: place.bytes ?? shapeBytes(shape.type),
    presence: place.presence ?? null,
    fallback: shape.fallback ?? null,
    base: place.base ?? null,
    doc: null,
  };
}

const floatBytes = { f32: 4, f64: 8 } as const;

export function shapeBytes(type: TypeShape): number {
  switch (type.kind) {
    case 'ascii':
    case 'bytes':
      return type.bytes;
    case 'array':
      return type.count * shapeBytes(type.element);
    case 'float':
      return floatBytes[type.base];
    case 'string':
    case 'blob':
    case 'group':
      return 8;
    case 'rest':
    case 'bits':
      return 0;
    default:
      return integerFacts[type.base].bytes;
  }
}

function alignment(type: TypeShape): number {
  if (type.kind === 'array') return alignment(type.element);
  if (type.kind === 'ascii' || type.kind === 'bytes') return type.bytes % 8 === 0 ? 8 : 1;
  if (type.kind === 'string' || type.kind === 'blob' || type.kind === 'group') return 4;
  return shapeBytes(type);
}

/** A foreign schema; runs of bits fields fill containers of 1, 2, 4 or 8 bytes. */
export function foreignModel(
  name: string,
  templateId: number,
  layout: LayoutRule,
  shapes: readonly FieldShape[],
): SchemaModel {
  const placer = new ForeignPlacer(layout, shapes);
  shapes.forEach((shape, index) => {
    placer.add(shape, index);
  });
  return {
    name,
    templateId: BigInt(templateId),
    layout,
    version: 1,
    fingerprints: [],
    block: { fields: placer.fields, removed: [], versionBytes: [placer.blockBytes()] },
    doc: null,
  };
}

class ForeignPlacer {
  readonly fields: FieldModel[] = [];
  readonly #layout: LayoutRule;
  readonly #shapes: readonly FieldShape[];
  #offset = 0;
  #align = 1;
  #base: DynamicBase | null = null;
  #container: { index: number; shape: FieldShape; bits: number }[] = [];

  constructor(layout: LayoutRule, shapes: readonly FieldShape[]) {
    this.#layout = layout;
    this.#shapes = shapes;
  }

  add(shape: FieldShape, index: number): void {
    const { at, type } = shape;
    if (at !== undefined) {
      const field = this.#shapes.findIndex(({ name }) => name === at.field);
      this.#base = { field, scale: at.scale, plus: at.plus };
      this.#offset = 0;
    }
    if (type.kind === 'group') throw new TypeError('foreign layouts have no groups');
    if (type.kind === 'bits') {
      this.#container.push({ index, shape, bits: type.bits });
      const bits = this.#container.reduce((sum, member) => sum + member.bits, 0);
      const isLast = this.#shapes[index + 1]?.type.kind !== 'bits';
      if ([8, 16, 32, 64].includes(bits) && (isLast || bits === 64)) this.#closeContainer(bits);
      return;
    }
    this.#alignTo(this.#alignmentOf(type));
    this.fields[index] = this.#model(shape, type, index, shapeBytes(type));
    this.#offset += shapeBytes(type);
  }

  #closeContainer(bits: number): void {
    const bytes = bits / 8;
    this.#alignTo(this.#layout.kind === 'c' ? bytes : 1);
    let below = 0;
    for (const { index, shape, bits: own } of this.#container) {
      const shift = this.#layout.order === 'be' ? bits - below - own : below;
      const type: TypeModel = { kind: 'bits', bits: own, containerBytes: bytes, shift };
      this.fields[index] = this.#model(shape, type, index, bytes);
      below += own;
    }
    this.#container = [];
    this.#offset += bytes;
  }

  #model(shape: FieldShape, type: TypeModel, index: number, bytes: number): FieldModel {
    const { order } = this.#layout;
    const place = { id: index + 1, since: 1, offset: this.#offset, order, base: this.#base, bytes };
    return fieldModel(shape, type, place);
  }

  #alignmentOf(type: TypeShape): number {
    if (this.#layout.kind !== 'c') return 1;
    if (type.kind === 'array') return this.#alignmentOf(type.element);
    if (type.kind === 'ascii' || type.kind === 'bytes' || type.kind === 'rest') return 1;
    return shapeBytes(type);
  }

  #alignTo(align: number): void {
    this.#align = Math.max(this.#align, align);
    this.#offset = Math.ceil(this.#offset / align) * align;
  }

  blockBytes(): number {
    return Math.ceil(this.#offset / this.#align) * this.#align;
  }
}
