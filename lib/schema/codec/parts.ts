// What the two ways of running a codec share.
import { isSlotType } from '../model.js';
import { type Malformed, malformedOf, type Refuse, refuseOf } from './faults.js';
import { type FixedCodec, fixedCodec } from './fixed.js';
import { type CodecPlan, type FieldPlan, type Layouts, layoutsOf } from './plan.js';

export interface Codec {
  /**
   * Writes the message at `offset` of `target`, nothing at or behind `end`, and returns its bytes.
   * Throws TypeError or RangeError; then the bytes from `offset` to `end` are unspecified.
   */
  readonly encode: (message: object, target: Uint8Array, offset: number, end?: number) => number;
  /** Bytes that `encode` writes for the message. */
  readonly sizeOf: (message: object) => number;
  /** Reads the message from `offset` to `end`; throws HyperRouteError ERR_MESSAGE. */
  readonly decode: (source: Uint8Array, offset: number, end: number) => Record<string, unknown>;
}

export interface CodecParts {
  readonly layouts: Layouts;
  /** By index of the field; null for variable ones. */
  readonly codecs: readonly (FixedCodec | null)[];
  readonly refuse: Refuse;
  readonly malformed: Malformed;
}

export function partsOf(plan: CodecPlan): CodecParts {
  const layouts = layoutsOf(plan);
  return {
    layouts,
    codecs: layouts.fields.map(codecOf),
    refuse: refuseOf(layouts),
    malformed: malformedOf(layouts),
  };
}

function codecOf({ type, model }: FieldPlan): FixedCodec | null {
  return type.kind === 'rest' || isSlotType(type) ? null : fixedCodec(type, model.order);
}
