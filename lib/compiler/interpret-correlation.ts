// The oracle's correlations: maps of the entries that are open, in the order of opening. Ids are
// numbered as the engine numbers them, because messages carry them; nothing else is shared with it.
import { readBytes, readField } from './fields.js';
import type { CorrelationIr, FieldIr, LookupIr, OpenIr, RouterIr, SchemaIr } from './ir.js';

/** A value that is kept: a number, or bytes. */
export type Kept = bigint | Uint8Array;

/** A message that waits for what belongs to it. */
export interface OpenEntry {
  readonly id: bigint;
  readonly key: readonly Kept[];
  readonly saved: readonly Kept[];
  /** Addresses: where the message came from and where it went. */
  readonly source: bigint;
  readonly destination: bigint;
  readonly openedAtNs: bigint;
}

/** How many entries are open, and what has happened so far. */
export interface CorrelationCounts {
  readonly open: number;
  readonly opened: number;
  readonly closed: number;
  readonly timedOut: number;
  readonly evicted: number;
  readonly notFound: number;
  readonly refused: number;
}

const nsPerMs = 1_000_000n;
const lowWord = 0xffffffffn;

/** One correlation while a configuration runs. */
export class CorrelationState {
  readonly #ir: CorrelationIr;
  /** By id, the oldest first. */
  readonly #open = new Map<bigint, OpenEntry>();
  /** The newest entry with a key. */
  readonly #newest = new Map<string, bigint>();
  /** Places that were used before, the next one last; behind them those that never were. */
  readonly #freed: number[] = [];
  #freshPlace = 0;
  /** How often each place was taken or freed. */
  readonly #generations = new Map<number, number>();
  readonly #counts = { opened: 0, closed: 0, timedOut: 0, evicted: 0, notFound: 0, refused: 0 };

  constructor(ir: CorrelationIr) {
    this.#ir = ir;
  }

  /** What is open, the oldest first. */
  get entries(): readonly OpenEntry[] {
    return [...this.#open.values()];
  }

  get counts(): CorrelationCounts {
    return { open: this.#open.size, ...this.#counts };
  }

  /** The entry with an id or a key; null: there is none, which is counted. */
  find(by: LookupIr['by'], values: readonly Kept[]): OpenEntry | null {
    const [first] = values;
    const id = by === 'id' ? (first as bigint) : this.#newest.get(keyText(values));
    const found = id === undefined ? undefined : this.#open.get(id);
    if (found === undefined) this.#counts.notFound += 1;
    return found ?? null;
  }

  /** The id that the next entry gets; null: there is no room for one, which is counted. */
  reserve(): bigint | null {
    if (this.#open.size >= this.#ir.capacity && this.#ir.full === 'reject') {
      this.#counts.refused += 1;
      return null;
    }
    const place = this.#freed.at(-1) ?? this.#freshPlace;
    return (BigInt((this.#generations.get(place) ?? 0) + 1) << 32n) | BigInt(place);
  }

  /** Opens an entry under the id that `reserve` gave. */
  open(entry: OpenEntry): void {
    if (this.#freed.pop() === undefined) this.#freshPlace += 1;
    this.#turn(entry.id);
    this.#counts.opened += 1;
    this.#open.set(entry.id, entry);
    this.#newest.set(keyText(entry.key), entry.id);
    const [oldest] = this.#open.values();
    if (this.#open.size <= this.#ir.capacity || oldest === undefined) return;
    this.#counts.evicted += 1;
    this.#remove(oldest);
  }

  /** Closes an entry that was found here, if it is still open. */
  close(entry: OpenEntry): void {
    if (this.#open.get(entry.id) !== entry) return;
    this.#counts.closed += 1;
    this.#remove(entry);
  }

  /** Forgets what has waited for too long. */
  sweep(nowNs: bigint): void {
    const timeoutNs = BigInt(this.#ir.timeoutMs) * nsPerMs;
    for (const entry of [...this.#open.values()]) {
      if (entry.openedAtNs + timeoutNs > nowNs) continue;
      this.#counts.timedOut += 1;
      this.#remove(entry);
    }
  }

  #remove({ id, key }: OpenEntry): void {
    this.#open.delete(id);
    const text = keyText(key);
    if (this.#newest.get(text) === id) this.#newest.delete(text);
    this.#turn(id);
    this.#freed.push(Number(id & lowWord));
  }

  #turn(id: bigint): void {
    const place = Number(id & lowWord);
    this.#generations.set(place, (this.#generations.get(place) ?? 0) + 1);
  }
}

/** Correlations of a configuration that has just started. */
export function initialCorrelations({ correlations = [] }: RouterIr): readonly CorrelationState[] {
  return correlations.map((correlation) => new CorrelationState(correlation));
}

/** Fields as they are kept: numbers and bytes. */
function keptFields(schema: SchemaIr, fields: readonly number[], view: Uint8Array): Kept[] {
  return fields.map((index) => {
    const field = schema.fields[index] as FieldIr;
    return field.type === 'bytes' ? readBytes(view, field).slice() : readField(view, field);
  });
}

function keyText(values: readonly Kept[]): string {
  return values.map((value) => (typeof value === 'bigint' ? `${value}` : value.join())).join('/');
}

/** What a lookup finds for a message; null: nothing. */
export function lookUp(
  states: readonly CorrelationState[],
  { correlation, by, fields }: LookupIr,
  schema: SchemaIr,
  view: Uint8Array,
): OpenEntry | null {
  return states[correlation]?.find(by, keptFields(schema, fields, view)) ?? null;
}

/** What an entry has of a message. */
export function keptOf(
  schema: SchemaIr,
  { key, saved }: OpenIr,
  view: Uint8Array,
): Pick<OpenEntry, 'key' | 'saved'> {
  return {
    key: keptFields(schema, key, view),
    saved: keptFields(schema, saved, view),
  };
}
