// The checked-in messages of test/vectors/messages: what they are made from, and how they are read.
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isHyperRouteError } from '../../lib/errors.js';
import type { Json } from '../../lib/schema/canonical.js';
import { messageFromJson, messageToJson } from '../../lib/schema/json.js';
import { schemaFromJson } from '../../lib/schema/load.js';
import type { AnySchema, MessageSchema } from '../../lib/schema/schema.js';

const folder = join(dirname(fileURLToPath(import.meta.url)), '../vectors/messages');

/** The form of the files; raised when it changes. */
const vectorFormat = 1;

/** A message as it is in a file. Values are JSON as `messageToJson` writes it. */
export interface SoundVector {
  readonly name: string;
  /** Index of the schema that wrote it; null: none of these did, and no writer writes it so. */
  readonly writer: number | null;
  readonly bytes: string;
  /** What each schema reads, in their order; null: it refuses the message. */
  readonly values: readonly (Json | null)[];
}

/** Bytes that are no message of a schema. */
export interface HostileVector {
  readonly name: string;
  readonly reader: number;
  readonly bytes: string;
  /** Bytes of the frame where they are more than `bytes` shows: the others are zero. */
  readonly frameBytes?: number;
  /** A name of `messageFaults`; null: foreign, where there are none. */
  readonly fault: string | null;
  /** Which value is wrong, where the structure is sound. */
  readonly path?: string;
}

export interface VectorFile {
  readonly format: number;
  /** Versions of one message type, oldest first, as canonical JSON. */
  readonly schemas: readonly Json[];
  readonly messages: readonly SoundVector[];
  readonly hostile: readonly HostileVector[];
}

/** What a file is made from. */
export interface VectorSource {
  readonly schemas: readonly object[];
  readonly messages: readonly SoundSource[];
  /** Bytes that can be read, though no writer of these versions writes them so. */
  readonly readable?: (frame: FrameOf) => Readonly<Record<string, Uint8Array>>;
  readonly hostile?: (frame: FrameOf) => readonly HostileSource[];
}

interface SoundSource {
  readonly name: string;
  readonly writer?: number;
  readonly value: object;
}

/** A copy of the bytes of a message of the file. */
export type FrameOf = (name: string) => Uint8Array;

export type HostileSource = Omit<HostileVector, 'bytes' | 'reader'> & {
  readonly reader?: number;
  readonly bytes: Uint8Array;
};

export function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}

export function bytesOf({ bytes, frameBytes }: { bytes: string; frameBytes?: number }): Uint8Array {
  const given = Buffer.from(bytes, 'hex');
  const frame = new Uint8Array(frameBytes ?? given.length);
  frame.set(given);
  return frame;
}

/** The file that a source makes. */
export function makeVectors(source: VectorSource): VectorFile {
  const schemas = source.schemas as readonly MessageSchema[];
  const readBy = (bytes: Uint8Array): (Json | null)[] =>
    schemas.map((schema) => {
      try {
        return jsonOf(schema, schema.decode(bytes));
      } catch (error) {
        if (!isHyperRouteError(error, 'ERR_MESSAGE')) throw error;
        return null;
      }
    });
  const messages = source.messages.map(({ name, writer = 0, value }): SoundVector => {
    const schema = schemas[writer] as MessageSchema;
    const bytes = new Uint8Array(schema.sizeOf(value));
    schema.encode(value, bytes);
    return { name, writer, bytes: hexOf(bytes), values: readBy(bytes) };
  });
  const frameOf: FrameOf = (wanted) => {
    const found = messages.find(({ name }) => name === wanted);
    if (found === undefined) throw new Error(`no message ${wanted}`);
    return bytesOf({ bytes: found.bytes });
  };
  const readable = Object.entries(source.readable?.(frameOf) ?? {}).map(
    ([name, bytes]): SoundVector => {
      return { name, writer: null, bytes: hexOf(bytes), values: readBy(bytes) };
    },
  );
  const hostile = (source.hostile?.(frameOf) ?? []).map(
    ({ reader = 0, bytes, ...rest }): HostileVector => ({ ...rest, reader, bytes: hexOf(bytes) }),
  );
  return {
    format: vectorFormat,
    schemas: schemas.map((schema) => schema.toJSON()),
    messages: [...messages, ...readable],
    hostile,
  };
}

/** The schemas of a file, made from their JSON alone. */
export function schemasOf({ schemas }: VectorFile): MessageSchema[] {
  return schemas.map((json) => schemaFromJson(json) as unknown as MessageSchema);
}

export function messageOf(schema: MessageSchema, json: unknown): object {
  return messageFromJson(schema as unknown as AnySchema, json) as object;
}

export function jsonOf(schema: MessageSchema, message: object): Json {
  return messageToJson(schema as unknown as AnySchema, message as never);
}

/** One line a message: files that can be compared. */
export function vectorText({ format, schemas, messages, hostile }: VectorFile): string {
  const list = (items: readonly unknown[]): string =>
    items.map((item) => `\n    ${JSON.stringify(item)}`).join(',');
  return [
    '{',
    `  "format": ${format},`,
    `  "schemas": [${list(schemas)}\n  ],`,
    `  "messages": [${list(messages)}\n  ],`,
    `  "hostile": [${list(hostile)}\n  ]`,
    '}\n',
  ].join('\n');
}

export function readVectorText(name: string): string {
  const path = join(folder, `${name}.json`);
  return existsSync(path) ? readFileSync(path, 'utf8') : '';
}

export function readVectors(name: string): VectorFile {
  return JSON.parse(readVectorText(name)) as VectorFile;
}

export function writeVectorText(name: string, text: string): void {
  writeFileSync(join(folder, `${name}.json`), text);
}

/** Names of the files that are there. */
export function vectorNames(): string[] {
  return readdirSync(folder).map((file) => file.replace(/\.json$/, ''));
}
