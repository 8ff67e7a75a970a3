// The matcher of a route: class maps for each field, a row of bits for each class, one bit for
// each term (a conjunction of a rule's conditions, in the order of the rules). The engine ANDs
// the rows that a message's values select; the first bit left names the rule.
import { optionError } from '../errors.js';
import { emitIntegerMap, emitMatchField, integerClasses } from './emit-class-maps.js';
import { type Box, candidateBoxes, exactBoxes, hasArithmetic } from './emit-conditions.js';
import { type IntegerField, isInteger } from './emit-fields.js';
import {
  type ClassMapName,
  groupWords,
  imageBytesMax,
  type MatcherName,
  matchFieldsMax,
  termsMax,
  wordTermsMax,
} from './emit-format.js';
import { emitProgram, type ProgramRef } from './emit-programs.js';
import { emitGroupRows, emitWordRows } from './emit-rows.js';
import type { ImageBuilder } from './emit-sections.js';
import type { RouteIr, RuleIr, SchemaIr } from './ir.js';

/** What the emitter chose for one field of a matcher. */
export interface MatchFieldReport {
  readonly field: string;
  readonly map: ClassMapName;
  readonly classes: number;
}

/** What the emitter chose for a route's rules. */
export interface MatcherReport {
  readonly matcher: MatcherName;
  readonly terms: number;
  /** Terms that ask a program as well, because their rule contains arithmetic. */
  readonly programs: number;
  readonly fields: readonly MatchFieldReport[];
}

/** Where the parts of a matcher lie: the fields of the route's record. */
export interface MatcherRef {
  readonly firstField: number;
  readonly fieldCount: number;
  readonly firstTerm: number;
  readonly termCount: number;
  readonly groupCount: number;
  readonly report: MatcherReport;
}

interface Term {
  readonly rule: number;
  readonly box: Box;
  readonly program: ProgramRef | null;
}

/** Appends the matcher of a route's rules. Raw routes pass a null schema. */
export function emitMatcher(
  builder: ImageBuilder,
  route: RouteIr,
  schema: SchemaIr | null,
): MatcherRef {
  const always = route.rules[0]?.when === null;
  const terms = always ? [] : emitTerms(builder, route, schema);
  const aggregated = terms.length > wordTermsMax;
  const groupCount = aggregated ? Math.ceil(terms.length / (64 * groupWords)) : 0;
  const fields = schema === null ? [] : matchedFields(terms, schema, aggregated);
  if (fields.length > matchFieldsMax) {
    const expected = `conditions on at most ${matchFieldsMax} fields`;
    throw optionError('ERR_ROUTE_LIMIT', route.name, expected, fields.length, route.position);
  }
  if (aggregated && fields.length === 0) {
    const expected = `at most ${wordTermsMax} conditions on a message without integer fields`;
    throw optionError('ERR_ROUTE_LIMIT', route.name, expected, terms.length, route.position);
  }
  const { terms: termSection, matchFields } = builder.sections;
  const firstTerm = termSection.count;
  for (const { rule, program } of terms) {
    termSection.u32(rule, program?.first ?? 0).u16(program?.count ?? 0, 0);
  }
  const firstField = matchFields.count;
  const reports = fields.map((field) => emitField(builder, route, terms, field, groupCount));
  return {
    firstField,
    fieldCount: fields.length,
    firstTerm,
    termCount: terms.length,
    groupCount,
    report: {
      matcher: always ? 'always' : aggregated ? 'aggregated' : 'word',
      terms: terms.length,
      programs: terms.filter((term) => term.program !== null).length,
      fields: reports,
    },
  };
}

function emitTerms(builder: ImageBuilder, route: RouteIr, schema: SchemaIr | null): Term[] {
  const terms: Term[] = [];
  for (const [rule, ruleIr] of route.rules.entries()) {
    const found = ruleTerms(builder, route, ruleIr, rule, schema);
    terms.push(...found);
    if (terms.length > termsMax) {
      const expected = `rules that expand to at most ${termsMax} conjunctions in all`;
      const option = `${route.name}.rules[${rule}]`;
      throw optionError('ERR_ROUTE_LIMIT', option, expected, terms.length, ruleIr.position);
    }
    // Nothing behind a rule that always holds is ever asked.
    if (found.some((term) => term.box.size === 0 && term.program === null)) break;
  }
  return terms;
}

function ruleTerms(
  builder: ImageBuilder,
  route: RouteIr,
  { when, position }: RuleIr,
  rule: number,
  schema: SchemaIr | null,
): readonly Term[] {
  if (when === null) return [{ rule, box: new Map(), program: null }];
  const option = `${route.name}.rules[${rule}]`;
  if (schema === null) {
    throw optionError('ERR_ROUTE', option, 'no condition on raw messages', when, position);
  }
  const context = { schema, option, position };
  if (!hasArithmetic(when)) {
    return exactBoxes(when, context).map((box) => ({ rule, box, program: null }));
  }
  const boxes = candidateBoxes(when, context);
  if (boxes.length === 0) return [];
  const program = emitProgram(builder, when, context);
  return boxes.map((box) => ({ rule, box, program }));
}

interface MatchedField {
  readonly index: number;
  readonly field: IntegerField;
}

function matchedFields(terms: readonly Term[], schema: SchemaIr, aggregated: boolean) {
  const indices = new Set(terms.flatMap((term) => [...term.box.keys()]));
  const fields: MatchedField[] = [];
  for (const [index, field] of schema.fields.entries()) {
    if (indices.has(index) && isInteger(field)) fields.push({ index, field });
  }
  // The aggregated matcher starts from a field's rows, so it needs one even if none decides.
  const index = schema.fields.findIndex(isInteger);
  const field = schema.fields[index];
  if (aggregated && fields.length === 0 && field !== undefined && isInteger(field)) {
    fields.push({ index, field });
  }
  return fields;
}

function emitField(
  builder: ImageBuilder,
  route: RouteIr,
  terms: readonly Term[],
  { index, field }: MatchedField,
  groupCount: number,
): MatchFieldReport {
  const boxes = terms.map(({ box }) => box);
  const classes = integerClasses(boxes, index, field);
  const ref = emitIntegerMap(builder, classes, field);
  const rows =
    groupCount === 0
      ? emitWordRows(builder, classes)
      : emitGroupRows(builder, classes, terms.length, groupCount);
  emitMatchField(builder, ref, rows);
  if (builder.imageBytes > imageBytesMax) {
    const expected = `tables of at most ${imageBytesMax} bytes`;
    throw optionError('ERR_ROUTE_LIMIT', route.name, expected, builder.imageBytes, route.position);
  }
  return { field: field.name, map: ref.map, classes: ref.classCount };
}
