// What is common to all comparisons: modes, histories, foreign layouts.
import { describe, expect, it } from 'vitest';
import {
  type AnySchema,
  type Change,
  checkCompatibility,
  layout,
  schema,
  t,
  type Verdict,
} from '../../../../lib/index.js';
import type { Fields } from '../../../../lib/schema/spec.js';
import { read } from '../../../helpers/compatibility.js';

describe('foreign layouts', () => {
  const packed = (fields: Fields) =>
    schema('Wire', 1, fields as never, { layout: layout.packed() });
  const old = packed({ a: t.u32, side: t.enum('x', 'y'), b: t.u16 });

  it.each<[string, AnySchema, Verdict, Change, string]>([
    [
      'a symbol more',
      packed({ a: t.u32, side: t.enum('x', 'y', 'z'), b: t.u16 }),
      'BACKWARD',
      'symbol-added',
      'side',
    ],
    [
      'a field more',
      packed({ a: t.u32, side: t.enum('x', 'y'), b: t.u16, c: t.u8 }),
      'BREAK',
      'field-added',
      'c',
    ],
    ['a field less', packed({ a: t.u32, side: t.enum('x', 'y') }), 'BREAK', 'field-dropped', 'b'],
    [
      'another order',
      packed({ side: t.enum('x', 'y'), a: t.u32, b: t.u16 }),
      'BREAK',
      'field-moved',
      'a',
    ],
    [
      'another name',
      packed({ a: t.u32, side: t.enum('x', 'y'), c: t.u16 }),
      'BREAK',
      'field-renamed',
      'c',
    ],
    [
      'a wider type',
      packed({ a: t.u64, side: t.enum('x', 'y'), b: t.u16 }),
      'BREAK',
      'type-changed',
      'a',
    ],
  ])('are compared by name and place: %s', (_what, next, verdict, change, path) => {
    const result = checkCompatibility(old, next);
    expect(result.verdict).toBe(verdict);
    expect(result.findings).toContainEqual(expect.objectContaining({ change, path }));
  });

  it('break when the byte order or the rule changes', () => {
    const fields = { a: t.u32 };
    const was = schema('Wire', 1, fields, { layout: layout.packed('le') });
    const is = schema('Wire', 1, fields, { layout: layout.packed('be') });
    const { verdict, findings } = checkCompatibility(was, is);
    expect(verdict).toBe('BREAK');
    expect(findings[0]).toMatchObject({ change: 'layout-changed', path: '' });
  });

  it('tell which header fields came, went or changed', () => {
    const fields = { type: t.u8, kind: t.u8, a: t.u32 };
    const plain = schema('Wire', 1, fields, { layout: layout.packed() });
    const typed = schema('Wire', 1, fields, { layout: layout.packed(), header: { type: 'type' } });
    const other = schema('Wire', 1, fields, { layout: layout.packed(), header: { type: 'kind' } });
    expect(checkCompatibility(plain, typed).verdict).toBe('FORWARD');
    expect(checkCompatibility(typed, plain).verdict).toBe('BACKWARD');
    expect(checkCompatibility(typed, other).verdict).toBe('BREAK');
    expect(read(plain, typed, { type: 9, kind: 1, a: 2 })).toMatch(/Wire\.type/);
  });
});

describe('modes', () => {
  const v1 = schema('Order', 7, { a: t.u32, side: t.enum('x') });
  const v2 = v1.extend({}, { symbols: { side: { y: 1 } } });
  const v3 = v2.extend({ b: t.u16.default(0) });
  const history = [v1, v2];

  it.each([
    ['BACKWARD', true],
    ['FORWARD', true],
    ['FULL', true],
    ['BACKWARD_TRANSITIVE', true],
    ['FORWARD_TRANSITIVE', false],
    ['FULL_TRANSITIVE', false],
  ] as const)('%s looks at the newest, with _TRANSITIVE at all of the history', (mode, ok) => {
    const result = checkCompatibility(history, v3, mode);
    expect(result).toMatchObject({ ok, mode });
    const compared = new Set(result.findings.map(({ against }) => against));
    expect([...compared]).toEqual(mode.endsWith('TRANSITIVE') ? [1, 2] : [2]);
  });

  it('are BACKWARD unless one is given', () => {
    expect(checkCompatibility(v1, v2)).toMatchObject({ ok: true, mode: 'BACKWARD' });
    expect(checkCompatibility(v1, v2, 'FORWARD').ok).toBe(false);
  });

  it('say that a verdict holds through a transform only', () => {
    const wide = schema('Order', 7, { a: t.u64, side: t.enum('x') });
    const result = checkCompatibility(v1, wide);
    expect(result).toMatchObject({ ok: true, verdict: 'BACKWARD', transform: true });
    expect(result.findings[0]?.message).toMatch(/transform/);
    expect(checkCompatibility(v1, v2).transform).toBe(false);
  });

  it('refuse what is no schema, no history and no mode', () => {
    expect(() => checkCompatibility([], v1)).toThrow(TypeError);
    expect(() => checkCompatibility({} as never, v1)).toThrow(TypeError);
    expect(() => checkCompatibility(v1, v2, 'NONE' as never)).toThrow(/'FULL_TRANSITIVE'/);
  });
});
