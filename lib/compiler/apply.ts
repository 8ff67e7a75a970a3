// Transforms in JavaScript, for tools, tests and applications; the router runs them natively.
import { rejectCodes } from '../codes.js';
import { HyperRouteError, optionError } from '../errors.js';
import type { AnySchema } from '../schema/schema.js';
import { buildTransform } from './build.js';
import { checkTransforms } from './check-transforms.js';
import { TransformNode } from './dsl/transform.js';
import type { Transform } from './dsl/types.js';
import { Findings } from './findings.js';
import { runTransform } from './interpret-transform.js';
import { viewOf } from './interpret-view.js';
import type { RouterIr, SchemaIr } from './ir.js';

/** What a transform made of a message. */
export interface Applied {
  /** 0, or the code of why there is no output. */
  readonly rejectCode: number;
  /** The code's name, such as `OUT_OF_RANGE`; null where there is an output. */
  readonly rejectName: string | null;
  /** The outgoing message, in memory of its own; empty when it was rejected. */
  readonly output: Uint8Array;
}

/**
 * The function that makes outgoing messages of incoming ones: the same bytes as the router makes,
 * or the same reject code. `returnAddress()` is 0 and `sequence()` is left 0. Synchronous; the
 * message is not kept. Throws ERR_ROUTE for a transform that the router would refuse, and the
 * function ERR_MESSAGE for bytes that are no message of the transform's input.
 *
 * @example
 * ```ts
 * const toReport = compileTransform(transform(Trade, Report, (o) => ({ qty: o.qty })));
 * const { output } = toReport(bytes);
 * ```
 */
export function compileTransform<From extends string, To extends string>(
  transform: Transform<From, To>,
): (message: Uint8Array) => Applied {
  const node: unknown = transform;
  if (!(node instanceof TransformNode)) {
    throw optionError('ERR_ROUTE', 'compileTransform', 'a transform', transform);
  }
  const { schemas, transforms, rejectCodes: codes } = buildTransform(node);
  const ir = { schemas, transforms, rejectCodes: codes } as RouterIr;
  const findings = new Findings();
  checkTransforms(ir, findings);
  const [first] = findings.errors;
  if (first !== undefined) throw first;
  const entries = Object.entries({ ...rejectCodes, ...codes });
  const names = new Map<number, string>(entries.map(([name, code]) => [code, name]));
  const from = schemas[transforms[0]?.from ?? 0] as SchemaIr;
  const context = { returnAddress: 0n, rejectCode: 0 };
  return (message) => {
    if (typeof viewOf(from, message) === 'number') throw noMessage(node.from);
    const { rejectCode, output } = runTransform(ir, 0, message, context);
    return { rejectCode, rejectName: names.get(rejectCode) ?? null, output };
  };
}

function noMessage({ name }: AnySchema): HyperRouteError<'ERR_MESSAGE'> {
  const context = `the bytes are no message of ${name}`;
  return new HyperRouteError('ERR_MESSAGE', context, { context });
}
