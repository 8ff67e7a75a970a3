// Frames that lie about where their variable data is: one for each way to be wrong.
import type { FrameOf, HostileSource } from './message-vectors.js';

type Patch = readonly [position: number, bytes: ArrayLike<number>];

/** A copy with some bytes replaced. */
export function patched(frame: Uint8Array, ...patches: readonly Patch[]): Uint8Array {
  const bytes = frame.slice();
  for (const [position, replaced] of patches) bytes.set(replaced, position);
  return bytes;
}

function u32(...values: readonly number[]): Uint8Array {
  return new Uint8Array(Uint32Array.from(values).buffer);
}

// Places of the slots of the type `Nested` of message-vector-cases.ts, from the message's start.
const [text, data, group, tail] = [8, 16, 24, 32];
const nativeMessageBytesMax = 16 * 1024 * 1024;

/** Frames of the type `Nested`, which the file's sound messages belong to. */
export function hostileFrames(frame: FrameOf): readonly HostileSource[] {
  return [...headers(frame), ...slots(frame), ...groups(frame), ...texts(frame)];
}

function headers(frame: FrameOf): readonly HostileSource[] {
  const empty = frame('empty');
  return [
    { name: 'nothing', fault: 'TRUNCATED', bytes: new Uint8Array(0) },
    { name: 'seven-bytes', fault: 'TRUNCATED', bytes: empty.subarray(0, 7) },
    { name: 'header-only', fault: 'TRUNCATED', bytes: empty.subarray(0, 8) },
    { name: 'block-cut', fault: 'TRUNCATED', bytes: empty.subarray(0, empty.length - 1) },
    {
      ...{ name: 'above-16-MiB', fault: 'TOO_LARGE', bytes: empty },
      frameBytes: nativeMessageBytesMax + 1,
    },
    { name: 'other-template', fault: 'WRONG_TEMPLATE', bytes: patched(empty, [0, [1]]) },
    { name: 'version-0', fault: 'BAD_VERSION', bytes: patched(empty, [2, [0]]) },
    { name: 'flag', fault: 'BAD_FLAGS', bytes: patched(empty, [3, [0x80]]) },
    { name: 'smaller-block', fault: 'BAD_BLOCK', bytes: patched(empty, [4, [24]]) },
    { name: 'larger-block', fault: 'BAD_BLOCK', bytes: patched(empty, [4, [40]]) },
    {
      ...{ name: 'other-fingerprint', fault: 'WRONG_SCHEMA' },
      bytes: patched(empty, [6, [(empty[6] ?? 0) ^ 1]]),
    },
    { name: 'newer-cut', fault: 'TRUNCATED', bytes: patched(empty, [2, [2]], [4, [40]]) },
  ];
}

function slots(frame: FrameOf): readonly HostileSource[] {
  const empty = frame('empty');
  const full = frame('fullest');
  const bytes = full.length - 8;
  const bad = (name: string, ...patches: readonly Patch[]): HostileSource => ({
    ...{ name, fault: 'BAD_SLOT', bytes: patched(full, ...patches) },
  });
  return [
    bad('offset-in-the-block', [text, u32(31, 1)]),
    bad('no-bytes-at-an-offset', [text, u32(32, 0)]),
    bad('bytes-at-offset-0', [text, u32(0, 1)]),
    bad('two-slots-at-one-place', [data, u32(32, 8)]),
    bad('slots-out-of-order', [text, u32(40, 8)], [data, u32(32, 8)]),
    bad('offset-behind-the-end', [tail, u32(bytes + 1, 1)]),
    bad('one-byte-behind-the-end', [tail, u32(bytes - 3, 4)]),
    bad('bytes-that-wrap-around', [tail, u32(bytes, 0xffffffff)]),
    bad('offset-that-wraps-around', [tail, u32(0xfffffffc, 4)]),
    { name: 'text-cut', fault: 'BAD_SLOT', bytes: full.subarray(0, full.length - 1) },
    {
      ...{ name: 'text-too-long', fault: 'TOO_LONG' },
      bytes: patched(Uint8Array.from([...empty, ...new Uint8Array(16)]), [text, u32(32, 9)]),
    },
  ];
}

function groups(frame: FrameOf): readonly HostileSource[] {
  const full = frame('fullest');
  const view = new DataView(full.buffer);
  const offset = view.getUint32(group, true);
  const start = 8 + offset;
  const bytes = full.length - 8;
  const stride = view.getUint16(start, true);
  // The second entry of `fullest` has an empty `b` and an empty label; its first has neither.
  const first = start + 8;
  return [
    { name: 'group-off-8', fault: 'BAD_SLOT', bytes: patched(full, [group, u32(offset + 4, 1)]) },
    {
      ...{ name: 'no-room-for-a-group-header', fault: 'BAD_SLOT' },
      bytes: patched(full, [group, u32(bytes & ~7, 1)], [tail, u32(0, 0)]),
    },
    { name: 'too-many-entries', fault: 'TOO_LONG', bytes: patched(full, [group + 4, u32(4)]) },
    { name: 'stride-0', fault: 'BAD_STRIDE', bytes: patched(full, [start, [0]]) },
    { name: 'other-stride', fault: 'BAD_STRIDE', bytes: patched(full, [start, [stride + 8]]) },
    { name: 'reserved-u16', fault: 'BAD_SLOT', bytes: patched(full, [start + 3, [1]]) },
    { name: 'reserved-u32', fault: 'BAD_SLOT', bytes: patched(full, [start + 7, [0x80]]) },
    {
      ...{ name: 'entries-cut', fault: 'BAD_SLOT' },
      bytes: full.subarray(0, start + 8 + 3 * stride - 1),
    },
    {
      ...{ name: 'absent-group-with-entries', fault: 'BAD_SLOT' },
      bytes: patched(full, [first + 4, u32(offset + 8, 1)]),
    },
    {
      ...{ name: 'absent-text-in-an-entry', fault: 'BAD_SLOT' },
      bytes: patched(full, [first + 12, u32(offset + 8 + 3 * stride, 1)]),
    },
    {
      ...{ name: 'text-of-an-entry-before-the-entries', fault: 'BAD_SLOT' },
      bytes: patched(full, [first, u32(3)], [first + 12, u32(offset, 1)]),
    },
  ];
}

function texts(frame: FrameOf): readonly HostileSource[] {
  const full = frame('fullest');
  const label = full.length - 8;
  return [
    {
      ...{ name: 'no-utf-8', fault: 'BAD_VALUE', path: 'Nested.text' },
      bytes: patched(full, [40, [0xc0]]),
    },
    {
      ...{ name: 'half-a-surrogate-pair', fault: 'BAD_VALUE', path: 'Nested.text' },
      bytes: patched(full, [40, [0xed, 0xa0, 0x80]]),
    },
    {
      ...{ name: 'text-of-an-entry-is-no-utf-8', fault: 'BAD_VALUE', path: 'Nested.a[2].label' },
      bytes: patched(full, [label, [0xff]]),
    },
  ];
}
