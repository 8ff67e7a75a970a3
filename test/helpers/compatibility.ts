// Rows of the table of evolution verdicts: two schemas, what is found, and messages that show it.
import { expect, it } from 'vitest';
import {
  type AnySchema,
  type Change,
  checkCompatibility,
  schema,
  schemaFromJson,
  t,
  type Verdict,
} from '../../lib/index.js';
import type { Fields } from '../../lib/schema/spec.js';

interface Coded extends AnySchema {
  encode(message: object, target: Uint8Array): number;
  decode(source: Uint8Array): Record<string, unknown>;
}

/** What a message of one schema is to another: an object, or the reason why it is none. */
export function read(writer: AnySchema, reader: AnySchema, message: object): unknown {
  const target = new Uint8Array(1024);
  const bytes = (writer as Coded).encode(message, target);
  try {
    return (reader as Coded).decode(target.subarray(0, bytes));
  } catch (error) {
    return (error as Error).message;
  }
}

export function order(fields: Fields): AnySchema {
  return schema('Order', 7, fields as never) as AnySchema;
}

type Json = Record<string, unknown> & { fields: Record<string, unknown>[] };

/** The schema that this change of the canonical JSON makes. */
export function edited(base: AnySchema, edit: (json: Json) => void): AnySchema {
  const json = JSON.parse(JSON.stringify(base)) as Json;
  edit(json);
  return schemaFromJson(json) as AnySchema;
}

export interface Row {
  readonly what: string;
  readonly old: AnySchema;
  readonly next: AnySchema;
  readonly verdict: Verdict;
  readonly findings: readonly (readonly [Change, string, Verdict])[];
  /** An old message, and what new readers make of it. */
  readonly backward?: readonly [message: object, read: unknown];
  /** A new message, and what old readers make of it. */
  readonly forward?: readonly [message: object, read: unknown];
}

function relevant(row: Row, found: readonly { change: Change; path: string; verdict: Verdict }[]) {
  const all = found.map(({ change, path, verdict }) => [change, path, verdict]);
  // Rows about one change leave out what it entails.
  const changes = new Set(row.findings.map(([change]) => change));
  return row.verdict === 'BREAK' ? all.filter(([change]) => changes.has(change as Change)) : all;
}

/** One test for each row. */
export function testRows(rows: readonly Row[]): void {
  it.each(rows)('$what', (row) => {
    const { old, next, verdict, findings, backward, forward } = row;
    const result = checkCompatibility(old, next);
    expect(result.verdict).toBe(verdict);
    expect(result.ok).toBe(verdict === 'FULL' || verdict === 'BACKWARD');
    expect(relevant(row, result.findings)).toEqual(findings);
    for (const finding of result.findings) {
      expect(finding.message).not.toBe('');
      if (finding.verdict !== 'FULL') expect(finding.advice).toMatch(/\w+ \w+/);
    }
    if (backward !== undefined) expect(read(old, next, backward[0])).toEqual(backward[1]);
    if (forward !== undefined) expect(read(next, old, forward[0])).toEqual(forward[1]);
  });
}

export const refused = expect.stringMatching(/wrong.?schema|bad.?block/i);
export const tooLong = expect.stringMatching(/too.?long/i);

/** A message type with a field of every need. */
export const base = schema('Order', 7, {
  id: t.u64,
  qty: t.u32,
  side: t.enum('buy', 'sell'),
  tag: t.string.max(8).optional(),
  note: t.string.max(8),
  lot: t.u16.default(100),
  status: t.flags('open', 'urgent'),
  fills: t.group({ qty: t.u32, kind: t.enum({ a: 0 }, { unknown: 'raw' }) }).max(4),
});
export const message = {
  ...{ id: 1n, qty: 2, side: 'buy', tag: 'x', note: 'n', lot: 3 },
  ...{ status: { open: true, urgent: false }, fills: [{ qty: 4, kind: 'a' }] },
} as const;
