// What correlations keep, as the callbacks of transforms refer to it: like fields of a message, but
// that only transforms can ask for them.
import { optionError } from '../../errors.js';
import type { PlacedField } from '../view.js';
import { type Capture, currentCapture, placeHere } from './capture.js';
import type { CorrelationNode } from './correlate.js';
import { type AnyRef, refOfField } from './refs.js';

const transforms = new WeakSet<Capture>();
const homes = new WeakMap<AnyRef, CorrelationNode>();

/** Notes a run that builds what a transform writes. */
export function noteTransform(run: Capture): void {
  transforms.add(run);
}

/** The reference to a field that a correlation keeps, for the transform that is being built. */
export function keptRef(home: CorrelationNode, field: PlacedField, index: number): AnyRef {
  const run = currentCapture(field.name);
  if (!transforms.has(run)) {
    const expected = 'a use in the callback of a transform';
    throw optionError('ERR_ROUTE', field.name, expected, `one in ${run.subject}`, placeHere());
  }
  const ref = refOfField(field, index, run);
  homes.set(ref, home);
  return ref;
}

/** The correlation that keeps the field; null: it is one of the message. */
export function homeOf(ref: AnyRef): CorrelationNode | null {
  return homes.get(ref) ?? null;
}
