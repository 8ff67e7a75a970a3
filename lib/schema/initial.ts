// Native messages and entries in which nothing was set: defaults, and zero everywhere else. What
// older messages lack is taken from these, and whatever writes begins with them.
import { fixedCodec } from './codec/fixed.js';
import { viewsOf } from './codec/views.js';
import {
  type BlockModel,
  type FixedModel,
  nativeHeaderBytes,
  newestBytes,
  type SchemaModel,
} from './model.js';

/** The fixed part of an entry of a group, without a header. */
export function initialBlock(block: BlockModel): Uint8Array {
  const bytes = new Uint8Array(newestBytes(block));
  const views = viewsOf(bytes, '');
  for (const { type, order, offset, fallback } of [...block.fields, ...block.removed]) {
    if (fallback !== null) fixedCodec(type as FixedModel, order).put(views, offset, fallback);
  }
  return bytes;
}

/** A whole message: header and fixed part. */
export function initialMessage(model: SchemaModel): Uint8Array {
  const block = initialBlock(model.block);
  const bytes = new Uint8Array(nativeHeaderBytes + block.length);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, Number(model.templateId), true);
  view.setUint8(2, model.version);
  view.setUint16(4, block.length, true);
  view.setUint16(6, model.fingerprints.at(-1) ?? 0, true);
  bytes.set(block, nativeHeaderBytes);
  return bytes;
}
