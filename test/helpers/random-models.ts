// Random schemas with their versions, and messages for them: for tests that hold for every schema.
import {
  type BlockModel,
  type ElementModel,
  type FieldModel,
  type FieldValue,
  groupDepthMax,
  type IntegerType,
  integerFacts,
  type ScalarType,
  type SchemaModel,
  type TypeModel,
  type UnsignedType,
} from '../../lib/schema/model.js';
import type { RandomValues } from './random-values.js';
import { type FieldShape, foreignModel, nativeModel, type TypeShape } from './schema-models.js';

const unsigned: readonly UnsignedType[] = ['u8', 'u16', 'u32', 'u64'];
const scalars: readonly ScalarType[] = [...unsigned, 'i8', 'i16', 'i32', 'i64'];

function randomEnum(random: RandomValues): ElementModel {
  const base = random.pick(scalars);
  const { low, high } = integerFacts[base];
  const values = new Set<bigint>([0n, 1n]);
  for (let more = random.below(5); more > 0; more--) values.add(random.bigint(low, high));
  const symbols = Object.fromEntries([...values].map((value, index) => [`s${index}`, value]));
  const policy = random.pick(['reject', 'raw', 'default'] as const);
  const unknown = policy === 'default' ? { policy, symbol: 's1' } : { policy };
  return { kind: 'enum', base, symbols, unknown };
}

function randomFlags(random: RandomValues): ElementModel {
  const base = random.pick(unsigned);
  const bits = integerFacts[base].bytes * 8;
  const numbers = new Set(Array.from({ length: 1 + random.below(6) }, () => random.below(bits)));
  const flags = Object.fromEntries([...numbers].map((bit, index) => [`f${index}`, bit]));
  return { kind: 'flags', base, flags };
}

function randomElement(random: RandomValues): ElementModel {
  switch (random.below(10)) {
    case 0:
    case 1:
      return { kind: 'integer', base: random.pick(scalars), safe: false };
    case 2:
      return { kind: 'float', base: random.pick(['f32', 'f64']) };
    case 3:
      return { kind: 'bool', base: 'u8' };
    case 4:
      return randomFlags(random);
    case 5:
      return randomEnum(random);
    case 6:
      return { kind: 'decimal', base: random.pick(scalars), scale: random.below(10) };
    case 7:
      return { kind: 'ascii', bytes: random.pick([1, 3, 8, 12, 16]), pad: 'zero' };
    case 8:
      return { kind: 'bytes', bytes: random.pick([1, 5, 8, 24]) };
    default:
      return random.chance(50)
        ? { kind: 'timestamp', base: 'u64' }
        : { kind: 'integer', base: 'u64', safe: true };
  }
}

function randomType(random: RandomValues, depth: number, version: number): TypeShape {
  const kind = random.below(10);
  if (kind < 6) return randomElement(random);
  if (kind === 6)
    return { kind: 'array', element: randomElement(random), count: 1 + random.below(5) };
  if (kind === 7) return { kind: 'string', bytesMax: random.pick([1, 16, 64, 300]) };
  if (kind === 8) return { kind: 'blob', bytesMax: random.pick([1, 16, 300]) };
  if (depth >= groupDepthMax) return randomElement(random);
  const fields = randomShapes(random, depth + 1, version);
  return { kind: 'group', countMax: random.pick([1, 3, 6]), fields };
}

/** Fields of the first version and ones that later versions add, some removed again. */
export function randomShapes(random: RandomValues, depth: number, version: number): FieldShape[] {
  const count = 1 + random.below(depth === 0 ? 8 : 4);
  return Array.from({ length: count }, (_, index): FieldShape => {
    const since = index === 0 ? 1 : 1 + random.below(version);
    const type = randomType(random, depth, version);
    const optional = random.chance(30);
    const isVariable = type.kind === 'string' || type.kind === 'blob' || type.kind === 'group';
    const needsFallback = !optional && !isVariable && (since > 1 || random.chance(20));
    const isRemoved =
      index > 0 && random.chance(20) && since < version && (optional || needsFallback);
    return {
      name: `field${index}`,
      type,
      optional,
      since,
      ...(needsFallback ? { fallback: shapeValue(random, type) } : {}),
      ...(isRemoved ? { until: since + 1 + random.below(version - since) } : {}),
    };
  });
}

/** Every version of one random native schema, oldest first. */
export function randomVersions(random: RandomValues): SchemaModel[] {
  const version = 1 + random.below(4);
  const shapes = randomShapes(random, 0, version);
  return Array.from({ length: version }, (_, index) => nativeModel('Random', 7, shapes, index + 1));
}

/** A random packed or padded schema. */
export function randomForeign(random: RandomValues): SchemaModel {
  const layout = {
    kind: random.pick(['packed', 'c'] as const),
    order: random.pick(['le', 'be'] as const),
  };
  const shapes = Array.from({ length: 1 + random.below(8) }, (_, index): FieldShape[] => {
    const name = `field${index}`;
    if (random.chance(15)) return randomBits(random, name);
    if (random.chance(15) && layout.kind === 'packed') {
      const base = random.pick(['u24', 'u40', 'u48'] as const);
      return [{ name, type: { kind: 'integer', base, safe: false } }];
    }
    if (random.chance(10)) return [{ name, type: { kind: 'ascii', bytes: 6, pad: 'space' } }];
    if (random.chance(10)) {
      return [{ name, type: { kind: 'array', element: randomElement(random), count: 3 } }];
    }
    return [{ name, type: randomElement(random) }];
  }).flat();
  if (random.chance(30)) shapes.push({ name: 'tail', type: { kind: 'rest' } });
  return foreignModel('Foreign', 7, layout, shapes);
}

function randomBits(random: RandomValues, name: string): FieldShape[] {
  let left = random.pick([8, 16, 32, 64]);
  const shapes: FieldShape[] = [];
  while (left > 0) {
    const bits = Math.min(left, 1 + random.below(Math.min(left, 32)));
    shapes.push({ name: `${name}_${shapes.length}`, type: { kind: 'bits', bits } });
    left -= bits;
  }
  // The container ends here: a run that follows at once would join it.
  return [...shapes, { name: `${name}_end`, type: { kind: 'bool', base: 'u8' } }];
}

const letters = ['a', 'Z', '7', ' ', '~', 'é', '€', '😀', '\ufeff', '\u0001'];

function randomText(random: RandomValues, bytesMax: number): string {
  let text = '';
  const wanted = random.below(Math.min(bytesMax, 80) + 1);
  const alphabet = random.chance(60) ? letters.slice(0, 3) : letters;
  while (text.length < wanted) {
    const longer = text + random.pick(alphabet);
    if (Buffer.byteLength(longer) > bytesMax) break;
    text = longer;
  }
  return text;
}

function randomInteger(random: RandomValues, base: IntegerType): FieldValue {
  const { bytes, low, high } = integerFacts[base];
  const value = random.bigint(low, high);
  return bytes === 8 ? value : Number(value);
}

const floats = [0, -0, 1.5, -1, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];

function asciiText(random: RandomValues, bytes: number): string {
  const codes = Array.from({ length: random.below(bytes + 1) }, () => 33 + random.below(94));
  return String.fromCharCode(...codes);
}

/** A value of a type that is no group. */
function shapeValue(random: RandomValues, type: TypeShape): FieldValue {
  if (type.kind === 'group') return [];
  if (type.kind === 'bits') return random.below(2 ** type.bits);
  return typeValue(random, type);
}

function typeValue(random: RandomValues, type: TypeModel): FieldValue {
  switch (type.kind) {
    case 'integer':
      if (type.safe) return Number(random.bigint(0n, 2n ** 53n - 1n));
      return randomInteger(random, type.base);
    case 'decimal':
      return randomInteger(random, type.base);
    case 'timestamp':
      return random.u64();
    case 'float':
      return random.chance(50) ? random.pick(floats) : Math.fround(random.u32() / 977 - 1e6);
    case 'bool':
      return random.chance(50);
    case 'flags':
      return Object.fromEntries(Object.keys(type.flags).map((name) => [name, random.chance(50)]));
    case 'enum':
      return random.pick(Object.keys(type.symbols));
    case 'ascii':
      return asciiText(random, type.bytes);
    case 'bytes':
      return random.bytes(type.bytes);
    case 'array':
      return Array.from({ length: type.count }, () => typeValue(random, type.element));
    case 'bits':
      return random.below(2 ** type.bits);
    case 'string':
      return randomText(random, type.bytesMax);
    case 'blob':
      return random.bytes(random.below(type.bytesMax + 1));
    case 'rest':
      return random.bytes(random.below(20));
    case 'group':
      return Array.from({ length: random.below(Math.min(type.countMax, 3) + 1) }, () =>
        randomValues(random, type.block),
      );
  }
}

export type Values = Record<string, FieldValue>;

function isMissing(random: RandomValues, field: FieldModel): boolean {
  if (field.presence !== null) return random.chance(40);
  return field.fallback !== null && random.chance(30);
}

/** A message of the schema, or an entry of a group; what may be missing is, now and then. */
export function randomValues(random: RandomValues, block: BlockModel): Values {
  const values: Values = {};
  for (const field of block.fields) {
    if (!isMissing(random, field)) values[field.name] = typeValue(random, field.type);
  }
  return values;
}

/** The message as `decode` gives it: fallbacks and absent fields filled in. */
export function filled(values: Values, block: BlockModel): Values {
  const entries = block.fields.map((field): [string, FieldValue] => {
    const value = values[field.name];
    if (value === undefined)
      return [field.name, field.presence ? undefined : (field.fallback ?? undefined)];
    if (field.type.kind !== 'group') return [field.name, value];
    const { block: inner } = field.type;
    return [field.name, (value as readonly Values[]).map((entry) => filled(entry, inner))];
  });
  return Object.fromEntries(entries);
}
