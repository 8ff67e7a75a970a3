// The matchers of a route: what finds the first rule that holds. `planMatchers` distributes the
// rules' terms over them; this file writes each in its form. The engine takes the least rule that
// any of them names.
import { optionError } from '../errors.js';
import { tableNs, wordMatcherNs } from './cost.js';
import { emitCells, rulesByClass } from './emit-cells.js';
import {
  answerClasses,
  emitIntegerMap,
  emitMatchField,
  planIntegerMap,
} from './emit-class-maps.js';
import { emitExact } from './emit-exact.js';
import { isInteger } from './emit-fields.js';
import {
  type ClassMapName,
  groupWords,
  imageBytesMax,
  type MatcherName,
  matcherKinds,
  noRecord,
  termsMax,
} from './emit-format.js';
import { emitGroupRows, emitWordRows } from './emit-rows.js';
import type { ImageBuilder } from './emit-sections.js';
import { emitTerms, type Term } from './emit-terms.js';
import { emitTextMap } from './emit-text-maps.js';
import type { DecisionTableIr, RouteIr, SchemaIr } from './ir.js';
import { isTextField } from './lower.js';
import { cellCount, type MatcherPlan, type PlannedField, planMatchers } from './plan-matchers.js';

/** What the emitter chose for one field of a matcher. */
export interface MatchFieldReport {
  readonly field: string;
  readonly map: ClassMapName;
  /** 0: the field is part of a key. */
  readonly classes: number;
}

/** What the emitter chose for some of a route's rules. */
export interface MatcherReport {
  readonly matcher: MatcherName;
  readonly terms: number;
  /** Terms that ask a program as well, because their rule contains arithmetic. */
  readonly programs: number;
  readonly fields: readonly MatchFieldReport[];
  /** Predicted nanoseconds of a lookup. */
  readonly ns: number;
  /** Bytes of its tables in the image. */
  readonly bytes: number;
}

/** What the emitter chose for a route's rules. */
export interface MatchersReport {
  /** The kind of the only matcher; `always`: there is none; `several`: see `matchers`. */
  readonly matcher: MatcherName | 'always' | 'several';
  readonly terms: number;
  readonly programs: number;
  readonly fields: readonly MatchFieldReport[];
  readonly ns: number;
  readonly bytes: number;
  readonly matchers: readonly MatcherReport[];
}

/** Where the matchers of a route lie: fields of the route's record. */
export interface MatchersRef {
  readonly first: number;
  readonly count: number;
  /** The rule for messages that no matcher has one for. */
  readonly otherwise: number;
  readonly report: MatchersReport;
}

/** Appends the matchers of a route's rules. Raw routes pass a null schema. */
export function emitMatchers(
  builder: ImageBuilder,
  route: RouteIr,
  schema: SchemaIr | null,
): MatchersRef {
  const writer = new MatcherWriter(builder, route);
  if (route.table !== undefined && schema !== null) {
    return writer.finish([writer.decisionTable(route.table, schema)], null);
  }
  const { terms, otherwise } = emitTerms(builder, route, schema);
  if (schema === null) {
    const every = terms.length === 0 ? [] : [writer.matcher(everyTerm(terms))];
    return writer.finish(every, otherwise);
  }
  const plan = planMatchers(terms, schema, route.mode === 'all');
  if ('refused' in plan) {
    const { refused } = plan;
    const expected =
      `rules that overlap on several fields expand to at most ${termsMax} conjunctions, ` +
      'or only on one field, or on exact values';
    const cost = `${Math.round(refused.ns)} ns a message and ${Math.round(refused.bytes)} bytes`;
    const received = `${refused.terms} conjunctions, predicted ${cost}`;
    throw optionError('ERR_ROUTE_LIMIT', route.name, expected, received, route.position);
  }
  const written = plan.matchers.map((matcher) => writer.matcher(matcher));
  return writer.finish(written, otherwise);
}

/** The rules of a route of all over raw messages: each of them holds. */
function everyTerm(terms: readonly Term[]): MatcherPlan {
  return { matcher: 'word', terms, fields: [], ns: wordMatcherNs(0, 0, 0), bytes: 0 };
}

/** A matcher's record, before it is written behind those of its route. */
interface Written {
  readonly fields: readonly number[];
  readonly ruleFirst: number;
  readonly table: number;
  readonly count: number;
  readonly groupCount: number;
  readonly keyWords: number;
  readonly pilots: number;
  readonly pilotCount: number;
  readonly seed: bigint;
  readonly report: MatcherReport;
}

const noKeys = { groupCount: 0, keyWords: 0, pilots: 0, pilotCount: 0, seed: 0n };

class MatcherWriter {
  readonly #builder: ImageBuilder;
  readonly #route: RouteIr;

  constructor(builder: ImageBuilder, route: RouteIr) {
    this.#builder = builder;
    this.#route = route;
  }

  matcher(plan: MatcherPlan): Written {
    const bytesBefore = this.#builder.imageBytes;
    const written = this.#written(plan);
    this.#checkBytes();
    const bytes = this.#builder.imageBytes - bytesBefore;
    return { ...written, report: { ...written.report, bytes } };
  }

  #written(plan: MatcherPlan): Written {
    const ruleFirst = plan.terms[0]?.rule ?? 0;
    const report = reportOf(plan);
    if (plan.matcher === 'exact') {
      return { ...noKeys, ruleFirst, report, ...emitExact(this.#builder, plan) };
    }
    if (plan.matcher === 'table') {
      const first = this.#builder.sections.matchFields.count;
      const strides = stridesOf(plan.fields);
      for (const [at, field] of plan.fields.entries()) this.#field(field, strides[at] ?? 1);
      const table = emitCells(this.#builder, plan, strides);
      const fields = [first, plan.fields.length];
      return { ...noKeys, fields, ruleFirst, table, count: cellCount(plan.fields), report };
    }
    if (plan.matcher === 'text') {
      const [first = 0, ...others] = (plan.parts ?? [plan]).map((part) => this.#textRules(part));
      const count = 1 + others.length;
      return { ...noKeys, fields: [0, 0], ruleFirst, table: first, count, report };
    }
    return { ...this.#rows(plan), ruleFirst, report };
  }

  /** A text map whose answers are rules, counted from 1. Returns its number. */
  #textRules(plan: MatcherPlan): number {
    const [only] = plan.fields;
    if (only === undefined || !isTextField(only.field)) {
      const { name, position } = this.#route;
      throw optionError('ERR_ROUTE', name, 'a matcher of one text', plan.fields.length, position);
    }
    const classes = answerClasses(only.field.map, only.classes.starts);
    const rules = rulesByClass(plan);
    const numberOf = (answer: number): number => {
      const rule = rules[classes[answer] ?? 0] ?? noRecord;
      return rule === noRecord ? 0 : rule + 1;
    };
    return emitTextMap(this.#builder, only.field, numberOf, this.#route.rules.length + 1);
  }

  #rows(plan: MatcherPlan): Omit<Written, 'ruleFirst' | 'report'> {
    const { terms, matchFields } = this.#builder.sections;
    const count = plan.terms.length;
    const isWord = plan.matcher === 'word';
    const groupCount = isWord ? 0 : Math.ceil(count / (64 * groupWords));
    const table = terms.count;
    for (const { rule, program } of plan.terms) {
      terms.u32(rule, program?.first ?? 0).u16(program?.count ?? 0, 0);
    }
    const fields = [matchFields.count, plan.fields.length];
    for (const field of plan.fields) {
      const rows = isWord
        ? emitWordRows(this.#builder, field.classes)
        : emitGroupRows(this.#builder, field.classes, count, groupCount);
      this.#field(field, rows);
    }
    return { ...noKeys, fields, table, count, groupCount };
  }

  #field({ field, classes, map }: PlannedField, rows: number): void {
    emitMatchField(this.#builder, emitIntegerMap(this.#builder, classes.starts, field, map), rows);
    this.#checkBytes();
  }

  /** A table that was filled by the user's own function. */
  decisionTable(table: DecisionTableIr, schema: SchemaIr): Written {
    const bytesBefore = this.#builder.imageBytes;
    const fields = table.dimensions.map(({ field: index, starts }): PlannedField => {
      const field = schema.fields[index];
      if (field === undefined || !isInteger(field)) {
        const { name, position } = this.#route;
        throw optionError('ERR_ROUTE', name, 'an integer field', field?.name ?? index, position);
      }
      const classes = { classCount: starts.length + 1, starts, runs: [] };
      return { index, field, classes, map: planIntegerMap(classes, field) };
    });
    const first = this.#builder.sections.matchFields.count;
    const strides = stridesOf(fields);
    for (const [at, field] of fields.entries()) this.#field(field, strides[at] ?? 1);
    const { cells } = this.#builder.sections;
    const start = cells.count;
    for (const rule of table.cells) cells.u32(rule < 0 ? noRecord : rule);
    const mapsNs = fields.reduce((sum, { map }) => sum + map.ns, 0);
    const ns = tableNs(mapsNs, fields.length, table.cells.length * 4);
    const report = reportOf({ matcher: 'table', terms: [], fields, ns, bytes: 0 });
    const bytes = this.#builder.imageBytes - bytesBefore;
    return {
      ...{ ...noKeys, fields: [first, fields.length], ruleFirst: 0, table: start },
      ...{ count: table.cells.length, report: { ...report, bytes } },
    };
  }

  /** Appends the records of the route's matchers, one behind the other. */
  finish(written: readonly Written[], otherwise: number | null): MatchersRef {
    const { matchers } = this.#builder.sections;
    const first = matchers.count;
    for (const each of written) {
      matchers
        .u8(matcherKinds[each.report.matcher], each.keyWords)
        .u16(each.fields[1] ?? 0)
        .u32(each.fields[0] ?? 0, each.ruleFirst, each.table, each.count)
        .u16(each.groupCount, 0)
        .u32(each.pilots, each.pilotCount)
        .u64(each.seed);
    }
    const report = summaryOf(written.map((each) => each.report));
    return { first, count: written.length, otherwise: otherwise ?? noRecord, report };
  }

  #checkBytes(): void {
    const { imageBytes } = this.#builder;
    if (imageBytes <= imageBytesMax) return;
    const expected = `tables of at most ${imageBytesMax} bytes`;
    const { name, position } = this.#route;
    throw optionError('ERR_ROUTE_LIMIT', name, expected, imageBytes, position);
  }
}

/** The cells from one class of a field to its next; the last field counts fastest. */
function stridesOf(fields: readonly PlannedField[]): number[] {
  let stride = 1;
  return fields
    .toReversed()
    .map(({ classes }) => {
      const own = stride;
      stride *= classes.classCount;
      return own;
    })
    .reverse();
}

function reportOf({ matcher, terms, fields, ns, bytes }: MatcherPlan): MatcherReport {
  const isAsked = ({ program }: Term): boolean => program !== null;
  return {
    matcher,
    terms: terms.length,
    programs: terms.filter(isAsked).length,
    fields: fields.map(({ field, map, classes }) => {
      return { field: field.name, map: map.map, classes: classes.classCount };
    }),
    ns: Math.round(ns * 10) / 10,
    bytes,
  };
}

function summaryOf(matchers: readonly MatcherReport[]): MatchersReport {
  const [only, ...others] = matchers;
  const sum = (of: (report: MatcherReport) => number): number =>
    matchers.reduce((total, report) => total + of(report), 0);
  return {
    matcher: only === undefined ? 'always' : others.length === 0 ? only.matcher : 'several',
    terms: sum(({ terms }) => terms),
    programs: sum(({ programs }) => programs),
    fields: matchers.flatMap(({ fields }) => fields),
    ns: sum(({ ns }) => ns),
    bytes: sum(({ bytes }) => bytes),
    matchers,
  };
}
