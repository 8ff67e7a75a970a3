// Brings conditions on bits, text and counts into the form that tables decide: sets of values of
// integer fields. Parts of a field are fields of their own here (the bytes of a mask, the start of
// a text); where a text has no such form, a text map says which of a route's patterns it meets,
// and the number of its answer is the field. The result is executed, never stored.
import { optionError } from '../errors.js';
import { integerFacts } from '../schema/model.js';
import { type Interval, unite } from './intervals.js';
import type {
  BitsConditionIr,
  ConditionIr,
  ExprIr,
  FieldIr,
  IntegerType,
  IntervalsIr,
  RouteIr,
  SchemaIr,
  SourcePosition,
  TextConditionIr,
} from './ir.js';
import { buildLevelsMap, buildTextMap, type MapPlace, type TextMap } from './text-maps.js';
import { mapName, type PatternShapes, type ShapedPatterns, topicsByShape } from './topic-uses.js';

/** Up to so many bytes a text of a fixed size is an integer. */
const keyBytesMax = 8;
const integerBySize: Readonly<Record<number, IntegerType>> = {
  ...{ 1: 'u8', 2: 'u16', 3: 'u24', 4: 'u32', 5: 'u40', 6: 'u48', 8: 'u64' },
};

/** A field whose value is the answer of a text map. */
export interface TextField extends FieldIr {
  readonly type: 'u32';
  readonly map: TextMap;
  readonly home: TextHome;
}

/** The view in which a text map finds its text. */
export interface TextHome {
  readonly messageBytes: number;
  /** Its index in the image. */
  readonly view: number;
}

export function isTextField(field: FieldIr): field is TextField {
  return 'map' in field;
}

/** A route whose conditions are about integers only, and the message type with the parts. */
export interface LoweredRoute {
  readonly route: RouteIr;
  readonly schema: SchemaIr | null;
}

/**
 * Lowers a route. The fields of the message type keep their indices; parts and answers follow.
 * Throws HyperRouteError ERR_ROUTE_LIMIT, with the predicted bytes, for patterns whose tables would
 * be too large.
 */
export function lowerRoute(route: RouteIr, schema: SchemaIr | null, view: number): LoweredRoute {
  if (schema === null) return { route, schema };
  const lowering = new Lowering(schema, route, view);
  for (const { condition } of route.checks) lowering.collect(condition);
  for (const { when } of route.rules) if (when !== null) lowering.collect(when);
  if (!lowering.hasWork) return { route, schema };
  const checks = route.checks.map((check) => ({
    ...check,
    condition: lowering.condition(check.condition),
  }));
  const rules = route.rules.map((rule) =>
    rule.when === null ? rule : { ...rule, when: lowering.condition(rule.when) },
  );
  return {
    route: { ...route, checks, rules },
    schema: { ...schema, fields: lowering.fields },
  };
}

/** For those who take what `lowerRoute` gives, and nothing else. */
export function unlowered(kind: string): never {
  throw new TypeError(`a condition of kind ${kind} where it was to be lowered`);
}

class Lowering {
  readonly fields: FieldIr[];
  hasWork = false;
  readonly #position: SourcePosition;
  readonly #option: string;
  readonly #home: TextHome;
  readonly #indices = new Map<string, number>();
  /** The patterns of each text map, by its name. */
  readonly #patterns = new Map<string, Set<string>>();
  /** Of those that are taken apart. */
  readonly #shapes: ReadonlyMap<string, PatternShapes>;

  constructor(schema: SchemaIr, route: RouteIr, view: number) {
    this.#home = { messageBytes: schema.bytes, view };
    this.fields = [...schema.fields];
    this.#option = route.name;
    this.#position = route.position;
    this.#shapes = topicsByShape(route);
  }

  /** Notes the patterns that share a map. */
  collect(condition: ConditionIr): void {
    switch (condition.kind) {
      case 'and':
      case 'or':
        for (const term of condition.terms) this.collect(term);
        return;
      case 'not':
        this.collect(condition.term);
        return;
      case 'text': {
        this.hasWork = true;
        if (isKey(this.#field(condition.field), condition)) return;
        const name = mapName(condition);
        if (this.#shapes.has(name)) return;
        const known = this.#patterns.get(name) ?? new Set();
        for (const pattern of condition.patterns) known.add(pattern);
        this.#patterns.set(name, known);
        return;
      }
      case 'bits':
        this.hasWork = true;
        return;
      case 'plugin':
        return;
      case 'in':
        this.hasWork ||= hasCount(condition.value);
        return;
      default:
        this.hasWork ||= hasCount(condition.left) || hasCount(condition.right);
    }
  }

  condition(condition: ConditionIr): ConditionIr {
    switch (condition.kind) {
      case 'and':
      case 'or': {
        const { kind, terms } = condition;
        return { kind, terms: terms.map((term) => this.condition(term)) };
      }
      case 'not':
        return { kind: 'not', term: this.condition(condition.term) };
      case 'plugin':
        return condition;
      case 'bits':
        return this.#bits(condition);
      case 'text':
        return this.#text(condition);
      case 'in':
        return hasCount(condition.value)
          ? { ...condition, value: this.#expression(condition.value) }
          : condition;
      default: {
        const { left, right } = condition;
        if (!hasCount(left) && !hasCount(right)) return condition;
        return { ...condition, left: this.#expression(left), right: this.#expression(right) };
      }
    }
  }

  #field(index: number): FieldIr {
    const field = this.fields[index];
    if (field !== undefined) return field;
    throw optionError('ERR_ROUTE', this.#option, 'a field of the message', index, this.#position);
  }

  /** The index of a part of a message, which is made when it is first asked for. */
  #part(name: string, make: () => FieldIr): number {
    const known = this.#indices.get(name);
    if (known !== undefined) return known;
    const index = this.fields.push(make()) - 1;
    this.#indices.set(name, index);
    return index;
  }

  #integerPart(name: string, type: IntegerType, order: 'le' | 'be', offset: number): number {
    const { bytes } = integerFacts[type];
    return this.#part(name, () => ({ name, type, order, offset, bytes, symbols: null }));
  }

  #expression(expression: ExprIr): ExprIr {
    if (expression.kind === 'const' || expression.kind === 'field') return expression;
    if (expression.kind === 'count') {
      const { name, offset } = this.#field(expression.field);
      const field = this.#integerPart(`${name}.count`, 'u32', 'le', offset + 4);
      return { kind: 'field', field };
    }
    const { kind, left, right } = expression;
    return { kind, left: this.#expression(left), right: this.#expression(right) };
  }

  /** One interval where the mask has the first bits, else a set of values for each of its bytes. */
  #bits({ field: index, mask, equal }: BitsConditionIr): ConditionIr {
    const field = this.#field(index);
    const rest = BigInt.asUintN(8 * field.bytes, ~mask);
    if (!field.type.startsWith('i') && (rest & (rest + 1n)) === 0n) {
      return inField(index, [[equal, equal | rest]]);
    }
    const terms: ConditionIr[] = [];
    for (let byte = 0; byte < field.bytes; byte += 1) {
      const shift = BigInt(8 * byte);
      const wanted = Number((mask >> shift) & 0xffn);
      if (wanted === 0) continue;
      const offset = field.offset + (field.order === 'le' ? byte : field.bytes - 1 - byte);
      const part = this.#integerPart(`${field.name}[${byte}]`, 'u8', 'le', offset);
      terms.push(inField(part, bytesWith(wanted, Number((equal >> shift) & 0xffn))));
    }
    return terms.length === 1 ? (terms[0] as ConditionIr) : { kind: 'and', terms };
  }

  #text(condition: TextConditionIr): ConditionIr {
    const field = this.#field(condition.field);
    if (isKey(field, condition)) return this.#key(field, condition);
    const name = mapName(condition);
    const shapes = this.#shapes.get(name);
    if (shapes !== undefined) return this.#topic(field, condition, shapes);
    const index = this.#textPart(name, field, (place) => {
      const patterns = [...(this.#patterns.get(name) ?? [])];
      return buildTextMap(field, condition.test, condition.style ?? null, patterns, place);
    });
    return this.#meets(index, condition.patterns);
  }

  /** For each shape of patterns a field of its own. */
  #topic(field: FieldIr, condition: TextConditionIr, shapes: PatternShapes): ConditionIr {
    const asked = new Map<ShapedPatterns, string[]>();
    for (const pattern of condition.patterns) {
      const shaped = shapes.get(pattern);
      if (shaped === undefined) throw new TypeError(`a pattern without a shape: ${pattern}`);
      const known = asked.get(shaped);
      if (known === undefined) asked.set(shaped, [pattern]);
      else known.push(pattern);
    }
    const style = condition.style ?? 'mqtt';
    const terms = [...asked].map(([{ name, shape, patterns }, wanted]) => {
      const index = this.#textPart(`${mapName(condition)} ${name}`, field, (place) =>
        buildLevelsMap(field, style, shape, patterns, place),
      );
      return this.#meets(index, wanted);
    });
    return terms.length === 1 ? (terms[0] as ConditionIr) : { kind: 'or', terms };
  }

  /** The field of a text map's answer. */
  #textPart(name: string, field: FieldIr, make: (place: MapPlace) => TextMap): number {
    return this.#part(name, () => {
      const map = make({ option: this.#option, position: this.#position });
      const { offset, order } = field;
      const home = this.#home;
      const text: TextField = {
        ...{ name, type: 'u32', order, offset, bytes: 4, symbols: null },
        ...{ map, home },
      };
      return text;
    });
  }

  #meets(index: number, patterns: readonly string[]): ConditionIr {
    const { map } = this.fields[index] as TextField;
    return inField(index, unite(patterns.flatMap((pattern) => map.answers(pattern))));
  }

  /** Text of a few bytes in order, most significant first: its start is an interval. */
  #key(field: FieldIr, { test, patterns }: TextConditionIr): ConditionIr {
    const parts = partsOf(field.bytes);
    const boxes = patterns.map((pattern) => {
      const bytes = new Uint8Array(Buffer.from(pattern, 'hex'));
      const low = new Uint8Array(field.bytes).fill(test === 'is' ? paddingOf(field) : 0);
      const high = test === 'is' ? low.slice() : new Uint8Array(field.bytes).fill(0xff);
      low.set(bytes);
      high.set(bytes);
      return parts.map(({ start, bytes: count }): Interval => {
        return [bigEndian(low, start, count), bigEndian(high, start, count)];
      });
    });
    const indices = parts.map(({ start, type }) =>
      this.#integerPart(`${field.name}[${start}..]`, type, 'be', field.offset + start),
    );
    const [first] = indices;
    if (indices.length === 1 && first !== undefined) {
      return inField(first, unite(boxes.flat()));
    }
    const terms = boxes.map((box): ConditionIr => {
      const tests = box.map((interval, part) => inField(indices[part] ?? 0, [interval]));
      return { kind: 'and', terms: tests };
    });
    return terms.length === 1 ? (terms[0] as ConditionIr) : { kind: 'or', terms };
  }
}

function isKey(field: FieldIr, { test }: TextConditionIr): boolean {
  return field.type === 'bytes' && field.bytes <= keyBytesMax && test !== 'topic';
}

function hasCount(expression: ExprIr): boolean {
  if (expression.kind === 'count') return true;
  if (expression.kind === 'const' || expression.kind === 'field') return false;
  return hasCount(expression.left) || hasCount(expression.right);
}

function inField(field: number, intervals: IntervalsIr): ConditionIr {
  return { kind: 'in', value: { kind: 'field', field }, intervals };
}

/** The bytes whose bits under the mask are as wanted. */
function bytesWith(mask: number, equal: number): IntervalsIr {
  const values = Array.from({ length: 256 }, (_unused, value) => value);
  const points = values.filter((value) => (value & mask) === equal).map(BigInt);
  return unite(points.map((value) => [value, value]));
}

interface Part {
  readonly start: number;
  readonly bytes: number;
  readonly type: IntegerType;
}

/** The integers that a text of up to 8 bytes consists of: one, but of 7 bytes two. */
function partsOf(bytes: number): readonly Part[] {
  const type = integerBySize[bytes];
  if (type !== undefined) return [{ start: 0, bytes, type }];
  return [
    { start: 0, bytes: 4, type: 'u32' },
    { start: 4, bytes: 3, type: 'u24' },
  ];
}

function paddingOf({ pad }: FieldIr): number {
  return pad === 'space' ? 0x20 : 0;
}

function bigEndian(bytes: Uint8Array, start: number, count: number): bigint {
  const part = bytes.subarray(start, start + count);
  return part.reduce((value, octet) => (value << 8n) | BigInt(octet), 0n);
}
