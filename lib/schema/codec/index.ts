// Messages in JavaScript: whole objects to bytes and back, and flyweights over the bytes. The
// router itself never calls this.
import { foreignCodec } from './foreign.js';
import { generatedCodec } from './generated.js';
import { nativeCodec } from './native.js';
import { type Codec, partsOf } from './parts.js';
import type { CodecPlan } from './plan.js';
import { generatedForeign } from './source-foreign.js';

export { bindMessage } from './bind.js';
export type { Codec } from './parts.js';
export type { CodecPlan } from './plan.js';
export { makeReader } from './reader.js';
export { makeWriter } from './writer.js';

/**
 * Builds the codec of a schema. With `generates` it consists of generated functions, where the
 * process allows that; otherwise tables and closures do the same more slowly.
 */
export function compileCodec(plan: CodecPlan, generates = true): Codec {
  const parts = partsOf(plan);
  if (!parts.layouts.isNative) {
    const codec = foreignCodec(parts);
    return (generates ? generatedForeign(parts, codec.sizeOf) : undefined) ?? codec;
  }
  return (generates ? generatedCodec(parts) : undefined) ?? nativeCodec(parts);
}
