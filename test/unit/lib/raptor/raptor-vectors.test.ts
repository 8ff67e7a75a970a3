// The golden vectors of Raptor that are checked in are what the specification's own writer makes.
import { expect, it } from 'vitest';
import {
  readSessionVectors,
  sessionVectorText,
  writeSessionVectors,
} from '../../../helpers/raptor-session-vectors.js';
import {
  raptorVectors,
  raptorVectorText,
  readRaptorVectors,
  writeRaptorVectors,
} from '../../../helpers/raptor-vectors.js';

const updates = process.env.HYPERROUTE_UPDATE_VECTORS === '1';

it('the checked-in packets and frames are as made', () => {
  const text = raptorVectorText();
  if (updates) writeRaptorVectors(text);
  expect(readRaptorVectors()).toBe(text);
});

it('the checked-in sessions are as made', () => {
  const text = sessionVectorText();
  if (updates) writeSessionVectors(text);
  expect(readSessionVectors()).toBe(text);
});

it('no bytes are both taken and refused', () => {
  const seen = new Map<string, string>();
  for (const { kind, isGood, bytes, text } of raptorVectors) {
    const key = `${kind} ${bytes.toString('hex')}`;
    expect(seen.get(key), text).toBeUndefined();
    seen.set(key, `${isGood}`);
  }
});
