// The codec of a schema in both forms: generated code and closures.
import { type Codec, compileCodec } from '../../lib/schema/codec/index.js';
import type { SchemaModel } from '../../lib/schema/model.js';

export interface Form {
  readonly form: string;
  readonly generates: boolean;
}

export const forms: readonly Form[] = [
  { form: 'generated code', generates: true },
  { form: 'closures', generates: false },
];

/** What the codecs of a test are made from. */
export interface Plan {
  readonly model: SchemaModel;
  readonly header: ReadonlyMap<string, bigint>;
  readonly sizeField: string | null;
}

export function planOf(
  { model }: { readonly model: SchemaModel },
  header: Readonly<Record<string, bigint>> = {},
  sizeField: string | null = null,
): Plan {
  return { model, header: new Map(Object.entries(header)), sizeField };
}

export function codecsOf(plan: Plan): Codec[] {
  return forms.map(({ generates }) => compileCodec(plan, generates));
}

/** The message's bytes, written over old ones. */
export function frameOf(codec: Codec, message: object): Uint8Array {
  const target = new Uint8Array(codec.sizeOf(message)).fill(0xee);
  codec.encode(message, target, 0);
  return target;
}

/** What a call throws. */
export function thrown(body: () => unknown): Error {
  try {
    body();
  } catch (error) {
    if (error instanceof Error) return error;
    throw error;
  }
  throw new Error('expected an error, nothing was thrown');
}
