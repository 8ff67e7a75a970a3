// Random transforms: an output schema grown from an input schema, field by field, with every way
// there is to get a value from one to the other.
import type { IntegerType } from '../../lib/index.js';
import { type AnySchema, layout, schema, t, transform } from '../../lib/index.js';
import {
  type BlockModel,
  type ByteOrder,
  type FieldModel,
  integerFacts,
  type TypeModel,
} from '../../lib/schema/model.js';
import { FieldSpec, type Fields } from '../../lib/schema/spec.js';
import type { RandomValues } from './random-values.js';

type Entry = Readonly<Record<string, Conversions>>;

/** Everything that a reference of any type can be asked, without the type checker's help. */
interface Conversions {
  to(type: string): unknown;
  rescale(digits: number): Conversions;
  orReject(code: string): unknown;
  orElse(value: unknown): unknown;
  orRejectAbsent(code: string): unknown;
  map(build: unknown): unknown;
}

/** How one field of the output is made. */
interface Plan {
  readonly name: string;
  readonly spec: FieldSpec;
  readonly value: (entry: Entry) => unknown;
}

const integers: readonly IntegerType[] = ['u8', 'u16', 'u32', 'u64', 'i8', 'i16', 'i32', 'i64'];

export interface RandomTransform {
  readonly to: AnySchema;
  readonly transform: unknown;
}

/** A transform of messages of `from` into messages of a schema of its own. */
export function randomTransform(random: RandomValues, from: AnySchema): RandomTransform {
  const order = random.chance(50) ? 'le' : 'be';
  const foreign = random.chance(25) ? order : null;
  const plans = plansOf(random, from.model.block, foreign);
  const fields = Object.fromEntries(plans.map(({ name, spec }) => [name, spec])) as Fields;
  const rule = random.chance(50) ? layout.packed(order) : layout.c(order);
  const to =
    foreign !== null ? schema('To', 9, fields, { layout: rule }) : schema('To', 9, fields, {});
  const made = transform(
    from as never,
    to as never,
    ((entry: Entry) => built(plans, entry)) as never,
  );
  return { to: to as AnySchema, transform: made };
}

function built(plans: readonly Plan[], entry: Entry): object {
  return Object.fromEntries(
    plans.flatMap(({ name, value }) => {
      const made = value(entry);
      return made === undefined ? [] : [[name, made]];
    }),
  );
}

function plansOf(random: RandomValues, block: BlockModel, foreign: ByteOrder | null): Plan[] {
  const plans = block.fields
    .filter(() => random.chance(85))
    .flatMap((field) => planOf(random, field, foreign) ?? []);
  plans.push({ name: 'constant', spec: t.i32, value: () => -5 });
  if (foreign === null && random.chance(50)) {
    plans.push({ name: 'extra', spec: t.u16.default(7), value: () => undefined });
    plans.push({ name: 'fixed', spec: t.u8.optional(), value: () => 3 });
  }
  plans.sort(() => random.below(3) - 1);
  if (foreign === null || random.chance(50)) return plans;
  const high: Plan = { name: 'high', spec: t.bits(3), value: () => 5 };
  return [...plans, high, { name: 'low', spec: t.bits(5), value: () => 9 }];
}

function planOf(
  random: RandomValues,
  field: FieldModel,
  foreign: ByteOrder | null,
): Plan | undefined {
  const { name, type } = field;
  // Arrays go over in one order of bytes only.
  const isTurned = type.kind === 'array' && field.order !== (foreign ?? 'le');
  if (isTurned) return undefined;
  const made = madeOf(random, name, type, foreign);
  if (made === undefined) return undefined;
  const { spec, value } = made;
  if (field.presence === null) {
    const isOptional = foreign === null && random.chance(20);
    return { name, spec: isOptional ? spec.optional() : spec, value };
  }
  const absent = absence(random, field);
  if (foreign === null && (absent === undefined || random.chance(50))) {
    return { name, spec: spec.optional(), value };
  }
  if (absent === undefined) return undefined;
  // What stands for an absent value is written as it is: the type stays.
  const same = new FieldSpec(type as never);
  return isSlot(type) || (foreign === null && !isNativeType(type))
    ? undefined
    : { name, spec: same, value: (entry) => absent(entry[name]) };
}

function isSlot({ kind }: TypeModel): boolean {
  return kind === 'string' || kind === 'blob' || kind === 'group';
}

type Absence = (ref: Conversions | undefined) => unknown;

function absence(random: RandomValues, { type }: FieldModel): Absence | undefined {
  if (isSlot(type) || type.kind === 'rest') return undefined;
  if (random.chance(40)) return (ref) => ref?.orRejectAbsent('ABSENT');
  switch (type.kind) {
    case 'integer':
    case 'timestamp':
    case 'decimal':
      return (ref) => ref?.orElse(1);
    case 'enum':
      return (ref) => ref?.orElse(Object.keys(type.symbols)[0]);
    case 'bool':
      return (ref) => ref?.orElse(true);
    default:
      return (ref) => ref?.orRejectAbsent('ABSENT');
  }
}

interface Made {
  readonly spec: FieldSpec;
  readonly value: (entry: Entry) => unknown;
}

/** Whether the native layout has the type. */
function isNativeType(type: TypeModel): boolean {
  const element = type.kind === 'array' ? type.element : type;
  if (element.kind === 'integer') return (integers as readonly string[]).includes(element.base);
  return element.kind !== 'ascii' || element.pad === 'zero';
}

function madeOf(
  random: RandomValues,
  name: string,
  type: TypeModel,
  foreign: ByteOrder | null,
): Made | undefined {
  if (foreign === null && !isNativeType(type) && type.kind !== 'integer') return undefined;
  const same = (entry: Entry): unknown => entry[name];
  switch (type.kind) {
    case 'integer':
      return integerTo(random, name, type.base, foreign);
    case 'decimal': {
      const digits = random.between(0, Math.min(18, type.scale + 3));
      const spec = t.decimal(digits, { base: random.pick(['i64', 'u32', 'i16']) });
      if (digits === type.scale) return { spec: new FieldSpec(type), value: same };
      return { spec, value: (entry) => entry[name]?.rescale(digits).orReject('DIGITS') };
    }
    case 'float':
      return { spec: random.chance(50) ? t.f64 : new FieldSpec(type), value: same };
    case 'enum':
      if (random.chance(50)) return { spec: new FieldSpec(type), value: same };
      return enumTo(name, Object.keys(type.symbols));
    case 'bits':
      return { spec: t.u16, value: narrowed(name, 'u16') };
    case 'string':
    case 'blob': {
      if (foreign !== null) return undefined;
      const max = random.between(1, 40);
      const spec = type.kind === 'string' ? t.string.max(max) : t.blob.max(max);
      return { spec, value: (entry) => entry[name]?.orReject('LONG') };
    }
    case 'group':
      return foreign !== null ? undefined : groupTo(random, name, type.block, type.countMax);
    case 'rest':
      return undefined;
    default:
      return { spec: new FieldSpec(type), value: same };
  }
}

function integerTo(
  random: RandomValues,
  name: string,
  base: IntegerType,
  foreign: ByteOrder | null,
): Made {
  if (foreign !== null && random.chance(30) && integerFacts[base].low === 0n) {
    // A field of bits and the rest of its byte.
    const isWide = integerFacts[base].high > integerFacts.u32.high;
    const value = isWide ? narrowed(name, 'u32') : (entry: Entry): unknown => entry[name];
    return { spec: t.bits(8), value };
  }
  const target = random.pick(foreign !== null ? [base, ...integers] : integers);
  const spec = new FieldSpec({ kind: 'integer', base: target, safe: false });
  const [inner, outer] = [integerFacts[base], integerFacts[target]];
  if (inner.low >= outer.low && inner.high <= outer.high) {
    return { spec, value: (entry) => entry[name] };
  }
  return { spec, value: narrowed(name, target) };
}

/** A conversion that not every value survives. */
function narrowed(name: string, target: string): (entry: Entry) => unknown {
  return (entry) => (entry[name]?.to(target) as Conversions | undefined)?.orReject('NARROW');
}

function enumTo(name: string, symbols: readonly string[]): Made {
  const names = symbols.map((symbol, index) => [`other_${symbol}`, index * 3] as const);
  const map = Object.fromEntries(symbols.map((symbol) => [symbol, `other_${symbol}`]));
  const spec = t.enum(Object.fromEntries(names), { base: 'i32' });
  return { spec: spec as FieldSpec, value: (entry) => entry[name]?.map(map) };
}

function groupTo(random: RandomValues, name: string, block: BlockModel, countMax: number): Made {
  const plans = plansOf(random, block, null);
  const fields = Object.fromEntries(plans.map((plan) => [plan.name, plan.spec]));
  const spec = t.group(fields as Fields).max(countMax + random.below(2)) as FieldSpec;
  return { spec, value: (entry) => entry[name]?.map((inner: Entry) => built(plans, inner)) };
}
