// What a transform writes to one field, as the objects that a callback returns.
import { optionError, type SourcePlace } from '../../errors.js';
import type { IntegerType } from '../../schema/model.js';
import { placeHere } from './capture.js';
import { type CodeReference, codeReference } from './codes.js';
import type { CorrelationNode } from './correlate.js';
import type {
  AnyRef,
  BytesFieldRef,
  GroupFieldRef,
  NumberFieldRef,
  SymbolFieldRef,
} from './refs.js';
import type { Cell } from './tabulate.js';

/** What a transform writes, before reject codes have numbers. */
export type ValueNode =
  | { readonly kind: 'field'; readonly ref: AnyRef; readonly type: IntegerType | 'bytes' }
  | {
      readonly kind: 'map';
      readonly ref: AnyRef;
      /** Target symbols or numbers by source symbol. */
      readonly targets: Readonly<Record<string, string | bigint>>;
    }
  /** What a function answered for each value; undefined: it is rejected. */
  | {
      readonly kind: 'table';
      readonly ref: NumberFieldRef | SymbolFieldRef;
      readonly cells: readonly Cell[];
      readonly answers: readonly unknown[];
    }
  /** `bytes`: of the output, as was said. */
  | { readonly kind: 'text'; readonly ref: BytesFieldRef; readonly bytes: number }
  /** `decimals`: of the result. */
  | { readonly kind: 'scale'; readonly ref: NumberFieldRef; readonly decimals: number }
  | {
      readonly kind: 'group';
      readonly ref: GroupFieldRef;
      readonly build: (entry: unknown) => unknown;
    }
  | { readonly kind: 'correlation-id'; readonly correlation: CorrelationNode }
  | { readonly kind: 'found-id'; readonly correlation: CorrelationNode }
  | { readonly kind: 'return-address' | 'sequence' | 'reject-code' };

/** What stands for an optional field that is absent. */
export type AbsentNode =
  | { readonly kind: 'value'; readonly value: unknown }
  | { readonly kind: 'reject'; readonly code: CodeReference };

/** A value for one output field. `narrowing`: what a value that does not fit is rejected with. */
export class OutputValue {
  readonly value: ValueNode;
  readonly narrowing: CodeReference | null;
  readonly place: SourcePlace;
  readonly absent: AbsentNode | null;

  constructor(
    value: ValueNode,
    narrowing: CodeReference | null,
    place: SourcePlace,
    absent: AbsentNode | null = null,
  ) {
    this.value = value;
    this.narrowing = narrowing;
    this.place = place;
    this.absent = absent;
  }

  /** What is written where the optional field is absent. */
  orElse(value: unknown): OutputValue {
    return this.#with({ kind: 'value', value }, 'orElse');
  }

  /** The code with which a message without the optional field is rejected. */
  orRejectAbsent(name: unknown, code?: unknown): OutputValue {
    const reference = codeReference(name, code, 'orRejectAbsent', placeHere());
    return this.#with({ kind: 'reject', code: reference }, 'orRejectAbsent');
  }

  #with(absent: AbsentNode, what: string): OutputValue {
    const ref = 'ref' in this.value ? this.value.ref : null;
    needOptional(ref, what);
    return new OutputValue(this.value, this.narrowing, this.place, absent);
  }
}

/** `o.tier.tabulate(…)`: where the function has no answer, `orReject` says what happens. */
export class TableNode extends OutputValue {
  orReject(name: unknown, code?: unknown): OutputValue {
    const place = placeHere();
    const narrowing = codeReference(name, code, 'tabulate.orReject', place);
    return new OutputValue(this.value, narrowing, place, this.absent);
  }
}

function needOptional(ref: AnyRef | null, what: string): void {
  if (ref !== null && ref.field.presence !== null) return;
  const expected = 'the value of an optional field';
  throw optionError('ERR_ROUTE', what, expected, ref?.field.name ?? 'no field', placeHere());
}

/** `o.qty.to('u16')` where it can fail: not an output until it says what happens then. */
export class NarrowingNode {
  readonly #ref: NumberFieldRef;
  readonly #type: IntegerType;

  constructor(ref: NumberFieldRef, type: IntegerType) {
    this.#ref = ref;
    this.#type = type;
  }

  orReject(name: unknown, code?: unknown): OutputValue {
    const place = placeHere();
    const option = `${this.#ref.text}.to('${this.#type}').orReject`;
    const narrowing = codeReference(name, code, option, place);
    const value = { kind: 'field', ref: this.#ref, type: this.#type } as const;
    return new OutputValue(value, narrowing, place);
  }
}

/** `o.symbol.fit(6)`: not an output until it says what happens to what does not fit. */
export class FitNode {
  readonly #ref: BytesFieldRef;
  readonly #bytes: number;

  constructor(ref: BytesFieldRef, bytes: number) {
    this.#ref = ref;
    this.#bytes = bytes;
  }

  orReject(name: unknown, code?: unknown): OutputValue {
    const place = placeHere();
    const option = `${this.#ref.field.name}.fit(${this.#bytes}).orReject`;
    const narrowing = codeReference(name, code, option, place);
    const value = { kind: 'text', ref: this.#ref, bytes: this.#bytes } as const;
    return new OutputValue(value, narrowing, place);
  }
}

/** `o.price.rescale(2)`: not an output until it says what happens to what does not fit. */
export class RescaleNode {
  readonly #ref: NumberFieldRef;
  readonly #decimals: number;

  constructor(ref: NumberFieldRef, decimals: number) {
    this.#ref = ref;
    this.#decimals = decimals;
  }

  orReject(name: unknown, code?: unknown): OutputValue {
    const place = placeHere();
    const option = `${this.#ref.text}.rescale(${this.#decimals}).orReject`;
    const narrowing = codeReference(name, code, option, place);
    const value = { kind: 'scale', ref: this.#ref, decimals: this.#decimals } as const;
    return new OutputValue(value, narrowing, place);
  }
}
