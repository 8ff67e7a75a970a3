// Patterns of text: what may be asked of a field, as bytes in hexadecimal.
import type { FieldIr, TextTest, TopicStyle } from '../ir.js';

/** The most bytes of a pattern. */
export const patternBytesMax = 65_535;
/** The most levels of a topic's pattern. */
export const topicLevelsMax = 32;

/** What separates the levels of topics, stands for one level, and for all that are left. */
export const topicSigns: Readonly<Record<TopicStyle, readonly [string, string, string]>> = {
  mqtt: ['/', '+', '#'],
  nats: ['.', '*', '>'],
};

/** What a pattern for the field should have been; null when it is one. `pattern`: hexadecimal. */
export function patternFault(
  field: FieldIr,
  test: TextTest,
  style: TopicStyle | null,
  pattern: string,
): string | null {
  const count = pattern.length / 2;
  const most = field.type === 'string' ? (field.limit ?? 0) : field.bytes;
  const text = Buffer.from(pattern, 'hex').toString('latin1');
  if (test === 'topic') return topicFault(text, style ?? 'mqtt');
  if (test === 'prefix' && count === 0) return 'at least one character';
  if (count > Math.min(most, patternBytesMax)) {
    return `at most ${most} bytes: a comparison that can be true`;
  }
  if (field.type === 'bytes' && field.pad === undefined) {
    return test === 'prefix' || count === most ? null : `${most} bytes, as ${field.name} has`;
  }
  if (text.includes('\0')) return 'text without NUL';
  const padding = field.pad === 'space' ? ' ' : '\0';
  const isPadded = field.type === 'bytes' && text.endsWith(padding);
  return isPadded ? 'text that does not end like the padding of the field' : null;
}

function topicFault(pattern: string, style: TopicStyle): string | null {
  const [separator, one, rest] = topicSigns[style];
  if (pattern.includes('\0')) return 'a topic without NUL';
  if (pattern.length > patternBytesMax) return `a topic of at most ${patternBytesMax} bytes`;
  const levels = pattern.split(separator);
  if (levels.length > topicLevelsMax) return `a topic of at most ${topicLevelsMax} levels`;
  if (!pattern.includes(one) && !pattern.includes(rest)) return null;
  for (const [index, level] of levels.entries()) {
    const hasSign = level.includes(one) || level.includes(rest);
    if (hasSign && level.length > 1) return `${one} and ${rest} as levels of their own`;
    if (level === rest && index < levels.length - 1) return `${rest} as the last level`;
  }
  return null;
}
