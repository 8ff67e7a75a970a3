// What the native part of the route bench is given: an image, messages, and what the compiler's
// interpreter says becomes of each of them.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { RouterIr } from 'hyperroute';
import { initialState, interpret } from '#internals';

/** A message and the index of the endpoint that it comes from. */
export interface RouteInput {
  readonly source: number;
  readonly message: Uint8Array;
}

/** A message whose destination is known, by the index of its endpoint. */
export interface ExpectedInput extends RouteInput {
  readonly expected: number;
}

/** Where a message goes that is rejected. */
export const nowhere = 0xffff;

/** Repeatable random numbers below a limit (Marsaglia's xorshift with 32 bits). */
export function randomBelow(seed: number): (limit: number) => number {
  let state = seed;
  return (limit) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % limit;
  };
}

/** The messages with the destinations that the interpreter finds; of pools, those of keyed ones. */
export function withExpected(ir: RouterIr, inputs: readonly RouteInput[]): ExpectedInput[] {
  const state = initialState(ir);
  return inputs.map((input) => {
    const { decision, delivered } = interpret(ir, state, input.source, input.message, 0n);
    const target = (delivered[0] ?? null) === null ? undefined : decision.deliveries[0]?.target;
    return { ...input, expected: target?.kind === 'endpoint' ? target.endpoint : nowhere };
  });
}

/** As bench/native/route/traffic.h describes it. */
export function trafficBytes(inputs: readonly ExpectedInput[]): Buffer {
  const pieces = inputs.flatMap(({ source, expected, message }) => {
    const header = Buffer.alloc(8);
    header.writeUInt16LE(source, 0);
    header.writeUInt16LE(expected, 2);
    header.writeUInt32LE(message.length, 4);
    return [header, message];
  });
  return Buffer.concat(pieces);
}

/** Calls `use` with the paths of files that hold `contents`; they are gone when it has ended. */
export async function withFiles<Result>(
  contents: readonly Uint8Array[],
  use: (paths: readonly string[]) => Promise<Result>,
): Promise<Result> {
  const folder = mkdtempSync(join(tmpdir(), 'hyperroute-route-'));
  try {
    const paths = contents.map((bytes, index) => {
      const path = join(folder, String(index));
      writeFileSync(path, bytes);
      return path;
    });
    return await use(paths);
  } finally {
    rmSync(folder, { recursive: true });
  }
}
