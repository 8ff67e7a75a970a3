// The shapes of topic patterns. Patterns of one shape name the same levels, so that a topic can
// meet one of them at most: the one that is found by those levels, in one look-up.
import { topicLevelsMax, topicSigns } from './dsl/patterns.js';
import type { TopicStyle } from './ir.js';

/** What patterns of one shape have in common. */
export interface TopicShape {
  /** Bit n: level n is named, the others are wildcards. */
  readonly named: number;
  /** Levels that a topic has, or at least has if it may go on. */
  readonly levels: number;
  readonly goesOn: boolean;
}

/** Parts of a key that are not its last are filled up with zeros to words of so many bytes. */
const wordBytes = 8;
/** The engine has room for so many bytes of levels that lie apart. */
const apartBytesMax = 256;

/** The shape of a pattern, which is given in hexadecimal. */
export function shapeOf(pattern: string, style: TopicStyle): TopicShape {
  const [, one, rest] = topicSigns[style];
  const levels = levelsOf(pattern, style);
  const goesOn = levels.at(-1) === rest;
  const fixed = goesOn ? levels.slice(0, -1) : levels;
  let named = 0;
  for (const [index, level] of fixed.entries()) if (level !== one) named += 2 ** index;
  // Of NATS the last wildcard stands for one level at least.
  const more = goesOn && style === 'nats' ? 1 : 0;
  return { named, levels: fixed.length + more, goesOn };
}

/** The same for patterns of the same shape alone. */
export function shapeName({ named, levels, goesOn }: TopicShape): string {
  return `${named} of ${levels}${goesOn ? '…' : ''}`;
}

/**
 * The levels that a pattern names, as one text, one character a byte. Levels side by side have
 * their separators between them; where a wildcard follows before the next, the separator stays,
 * and zeros fill up the word, so that what lies apart can be told apart.
 */
export function keyTextOf(pattern: string, style: TopicStyle): string {
  return joinRuns(runsOf(pattern, style), style);
}

/** Whether the engine can look up what the pattern names. */
export function fitsByShape(pattern: string, style: TopicStyle): boolean {
  // No key text has more than its pattern, and a word for each other level.
  if (pattern.length / 2 + (wordBytes * topicLevelsMax) / 2 <= apartBytesMax) return true;
  const runs = runsOf(pattern, style);
  return runs.length < 2 || joinRuns(runs, style).length <= apartBytesMax;
}

function joinRuns(runs: readonly string[], style: TopicStyle): string {
  const [separator] = topicSigns[style];
  return runs.map((run, at) => (at === runs.length - 1 ? run : filledUp(run + separator))).join('');
}

/** Named levels that stand side by side, with their separators. */
function runsOf(pattern: string, style: TopicStyle): string[] {
  const [separator, one, rest] = topicSigns[style];
  const runs: string[] = [];
  let isOpen = false;
  for (const level of levelsOf(pattern, style)) {
    const isNamed = level !== one && level !== rest;
    if (isNamed && isOpen) runs.push(`${runs.pop()}${separator}${level}`);
    else if (isNamed) runs.push(level);
    isOpen = isNamed;
  }
  return runs;
}

function filledUp(text: string): string {
  return text.padEnd(Math.ceil(text.length / wordBytes) * wordBytes, '\0');
}

/** One character a byte. */
function levelsOf(pattern: string, style: TopicStyle): string[] {
  return Buffer.from(pattern, 'hex').toString('latin1').split(topicSigns[style][0]);
}
