// Views: how the engine gets at the fields of messages whose fields have no fixed place.
import { layoutImage } from '../schema/layout-image.js';
import { nativeHeaderBytes } from '../schema/model.js';
import { fieldKind, isInteger } from './emit-fields.js';
import { noIndex, noRecord, viewKinds, viewOpKinds } from './emit-format.js';
import type { ImageBuilder } from './emit-sections.js';
import type { ContainerIr, FieldIr, RouterIr, SchemaIr, ViewIr, ViewPartIr } from './ir.js';
import { nativeModel } from './view.js';

/** The views of an image by schema index; null: the message is its own view. */
export type Views = readonly (number | null)[];

/** Appends the view of every message type that has one. */
export function emitViews(builder: ImageBuilder, ir: RouterIr): Views {
  return ir.schemas.map((schema) => {
    if (schema.view === undefined) return null;
    const index = builder.sections.views.count;
    if (schema.view.kind === 'native') emitNative(builder, schema, schema.view);
    else emitForeign(builder, schema, schema.view);
    return index;
  });
}

/** A view's index for a record with 16 bits for it. */
export function viewIndex(views: Views, schema: number | null): number {
  return (schema === null ? null : views[schema]) ?? noIndex;
}

function emitNative(
  builder: ImageBuilder,
  { bytes }: SchemaIr,
  view: Extract<ViewIr, { kind: 'native' }>,
): void {
  const { views, layouts } = builder.sections;
  const image = layoutImage(nativeModel(view));
  const start = layouts.bytes.length;
  layouts.append(image).append(new Uint8Array(-image.length & 7));
  views.u8(viewKinds.native, 0, 0, 0).u32(bytes, nativeHeaderBytes, start, image.length, 0, 0, 0);
}

function emitForeign(
  builder: ImageBuilder,
  { bytes, fields }: SchemaIr,
  { fixedBytes, bytesMax, parts }: Extract<ViewIr, { kind: 'foreign' }>,
): void {
  const { views, viewOps } = builder.sections;
  const first = viewOps.count;
  let end = fixedBytes;
  for (const part of parts) {
    emitPart(builder, part, fields, end);
    end += part.kind === 'bits' ? 4 : part.bytes;
  }
  views
    .u8(viewKinds.foreign, 0, 0, 0)
    .u32(bytes, fixedBytes, noRecord, 0, first, parts.length, bytesMax);
}

function emitPart(
  builder: ImageBuilder,
  part: ViewPartIr,
  fields: readonly FieldIr[],
  target: number,
): void {
  const { viewOps } = builder.sections;
  if (part.kind === 'bits') {
    const { offset, shift, bits } = part.container;
    viewOps
      .u8(viewOpKinds.bits, containerKind(part.container), shift, bits)
      .u16(offset, target, 4, 0)
      .u32(0);
    return;
  }
  const field = fields[part.field];
  const load = field !== undefined && isInteger(field) ? fieldKind(field) : 0;
  viewOps
    .u8(viewOpKinds.section, load, 0, 0)
    .u16(field?.offset ?? 0, target, part.bytes, 0)
    .u32(((part.scale << 16) | part.plus) >>> 0);
}

/** The FieldKind of a container. */
export function containerKind({ bytes, order }: ContainerIr): number {
  return bytes - 1 + (order === 'be' && bytes > 1 ? 8 : 0);
}
