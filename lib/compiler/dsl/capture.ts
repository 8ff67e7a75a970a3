// What happens inside a callback of the configuration: which conditions and rules were built, and
// whether each was used exactly once. `&&`, `||` and `?:` between conditions are invisible to
// JavaScript objects; here they are found out, so that they never route silently wrong.
import { optionError, type SourcePlace, Words } from '../../errors.js';
import { callerPlace } from '../../schema/position.js';

/** Something built in a callback that has to be used there exactly once. */
export interface Built {
  readonly capture: Capture;
  readonly place: SourcePlace;
  readonly noun: 'condition' | 'rule' | 'check';
  useCount: number;
}

/**
 * A second run of a callback in which conditions are falsy. `a || b` then also builds b, which the
 * first run did not: the runs differ at exactly that place.
 */
interface Probe {
  readonly expected: readonly string[];
  /** Which condition is falsy, counted from 0; null: all of them. */
  readonly falsyIndex: number | null;
  stepIndex: number;
  builtIndex: number;
  divergedAt: SourcePlace | null;
}

/** One run of one callback. */
export interface Capture {
  readonly subject: string;
  /** Whether the places of conditions are looked up. That costs, and only errors name them. */
  readonly isPrecise: boolean;
  /** Whether an error names the place of a condition. */
  hasVagueError: boolean;
  readonly built: Built[];
  readonly steps: string[];
  readonly probe: Probe | null;
}

let current: Capture | null = null;

/** Stands for a condition in a probing run: falsy, and known to what takes conditions. */
export const falsyCondition = 0;

const probePlace: SourcePlace = { file: '<probe>', line: 1, column: 1 };

/** The capture in progress. Throws when no callback is running or `owner` is another one. */
export function currentCapture(what: string, owner: Capture | null = null): Capture {
  if (current !== null && (owner === null || owner === current)) return current;
  const expected = 'a use inside the callback that it belongs to';
  throw optionError('ERR_ROUTE', what, expected, new Words('a use outside of it'), callerPlace());
}

/** Whether a probing run is in progress. */
export function isProbing(): boolean {
  return current?.probe != null;
}

/** The user's position; in probing runs nobody will ask for it. */
export function placeHere(): SourcePlace {
  return isProbing() ? probePlace : callerPlace();
}

function step(capture: Capture, name: string): void {
  const { probe } = capture;
  if (probe === null) capture.steps.push(name);
  else if (probe.divergedAt === null && probe.expected[probe.stepIndex++] !== name) {
    probe.divergedAt = callerPlace();
  }
}

/** Notes that something was built, in the callback that is running. */
export function noteBuilt(capture: Capture, noun: Built['noun'], place: SourcePlace): Built {
  step(capture, `${noun} built`);
  const built: Built = { capture, place, noun, useCount: 0 };
  if (capture.probe === null) capture.built.push(built);
  return built;
}

/** Whether the condition built last is to be falsy in the run in progress. */
export function takesFalsy(capture: Capture): boolean {
  const { probe } = capture;
  if (probe === null) return false;
  const index = probe.builtIndex++;
  return probe.falsyIndex === null || probe.falsyIndex === index;
}

/** Notes a condition. */
export function noteCondition(capture: Capture): Built {
  return noteBuilt(capture, 'condition', capture.isPrecise ? placeHere() : probePlace);
}

/** The place for an error. */
function placeOf({ capture, noun, place }: Built): SourcePlace {
  if (noun === 'condition') capture.hasVagueError = !capture.isPrecise;
  return place;
}

/** Notes that something was used. Throws when it was used before, or belongs elsewhere. */
export function noteUsed(built: Built | null, what: string): void {
  const capture = currentCapture(what, built?.capture ?? null);
  step(capture, `${built?.noun ?? 'condition'} used`);
  if (built === null || capture.probe !== null) return;
  built.useCount += 1;
  if (built.useCount === 1) return;
  const expected = `each ${built.noun} to be used once`;
  throw optionError(
    'ERR_ROUTE',
    what,
    expected,
    new Words(`${built.useCount} uses`),
    placeOf(built),
  );
}

function runIn<Result>(capture: Capture, body: () => Result): Result {
  const outer = current;
  current = capture;
  try {
    return body();
  } finally {
    current = outer;
  }
}

/**
 * Runs a callback. `finish` takes its result, still inside, and uses up what it returned; then
 * everything built must have been used. `probes`: 'all' makes every condition falsy in one more
 * run, 'each' one at a time (for callbacks that call methods on conditions).
 */
export function capture<Returned, Result>(
  subject: string,
  body: (capture: Capture) => Returned,
  finish: (returned: Returned, capture: Capture) => Result,
  probes: 'none' | 'all' | 'each',
): Result {
  const { run, result } = runOnce(subject, body, finish);
  const conditionCount = run.built.filter(({ noun }) => noun === 'condition').length;
  const bodyAlone = (probing: Capture): void => {
    finish(body(probing), probing);
  };
  if (probes === 'all' && conditionCount > 0) runProbe(run, null, bodyAlone);
  if (probes === 'each') {
    for (let index = 0; index < conditionCount; index++) runProbe(run, index, bodyAlone);
  }
  return result;
}

/** The run that counts. One with an error about a condition is repeated, for the place of it. */
function runOnce<Returned, Result>(
  subject: string,
  body: (capture: Capture) => Returned,
  finish: (returned: Returned, capture: Capture) => Result,
): { run: Capture; result: Result } {
  const attempt = (run: Capture): Result => {
    const result = runIn(run, () => finish(body(run), run));
    const unused = run.built.find(({ useCount }) => useCount === 0);
    if (unused !== undefined) throw unusedError(subject, unused);
    return result;
  };
  const run = newCapture(subject, { isPrecise: false });
  try {
    return { run, result: attempt(run) };
  } catch (error) {
    if (run.hasVagueError) attempt(newCapture(subject, { isPrecise: true }));
    throw error;
  }
}

/** A run of which nothing is known yet. */
export function newCapture(
  subject: string,
  { isPrecise, probe = null }: { readonly isPrecise: boolean; readonly probe?: Probe | null },
): Capture {
  return { subject, isPrecise, hasVagueError: false, built: [], steps: [], probe };
}

function runProbe(run: Capture, falsyIndex: number | null, body: (probing: Capture) => void): void {
  const { subject, steps: expected } = run;
  const probe: Probe = { expected, falsyIndex, stepIndex: 0, builtIndex: 0, divergedAt: null };
  const probing = newCapture(subject, { isPrecise: false, probe });
  try {
    runIn(probing, () => body(probing));
  } catch {
    // A method called on the falsy stand-in ends the run here; it has shown what it could.
  }
  if (probe.divergedAt === null) return;
  const wanted = 'conditions joined by or(…), and(…), not(…): `||`, `&&` and `?:` do not work here';
  const received = new Words('a condition joined otherwise');
  throw optionError('ERR_ROUTE', subject, wanted, received, probe.divergedAt);
}

function unusedError(subject: string, built: Built): Error {
  const { noun } = built;
  const place = placeOf(built);
  const hint =
    noun === 'condition'
      ? 'every condition to be used by when, and, or, not or else: `&&` and `?:` do not work here'
      : `every ${noun} to be returned by the callback`;
  const received = new Words(`a ${noun} that is built but not used`);
  return optionError('ERR_ROUTE', subject, hint, received, place);
}
