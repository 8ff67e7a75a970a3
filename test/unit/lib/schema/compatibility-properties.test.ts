// Verdicts are true: for random histories of random schemas, with mistakes among them, messages
// are read as the verdict says. HYPERROUTE_SEED repeats a run.
import { expect, test } from 'vitest';
import { type AnySchema, checkCompatibility } from '../../../../lib/index.js';
import type { FieldValue } from '../../../../lib/schema/model.js';
import {
  meaningOf,
  mutate,
  randomForeignSchema,
  randomHistory,
  spiced,
} from '../../../helpers/evolution.js';
import { testSeed } from '../../../helpers/random.js';
import { randomValues } from '../../../helpers/random-models.js';
import { RandomValues } from '../../../helpers/random-values.js';

const seed = testSeed();
const cases = 100;

interface Coded extends AnySchema {
  encode(message: object, target: Uint8Array): number;
  sizeOf(message: object): number;
  decode(source: Uint8Array): Record<string, FieldValue>;
}

interface Outcome {
  /** Messages that the reader refused or took for something else. */
  misread: number;
}

/** Lets `reader` read random messages of `writer`, and throws where it must understand one. */
function readAll(
  random: RandomValues,
  writer: AnySchema,
  reader: AnySchema,
  mustRead: boolean,
): Outcome {
  const [writing, reading] = [writer as Coded, reader as Coded];
  let misread = 0;
  for (let round = 0; round < 6; round++) {
    const { block } = writer.model;
    const message = spiced(random, randomValues(random, block), block);
    const bytes = new Uint8Array(writing.sizeOf(message));
    writing.encode(message, bytes);
    const known = writing.decode(bytes);
    try {
      expect(reading.decode(bytes)).toEqual(meaningOf(known, block, reader.model.block));
    } catch (error) {
      if (mustRead) throw error;
      misread += 1;
    }
  }
  return { misread };
}

function describePair(old: AnySchema, next: AnySchema, verdict: string): string {
  return `${verdict}\n${JSON.stringify(old)}\n${JSON.stringify(next)}`;
}

function forCases(body: (random: RandomValues) => void): void {
  for (let index = 0; index < cases; index++) {
    try {
      body(new RandomValues(seed + index));
    } catch (error) {
      throw new Error(`HYPERROUTE_SEED=${seed}, case ${index}`, { cause: error });
    }
  }
}

/** Compares, reads both ways, and gives the verdict with what was misread either way. */
function judge(random: RandomValues, old: AnySchema, next: AnySchema) {
  const { verdict, transform, findings } = checkCompatibility(old, next);
  const [backward, forward] = [
    (verdict === 'FULL' || verdict === 'BACKWARD') && !transform,
    verdict === 'FULL' || verdict === 'FORWARD',
  ];
  try {
    const back = readAll(random, old, next, backward);
    const forth = readAll(random, next, old, forward);
    return { verdict, transform, findings, back, forth };
  } catch (error) {
    throw new Error(describePair(old, next, verdict), { cause: error });
  }
}

test('all versions of a schema that grew by extension read each other', () => {
  forCases((random) => {
    const history = randomHistory(random);
    for (const old of history) {
      for (const next of history) {
        const { verdict } = judge(random, old, next);
        expect(verdict, describePair(old, next, verdict)).toBe('FULL');
      }
    }
  });
});

function isSame(old: AnySchema, next: AnySchema, index: number): boolean {
  return old.model.fingerprints[index] === next.model.fingerprints[index];
}

test('what a verdict allows works, and what it denies can fail', () => {
  const shown = new Map<string, number>();
  let allowed = 0;
  forCases((random) => {
    const history = randomHistory(random);
    const base = random.pick(history);
    const next = mutate(random, base);
    if (next === undefined) return;
    const again = random.chance(30) ? mutate(random, next) : undefined;
    const newest = again ?? next;
    for (const old of history) {
      const { verdict, transform, findings, back, forth } = judge(random, old, newest);
      if (verdict === 'FULL') allowed += 1;
      const isMisread = back.misread > 0 || forth.misread > 0;
      const isOther = findings.some(({ change }) => change === 'not-extended');
      // Two schemas can have one fingerprint by chance; then nothing but luck tells them apart.
      const written = old.model.version - 1;
      const isChecked = newest.model.version > written && !isSame(old, newest, written);
      if (isOther && isChecked && old.model.version === newest.model.version) {
        expect(isMisread, describePair(old, newest, verdict)).toBe(true);
      }
      if (transform && isChecked) expect(back.misread, describePair(old, newest, verdict)).toBe(6);
      if (!isMisread) continue;
      expect(verdict).not.toBe('FULL');
      for (const { change, verdict: own } of findings) {
        if (own !== 'FULL') shown.set(change, (shown.get(change) ?? 0) + 1);
      }
    }
  });
  expect(allowed).toBeGreaterThan(cases / 10);
  expect(shown.get('not-extended')).toBeGreaterThan(0);
});

test('what a verdict about foreign layouts allows works', () => {
  const verdicts = new Set<string>();
  forCases((random) => {
    const old = randomForeignSchema(random);
    const next = old && mutate(random, old);
    if (old !== undefined && next !== undefined) verdicts.add(judge(random, old, next).verdict);
  });
  expect([...verdicts]).toEqual(expect.arrayContaining(['FULL', 'BREAK']));
});
