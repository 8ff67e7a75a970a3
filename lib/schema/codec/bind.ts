// The structure check of native messages: after it, reading any field of the message's version
// stays inside the message. The native side does the same, code for code.
import { messageFaults } from '../../codes.js';
import { nativeHeaderBytes, nativeMessageBytesMax, type SchemaModel } from '../model.js';
import { bindSource } from './bind-source.js';
import { checkPlace } from './faults.js';
import { compileFunction } from './generate.js';
import {
  type BlockPlan,
  type DataPlan,
  type FieldPlan,
  type GroupPlan,
  isGroup,
  type Layouts,
  layoutsOf,
} from './plan.js';
import { viewsOf } from './views.js';

/** Checks the message from position `at` to `end` of the buffer; 0 or a `messageFaults` code. */
export type Bind = (view: DataView, at: number, end: number) => number;

/** Whether a message of this version has blocks of this size, and its fingerprint. */
export type CheckBlock = (version: number, blockBytes: number, fingerprint: number) => number;

/**
 * The structure check of a native schema: returns 0 or the `messageFaults` code of the first rule
 * that the bytes from `offset` to `end` break. Synchronous, allocates nothing after the first call
 * on a buffer. The function throws TypeError or RangeError for a place outside of `source`.
 *
 * @example
 * ```ts
 * const bind = bindMessage(Order.model);
 * if (bind(frame, 0, frame.length) !== 0) drop(frame);
 * ```
 */
export function bindMessage(
  model: SchemaModel,
  generates = true,
): (source: Uint8Array, offset: number, end: number) => number {
  if (model.layout.kind !== 'native') {
    throw new TypeError(`${model.name}: expected a schema of the native layout`);
  }
  const layouts = layoutsOf({ model, header: new Map(), sizeField: null });
  const bind = compileBind(layouts, generates);
  return (source, offset, end) => {
    const { base, view } = viewsOf(source, model.name);
    checkPlace(model.name, source, offset, end);
    return bind(view, base + offset, base + end);
  };
}

export function compileBind(layouts: Layouts, generates: boolean): Bind {
  const tools = bindTools(layouts);
  const names = 'const { checkBlock, faultOf } = tools;';
  const text = `(() => { ${names} return ${bindSource(layouts)}; })()`;
  return (generates ? compileFunction<Bind>(text, tools) : undefined) ?? tools.faultOf;
}

/** What the text of `bindSource` names. */
export function bindTools(layouts: Layouts): {
  readonly checkBlock: CheckBlock;
  readonly faultOf: Bind;
} {
  const checkBlock = blockCheck(layouts);
  const faultOf: Bind = (view, at, end) => new BindRun(view, at, end).message(layouts, checkBlock);
  return { checkBlock, faultOf };
}

/** A newer writer's block or stride: mine and more. */
function isGrown(bytes: number, newest: number): boolean {
  return bytes % 8 === 0 && bytes >= newest;
}

function blockCheck({ model, root }: Layouts): CheckBlock {
  return (version, blockBytes, fingerprint) => {
    if (version > model.version) {
      return isGrown(blockBytes, root.bytes) ? 0 : messageFaults.BAD_BLOCK;
    }
    if (blockBytes !== root.versionBytes[version - 1]) return messageFaults.BAD_BLOCK;
    if (fingerprint !== model.fingerprints[version - 1]) return messageFaults.WRONG_SCHEMA;
    return 0;
  };
}

/** One check, step by step: what generated code has as local variables. */
class BindRun {
  readonly #view: DataView;
  readonly #at: number;
  readonly #frameBytes: number;
  /** Position from which the message's offsets count. */
  readonly #body: number;
  #version = 0;
  /** Offset behind the last datum that was checked. */
  #cursor = 0;

  constructor(view: DataView, at: number, end: number) {
    this.#view = view;
    this.#at = at;
    this.#frameBytes = end - at;
    this.#body = at + nativeHeaderBytes;
  }

  message(layouts: Layouts, checkBlock: CheckBlock): number {
    const [view, at] = [this.#view, this.#at];
    if (this.#frameBytes < nativeHeaderBytes) return messageFaults.TRUNCATED;
    if (this.#frameBytes > nativeMessageBytesMax) return messageFaults.TOO_LARGE;
    if (view.getUint16(at, true) !== Number(layouts.model.templateId)) {
      return messageFaults.WRONG_TEMPLATE;
    }
    this.#version = view.getUint8(at + 2);
    if (this.#version === 0) return messageFaults.BAD_VERSION;
    if (view.getUint8(at + 3) !== 0) return messageFaults.BAD_FLAGS;
    const blockBytes = view.getUint16(at + 4, true);
    const fault = checkBlock(this.#version, blockBytes, view.getUint16(at + 6, true));
    if (fault !== 0) return fault;
    if (nativeHeaderBytes + blockBytes > this.#frameBytes) return messageFaults.TRUNCATED;
    this.#cursor = blockBytes;
    return this.#block(layouts.root, layouts.model.version, this.#body);
  }

  #block(block: BlockPlan, newest: number, at: number): number {
    for (const field of block.bound) {
      if (field.model.since > this.#version) continue;
      const fault = this.#slot(field, newest, at);
      if (fault !== 0) return fault;
    }
    return 0;
  }

  #slot(field: FieldPlan, newest: number, at: number): number {
    const { presence, offset: place } = field.model;
    const offset = this.#view.getUint32(at + place, true);
    const amount = this.#view.getUint32(at + place + 4, true);
    if (offset === 0 && amount === 0) return 0;
    if (presence !== null) {
      const word = this.#view.getUint32(at + presence.offset, true);
      if (((word >>> presence.bit) & 1) === 0) return messageFaults.BAD_SLOT;
    }
    const left = this.#frameBytes - nativeHeaderBytes - offset;
    if (amount === 0 || offset < this.#cursor || left < 0) return messageFaults.BAD_SLOT;
    if (isGroup(field)) return this.#group(field, newest, offset, amount, left);
    if (amount > left) return messageFaults.BAD_SLOT;
    if (amount > (field as DataPlan).type.bytesMax) return messageFaults.TOO_LONG;
    this.#cursor = offset + amount;
    return 0;
  }

  #group(
    { block, type }: GroupPlan,
    newest: number,
    offset: number,
    count: number,
    left: number,
  ): number {
    if (offset % 8 !== 0 || left < 8) return messageFaults.BAD_SLOT;
    if (count > type.countMax) return messageFaults.TOO_LONG;
    const at = this.#body + offset;
    const stride = this.#view.getUint16(at, true);
    const isFine =
      this.#version > newest
        ? isGrown(stride, block.bytes)
        : stride === block.versionBytes[this.#version - 1];
    if (!isFine) return messageFaults.BAD_STRIDE;
    const isReserved = this.#view.getUint16(at + 2, true) | this.#view.getUint32(at + 4, true);
    if (isReserved !== 0) return messageFaults.BAD_SLOT;
    if (8 + stride * count > left) return messageFaults.BAD_SLOT;
    this.#cursor = offset + 8 + stride * count;
    if (block.bound.length === 0) return 0;
    for (let index = 0; index < count; index++) {
      const fault = this.#block(block, newest, at + 8 + index * stride);
      if (fault !== 0) return fault;
    }
    return 0;
  }
}
