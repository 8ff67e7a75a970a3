// Conditions as text for people, close to how they are written in a configuration.
import { isInteger } from '../emit-fields.js';
import type {
  ConditionIr,
  ExprIr,
  FieldIr,
  IntervalsIr,
  PluginCallIr,
  SchemaIr,
  TextConditionIr,
} from '../ir.js';
import { readableValue } from './witness.js';

/** Intervals, terms and patterns that are written out; the rest is counted. */
const shownMax = 8;

const comparisonSigns = { eq: '=', ne: '≠', lt: '<', lte: '≤', gt: '>', gte: '≥' } as const;
const arithmeticSigns = { add: '+', sub: '−', mul: '×' } as const;

/** `side is buy and qty ≥ 10`. */
export function conditionText(condition: ConditionIr, schema: SchemaIr, isNested = false): string {
  switch (condition.kind) {
    case 'in':
      return inText(condition, schema);
    case 'compare': {
      const { left, right, op } = condition;
      return `${exprText(left, schema)} ${comparisonSigns[op]} ${exprText(right, schema)}`;
    }
    case 'not':
      return `not (${conditionText(condition.term, schema)})`;
    case 'plugin':
      return pluginText(condition.call, schema);
    case 'text':
      return patternsText(condition, schema);
    case 'bits': {
      const { field, mask, equal } = condition;
      const name = schema.fields[field]?.name ?? '?';
      return `${name} & 0x${mask.toString(16)} = 0x${equal.toString(16)}`;
    }
    case 'and':
    case 'or':
      return termsText(condition, schema, isNested);
  }
}

/** `plug-in near(lat, lon)`. */
function pluginText({ name, fields }: PluginCallIr, schema: SchemaIr): string {
  const shown = fields.slice(0, shownMax).map((field) => schema.fields[field]?.name ?? '?');
  if (fields.length > shownMax) shown.push(`… (${fields.length - shownMax} more)`);
  return `plug-in ${name}(${shown.join(', ')})`;
}

const textVerbs = { is: 'is', prefix: 'starts with', topic: 'matches' } as const;

function patternsText({ field, test, patterns }: TextConditionIr, schema: SchemaIr): string {
  const shown = patterns
    .slice(0, shownMax)
    .map((hex) => JSON.stringify(Buffer.from(hex, 'hex').toString('utf8')));
  if (patterns.length > shownMax) shown.push(`… (${patterns.length - shownMax} more)`);
  const list = shown.length === 1 ? shown[0] : `one of [${shown.join(', ')}]`;
  return `${schema.fields[field]?.name ?? '?'} ${textVerbs[test]} ${list}`;
}

function termsText(
  { kind, terms }: Extract<ConditionIr, { kind: 'and' | 'or' }>,
  schema: SchemaIr,
  isNested: boolean,
): string {
  if (terms.length === 0) return kind === 'and' ? 'always' : 'never';
  const shown = terms.slice(0, shownMax).map((term) => conditionText(term, schema, true));
  if (terms.length > shownMax) shown.push(`… (${terms.length - shownMax} more)`);
  const text = shown.join(` ${kind} `);
  return isNested && terms.length > 1 ? `(${text})` : text;
}

function inText(
  { value, intervals }: Extract<ConditionIr, { kind: 'in' }>,
  schema: SchemaIr,
): string {
  const field = value.kind === 'field' ? schema.fields[value.field] : undefined;
  const subject = exprText(value, schema);
  if (field === undefined || !isInteger(field)) return `${subject} in ${setText(intervals)}`;
  if (field.bit !== undefined && field.name.endsWith('?')) {
    const isThere = intervals.some(([low, high]) => low <= 1n && high >= 1n);
    return `${field.name.slice(0, -1)} is ${isThere ? 'present' : 'absent'}`;
  }
  const symbols = symbolsText(field, intervals);
  return symbols === null ? boundText(subject, field, intervals) : `${subject} ${symbols}`;
}

/** Of enumerations whose numbers all have a symbol. */
function symbolsText(field: FieldIr, intervals: IntervalsIr): string | null {
  if (field.symbols === null || intervals.some(([low, high]) => high - low > 64n)) return null;
  const values = intervals.flatMap(([low, high]) =>
    Array.from({ length: Number(high - low) + 1 }, (_, index) => low + BigInt(index)),
  );
  const names = values.map((value) => readableValue(field, value));
  if (names.some((name) => typeof name === 'bigint')) return null;
  if (names.length === 1) return `is ${names[0]}`;
  return `in [${names.slice(0, shownMax).join(', ')}${names.length > shownMax ? ', …' : ''}]`;
}

function boundText(subject: string, field: FieldIr, intervals: IntervalsIr): string {
  const [only, ...more] = intervals;
  if (only === undefined) return 'never';
  if (more.length > 0) return `${subject} in ${setText(intervals)}`;
  const [low, high] = only;
  if (low === high) return `${subject} = ${low}`;
  const bits = BigInt(8 * field.bytes);
  const isSigned = field.type.startsWith('i');
  const least = isSigned ? -(1n << (bits - 1n)) : 0n;
  const most = isSigned ? (1n << (bits - 1n)) - 1n : (1n << bits) - 1n;
  if (high >= most) return `${subject} ≥ ${low}`;
  return low <= least ? `${subject} ≤ ${high}` : `${subject} in ${setText(intervals)}`;
}

function setText(intervals: IntervalsIr): string {
  const shown = intervals
    .slice(0, shownMax)
    .map(([low, high]) => (low === high ? `${low}` : `${low}…${high}`));
  if (intervals.length > shownMax) shown.push(`… (${intervals.length - shownMax} more)`);
  return `[${shown.join(', ')}]`;
}

function exprText(expression: ExprIr, schema: SchemaIr, isNested = false): string {
  if (expression.kind === 'const') return String(expression.value);
  if (expression.kind === 'field') return schema.fields[expression.field]?.name ?? '?';
  if (expression.kind === 'count') return `count of ${schema.fields[expression.field]?.name}`;
  const { kind, left, right } = expression;
  const sign = arithmeticSigns[kind];
  const text = `${exprText(left, schema, true)} ${sign} ${exprText(right, schema, true)}`;
  return isNested ? `(${text})` : text;
}

/** The fields that a condition reads, each once. */
export function fieldsRead(condition: ConditionIr): readonly number[] {
  const fields = new Set<number>();
  const visitExpr = (expression: ExprIr): void => {
    if (expression.kind === 'field') fields.add(expression.field);
    else if (expression.kind !== 'const' && expression.kind !== 'count') {
      visitExpr(expression.left);
      visitExpr(expression.right);
    }
  };
  const visit = (inner: ConditionIr): void => {
    switch (inner.kind) {
      case 'in':
        visitExpr(inner.value);
        return;
      case 'compare':
        visitExpr(inner.left);
        visitExpr(inner.right);
        return;
      case 'not':
        visit(inner.term);
        return;
      case 'plugin':
        for (const field of inner.call.fields) fields.add(field);
        return;
      case 'text':
      case 'bits':
        fields.add(inner.field);
        return;
      default:
        for (const term of inner.terms) visit(term);
    }
  };
  visit(condition);
  return [...fields];
}
