// What a comparison of two schemas finds, and how single findings make one verdict.

/**
 * Who can read whose messages: `BACKWARD` new readers those of old writers, `FORWARD` old readers
 * those of new writers, `FULL` both, `BREAK` neither for sure.
 */
export type Verdict = 'FULL' | 'BACKWARD' | 'FORWARD' | 'BREAK';

/** What was changed. */
export type Change =
  | 'not-extended'
  | 'version-lowered'
  | 'template-id-changed'
  | 'name-changed'
  | 'layout-changed'
  | 'header-changed'
  | 'doc-changed'
  | 'field-added'
  | 'field-removed'
  | 'field-dropped'
  | 'field-restored'
  | 'field-renamed'
  | 'fields-reordered'
  | 'field-moved'
  | 'need-changed'
  | 'id-reused'
  | 'type-changed'
  | 'type-widened'
  | 'range-changed'
  | 'scale-changed'
  | 'base-changed'
  | 'default-added'
  | 'default-changed'
  | 'default-removed'
  | 'max-raised'
  | 'max-lowered'
  | 'symbol-added'
  | 'symbol-removed'
  | 'symbol-renumbered'
  | 'unknown-changed'
  | 'flag-added'
  | 'flag-removed'
  | 'flag-renumbered';

/** One difference between two schemas. */
export interface Finding {
  readonly change: Change;
  /** The field, such as `price` or `fills[].qty`; empty for the schema itself. */
  readonly path: string;
  /** What this difference alone would allow. */
  readonly verdict: Verdict;
  /** The version of the schema that the new one was compared with. */
  readonly against: number;
  /** Whether only a transform makes the verdict true: read as it is, a message is no message. */
  readonly transform: boolean;
  /** What is different, and why that matters. */
  readonly message: string;
  /** What to do instead; null where nothing need be done. */
  readonly advice: string | null;
}

/** Which direction a difference leaves intact. */
export interface Effect {
  readonly backward: boolean;
  readonly forward: boolean;
}

export const harmless: Effect = { backward: true, forward: true };
export const backwardOnly: Effect = { backward: true, forward: false };
export const forwardOnly: Effect = { backward: false, forward: true };
export const breaking: Effect = { backward: false, forward: false };

export function verdictOf({ backward, forward }: Effect): Verdict {
  if (backward) return forward ? 'FULL' : 'BACKWARD';
  return forward ? 'FORWARD' : 'BREAK';
}

/** What holds when all of these hold. */
export function meet(verdicts: readonly Verdict[]): Verdict {
  const allows = (other: Verdict): boolean =>
    verdicts.every((verdict) => verdict === 'FULL' || verdict === other);
  return verdictOf({ backward: allows('BACKWARD'), forward: allows('FORWARD') });
}

/** One comparison under way: the versions it is about, and what it has found so far. */
export class Comparison {
  readonly findings: Finding[] = [];
  readonly isNative: boolean;
  readonly oldVersion: number;
  readonly newVersion: number;
  /** Whether the bytes of a version that both have are not the same in both. */
  isTorn = false;
  /** Whether a field has become wider, which moves what lies behind it. */
  isWidened = false;
  readonly #moves: Finding[] = [];

  constructor(isNative: boolean, oldVersion: number, newVersion: number) {
    this.isNative = isNative;
    this.oldVersion = oldVersion;
    this.newVersion = newVersion;
  }

  /** Versions up to this one exist on both sides. */
  get commonVersion(): number {
    return Math.min(this.oldVersion, this.newVersion);
  }

  add(change: Change, path: string, effect: Effect, message: string, advice?: string): void {
    this.findings.push(this.#finding(change, path, effect, message, advice, false));
  }

  /** A difference in the bytes of a version that both have. */
  tear(change: Change, path: string, message: string, advice: string): void {
    this.isTorn = true;
    this.add(change, path, breaking, message, advice);
  }

  widen(path: string, message: string, advice: string): void {
    this.isWidened = true;
    const finding = this.#finding('type-widened', path, backwardOnly, message, advice, true);
    this.findings.push(finding);
  }

  /** A field at another place, which counts only if no wider field explains it. */
  move(path: string, message: string, advice: string): void {
    this.#moves.push(this.#finding('field-moved', path, breaking, message, advice, false));
  }

  /** Decides about moved fields once all fields are known. */
  settle(): void {
    if (this.#moves.length === 0 || (this.isWidened && !this.isTorn)) return;
    this.isTorn = true;
    this.findings.push(...this.#moves);
  }

  #finding(
    change: Change,
    path: string,
    effect: Effect,
    message: string,
    advice: string | undefined,
    transform: boolean,
  ): Finding {
    const verdict = verdictOf(effect);
    const against = this.oldVersion;
    return { change, path, verdict, against, transform, message, advice: advice ?? null };
  }
}
