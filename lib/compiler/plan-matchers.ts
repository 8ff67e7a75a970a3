// Chooses the form of a route's rules: which matchers its terms are distributed over, by what a
// lookup is predicted to cost. Pure. Whatever the distribution, the engine takes the least rule
// that any matcher names, so it decides about speed and bytes, never about where messages go.
import {
  aggregatedNs,
  exactNs,
  programsNs,
  tableNs,
  textMatcherNs,
  wordMatcherNs,
} from './cost.js';
import {
  type ClassMapPlan,
  type IntegerClasses,
  integerClasses,
  planIntegerMap,
} from './emit-class-maps.js';
import { type IntegerField, isInteger } from './emit-fields.js';
import {
  groupWords,
  keyWordsMax,
  type MatcherName,
  matchersMax,
  matchFieldsMax,
  termsMax,
  wordTermsMax,
} from './emit-format.js';
import type { Term } from './emit-terms.js';
import type { IntervalsIr, SchemaIr } from './ir.js';
import { tableCellsMax } from './limits.js';
import { isTextField } from './lower.js';
import { perfectHashBytes } from './perfect-hash.js';

/** Cells that are written while such a table is filled. */
const tableWorkMax = 1 << 26;
/** Keys of one hash table, and of one term of it. */
const keysMax = 1 << 19;
const keysPerTermMax = 4_096;
/** Of so many keys a hash table is the fastest there is, so nothing else is tried. */
const keysOnly = 2_048;

/** A field that a matcher decides by. */
export interface PlannedField {
  readonly index: number;
  readonly field: IntegerField;
  readonly classes: IntegerClasses;
  readonly map: ClassMapPlan;
}

/** Terms in the form of one matcher, and what a lookup in it costs. */
export interface MatcherPlan {
  readonly matcher: MatcherName;
  readonly terms: readonly Term[];
  readonly fields: readonly PlannedField[];
  readonly ns: number;
  readonly bytes: number;
  /** Of `text`, if it has several fields: a plan for each. */
  readonly parts?: readonly MatcherPlan[];
}

/** What the rules would cost in the one form that takes any of them, were it not bounded. */
export interface Refusal {
  readonly terms: number;
  readonly ns: number;
  readonly bytes: number;
}

export type RoutePlan =
  | { readonly matchers: readonly MatcherPlan[] }
  | { readonly refused: Refusal };

/**
 * The cheapest distribution of the terms. `every`: all terms in one matcher that can name more than
 * the first of them.
 */
export function planMatchers(terms: readonly Term[], schema: SchemaIr, every: boolean): RoutePlan {
  if (terms.length === 0) return { matchers: [] };
  const together = planTogether(terms, schema, every);
  const plans = every ? [] : partitionsOf(terms).map((parts) => planApart(parts, schema));
  const candidates = [together, ...plans].flatMap((plan) => ('matchers' in plan ? [plan] : []));
  const nsOf = ({ matchers }: { matchers: readonly MatcherPlan[] }): number =>
    matchers.reduce((sum, { ns }) => sum + ns, 0);
  candidates.sort((a, b) => nsOf(a) - nsOf(b));
  return candidates[0] ?? together;
}

/** Terms on the same fields that are worth a matcher of their own, more or fewer of them. */
const groupTermsMin = [9, 65] as const;

/** Ways to take terms apart: each group on the same fields that is large enough, and the rest. */
function partitionsOf(terms: readonly Term[]): readonly (readonly Term[])[][] {
  const groups = new Map<string, Term[]>();
  for (const term of terms) {
    const kind = term.program !== null ? 'program' : isPoints(term) ? 'points' : 'sets';
    const key = `${kind} ${fieldsOf(term).join()}`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [term]);
    else group.push(term);
  }
  const largest = [...groups.values()].filter(([first]) => first?.program === null);
  largest.sort((a, b) => b.length - a.length);
  const counts = groupTermsMin.map(
    (least) => largest.slice(0, matchersMax - 1).filter(({ length }) => length >= least).length,
  );
  return [...new Set(counts)].flatMap((count) => {
    const chosen = largest.slice(0, count);
    const apart = new Set(chosen.flat());
    const rest = terms.filter((term) => !apart.has(term));
    const parts = rest.length === 0 ? chosen : [...chosen, rest];
    // One part is all terms together.
    return parts.length < 2 ? [] : [parts];
  });
}

/** The fields that a term restricts, ascending. */
function fieldsOf({ box }: Term): number[] {
  return [...box.keys()].sort((a, b) => a - b);
}

/** A matcher for each part. */
function planApart(parts: readonly (readonly Term[])[], schema: SchemaIr): RoutePlan {
  const matchers: MatcherPlan[] = [];
  for (const part of parts) {
    const plan = planTogether(part, schema, false);
    if ('refused' in plan) return plan;
    matchers.push(...plan.matchers);
  }
  return { matchers: inOrder(joinTexts(matchers)) };
}

/** Matchers of text are one: their look-ups do not wait for one another. */
function joinTexts(matchers: readonly MatcherPlan[]): readonly MatcherPlan[] {
  const texts = matchers.filter(({ matcher }) => matcher === 'text');
  if (texts.length < 2) return matchers;
  const joined: MatcherPlan = {
    matcher: 'text',
    terms: texts.flatMap(({ terms }) => terms).sort((a, b) => a.rule - b.rule),
    fields: texts.flatMap(({ fields }) => fields),
    ns: texts.reduce((sum, { ns }) => sum + ns, 0),
    bytes: texts.reduce((sum, { bytes }) => sum + bytes, 0),
    parts: texts,
  };
  return [...matchers.filter(({ matcher }) => matcher !== 'text'), joined];
}

/** Programs last, so that they are not asked about rules that come too late anyway. */
function inOrder(matchers: readonly MatcherPlan[]): MatcherPlan[] {
  const isAsked = ({ terms }: MatcherPlan): number =>
    terms.some(({ program }) => program !== null) ? 1 : 0;
  const first = ({ terms }: MatcherPlan): number => terms[0]?.rule ?? 0;
  return [...matchers].sort((a, b) => isAsked(a) - isAsked(b) || first(a) - first(b));
}

/** All terms in one matcher of the cheapest kind. */
function planTogether(terms: readonly Term[], schema: SchemaIr, every: boolean): RoutePlan {
  if (terms.length === 0) return { matchers: [] };
  const plans: MatcherPlan[] = [];
  const isPlain = !every && terms.every(({ program }) => program === null);
  const exact = isPlain ? planExact(terms, schema) : null;
  if (exact !== null && terms.length > keysOnly) return { matchers: [exact] };
  if (exact !== null) plans.push(exact);
  const fields = plannedFields(terms, schema);
  const mapsNs = fields.reduce((sum, { map }) => sum + map.ns, 0);
  const mapBytes = fields.reduce((sum, { map }) => sum + map.bytes, 0);
  const asked = programsNs(terms.reduce((sum, { program }) => sum + (program?.count ?? 0), 0));
  if (isPlain && areTextRules(fields)) {
    const ns = textMatcherNs(mapsNs);
    plans.push({ matcher: 'text', terms, fields, ns, bytes: mapBytes });
  } else if (isPlain && tableWork(fields, terms.length) <= tableWorkMax) {
    const cellBytes = cellCount(fields) * 4;
    const ns = tableNs(mapsNs, fields.length, cellBytes);
    plans.push({ matcher: 'table', terms, fields, ns, bytes: mapBytes + cellBytes });
  }
  const rowBytes = fields.reduce((sum, { classes }) => sum + classes.classCount * 8, 0);
  if (terms.length <= wordTermsMax && fields.length <= matchFieldsMax) {
    const ns = wordMatcherNs(mapsNs, rowBytes, fields.length) + asked;
    plans.push({ matcher: 'word', terms, fields, ns, bytes: mapBytes + rowBytes });
  }
  const groupCount = Math.ceil(terms.length / (64 * groupWords));
  const rows = fields.reduce((sum, field) => sum + groupRowBytes(field, terms.length), 0);
  const ns = aggregatedNs(mapsNs, rows, fields.length, groupCount) + asked;
  const aggregated = { terms, fields, ns, bytes: mapBytes + rows };
  const isFit = fields.length >= 1 && fields.length <= matchFieldsMax;
  if (terms.length <= termsMax && isFit) plans.push({ matcher: 'aggregated', ...aggregated });
  const [best] = plans.sort((a, b) => a.ns - b.ns || a.bytes - b.bytes);
  if (best !== undefined) return { matchers: [best] };
  return { refused: { terms: terms.length, ns, bytes: aggregated.bytes } };
}

/** The fields that the terms restrict; the first integer where a matcher needs one. */
function plannedFields(terms: readonly Term[], schema: SchemaIr): PlannedField[] {
  const indices = new Set(terms.flatMap((term) => [...term.box.keys()]));
  if (indices.size === 0 && terms.length > wordTermsMax) {
    const any = schema.fields.findIndex(isInteger);
    if (any >= 0) indices.add(any);
  }
  const boxes = terms.map(({ box }) => box);
  const fields: PlannedField[] = [];
  for (const [index, field] of schema.fields.entries()) {
    if (!indices.has(index) || !isInteger(field)) continue;
    const classes = integerClasses(boxes, index, field);
    fields.push({ index, field, classes, map: planIntegerMap(classes, field) });
  }
  return fields;
}

/** Whether one text decides, and texts that meet no pattern have no rule: answer 0 is none. */
function areTextRules(fields: readonly PlannedField[]): boolean {
  const [only] = fields;
  if (only === undefined || fields.length > 1 || !isTextField(only.field)) return false;
  return only.classes.runs.every(([first]) => first !== 0);
}

export function cellCount(fields: readonly PlannedField[]): number {
  return fields.reduce((count, { classes }) => count * classes.classCount, 1);
}

/** Cells that are written when each term fills its own; beyond any bound if there are too many. */
function tableWork(fields: readonly PlannedField[], termCount: number): number {
  if (fields.length > matchFieldsMax || cellCount(fields) > tableCellsMax) return Infinity;
  // Over one field every cell is written once.
  if (fields.length === 1) return 0;
  let work = 0;
  for (let term = 0; term < termCount; term += 1) {
    work += fields.reduce((cells, { classes }) => cells * classesHeld(classes.runs[term] ?? []), 1);
  }
  return work;
}

function classesHeld(runs: readonly number[]): number {
  let count = 0;
  for (let at = 0; at < runs.length; at += 2) count += (runs[at + 1] ?? 0) - (runs[at] ?? 0) + 1;
  return count;
}

/** Groups, and the words of those bits that are set, were each stored once. */
function groupRowBytes({ classes }: PlannedField, termCount: number): number {
  const groups = Math.ceil(termCount / (64 * groupWords)) * classes.classCount * 16;
  const held = classes.runs.reduce((sum, runs) => sum + classesHeld(runs), 0);
  return groups + Math.min(held, (classes.classCount * termCount) / 64) * 8;
}

/** Whether the term allows single values only, few enough to list the combinations. */
function isPoints({ box }: Term): boolean {
  let keys = 1;
  for (const intervals of box.values()) keys *= pointCount(intervals);
  return box.size > 0 && keys <= keysPerTermMax;
}

function pointCount(intervals: IntervalsIr): number {
  let count = 0n;
  for (const [low, high] of intervals) count += high - low + 1n;
  return count > keysPerTermMax ? Infinity : Number(count);
}

function planExact(terms: readonly Term[], schema: SchemaIr): MatcherPlan | null {
  const indices = terms[0] === undefined ? [] : fieldsOf(terms[0]);
  const key = indices.join();
  let keyCount = 0;
  for (const term of terms) {
    if (term.box.size !== indices.length || !isPoints(term)) return null;
    if (fieldsOf(term).join() !== key) return null;
    keyCount += [...term.box.values()].reduce((count, set) => count * pointCount(set), 1);
    if (keyCount > keysMax) return null;
  }
  const fields = indices.flatMap((index) => {
    const field = schema.fields[index];
    return field !== undefined && isInteger(field) ? [{ index, field, ...noClasses }] : [];
  });
  // What a text map answers is no value that a key could hold.
  if (fields.some(({ field }) => isTextField(field))) return null;
  const parts = keyParts(fields);
  if (parts === null) return null;
  const bytes = perfectHashBytes(keyCount, parts.wordCount);
  const ns = exactNs(fields.length, parts.wordCount, bytes.pilots, bytes.slots);
  return { matcher: 'exact', terms, fields, ns, bytes: bytes.pilots + bytes.slots };
}

const noClasses: Pick<PlannedField, 'classes' | 'map'> = {
  classes: { classCount: 0, starts: [], runs: [] },
  map: { map: 'keyPart', ns: 0, bytes: 0, steps: 0, shift: 0, belows: [] },
};

/** Where each field lies in the key's words. */
export interface KeyParts {
  readonly wordCount: number;
  readonly places: readonly { readonly word: number; readonly shift: number }[];
}

/** Packs fields into words, side by side while there is room; null: there are too many. */
export function keyParts(fields: readonly Pick<PlannedField, 'field'>[]): KeyParts | null {
  const used: number[] = [];
  const places = fields.map(({ field }) => {
    const bits = field.bytes * 8;
    const room = used.findIndex((taken) => taken + bits <= 64);
    const word = room === -1 ? used.push(0) - 1 : room;
    const shift = used[word] ?? 0;
    used[word] = shift + bits;
    return { word, shift };
  });
  return used.length > keyWordsMax ? null : { wordCount: used.length, places };
}
