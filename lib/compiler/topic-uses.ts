// Which topics of a route are looked up by the shapes of their patterns, and which by an automaton.
// By shapes it is one look-up for each shape, and none waits for another. An automaton takes any
// patterns, and says of all at once which of them a topic meets.
import type { ConditionIr, RouteIr, TextConditionIr } from './ir.js';
import { fitsByShape, shapeName, shapeOf, type TopicShape } from './topic-shapes.js';

/** Matchers that shapes of topics may take of those that a route has; some are left for others. */
const shapesMax = 6;
/** For fewer patterns of several shapes, an automaton is small, and asked once. */
const mixedPatternsMin = 1_024;

/** The patterns that a route holds one text against in the same way share a map of this name. */
export function mapName({ field, test, style }: TextConditionIr): string {
  return `text ${field} ${test}${style === undefined ? '' : ` ${style}`}`;
}

/** The patterns of one shape that a route holds a topic against. */
export interface ShapedPatterns {
  readonly name: string;
  readonly shape: TopicShape;
  readonly patterns: string[];
}

/** Of each pattern, those of the same shape. */
export type PatternShapes = ReadonlyMap<string, ShapedPatterns>;

interface Use {
  readonly patterns: Map<string, ShapedPatterns>;
  readonly shapes: Map<string, ShapedPatterns>;
  /** Whether rules that ask for it ask nothing else, so that each shape can have a matcher. */
  isAlone: boolean;
  fits: boolean;
}

/** The maps that are taken apart by shapes, by their names. */
export function topicsByShape({
  mode,
  checks,
  rules,
}: RouteIr): ReadonlyMap<string, PatternShapes> {
  const uses = new Map<string, Use>();
  for (const { condition } of checks) note(uses, condition, true);
  for (const { when } of rules) if (when !== null) note(uses, when, true);
  const apart = new Map<string, PatternShapes>();
  let shapeCount = 0;
  for (const [name, { patterns, shapes, isAlone, fits }] of uses) {
    const isMixed = shapes.size > 1;
    const isWorth = isAlone && mode !== 'all' && patterns.size >= mixedPatternsMin;
    if (!fits || (isMixed && (!isWorth || shapeCount + shapes.size > shapesMax))) continue;
    if (isMixed) shapeCount += shapes.size;
    apart.set(name, patterns);
  }
  return apart;
}

function note(uses: Map<string, Use>, condition: ConditionIr, isWhole: boolean): void {
  if (condition.kind === 'and' || condition.kind === 'or') {
    for (const term of condition.terms) note(uses, term, false);
  } else if (condition.kind === 'not') {
    note(uses, condition.term, false);
  } else if (condition.kind === 'text' && condition.test === 'topic') {
    const name = mapName(condition);
    const known = uses.get(name);
    const use = known ?? { patterns: new Map(), shapes: new Map(), isAlone: true, fits: true };
    if (known === undefined) uses.set(name, use);
    use.isAlone &&= isWhole;
    for (const pattern of condition.patterns) notePattern(use, pattern, condition);
  }
}

function notePattern(use: Use, pattern: string, { style = 'mqtt' }: TextConditionIr): void {
  // Of more shapes there is an automaton, whatever they are.
  if (use.patterns.has(pattern) || use.shapes.size > shapesMax) return;
  const shape = shapeOf(pattern, style);
  const name = shapeName(shape);
  const shaped = use.shapes.get(name) ?? { name, shape, patterns: [] };
  use.shapes.set(name, shaped);
  use.patterns.set(pattern, shaped);
  shaped.patterns.push(pattern);
  use.fits &&= fitsByShape(pattern, style);
}
