// Messages on the command line: as JSON of a message type, or as bytes in hexadecimal.
import { readField } from '../compiler/fields.js';
import type { RouterIr } from '../compiler/ir.js';
import type { LoadedConfig } from '../config/load.js';
import { describeValue, HyperRouteError } from '../errors.js';
import type { Json } from '../schema/canonical.js';
import { messageFromJson, messageToJson } from '../schema/json.js';
import { schemaFromJson } from '../schema/load.js';
import { isRecord } from '../schema/options.js';
import type { Schema } from '../schema/schema.js';

/** A configuration, and the types of its messages. */
export interface TypedConfig {
  readonly ir: RouterIr;
  /** In the order of `ir.schemas`. */
  readonly schemas: readonly Schema[];
}

export function typedConfig({ ir, types }: LoadedConfig): TypedConfig {
  return { ir, schemas: types.map((json) => schemaFromJson(json)) };
}

/** A message as people and programs read it. */
export interface MessageView {
  /** The name of its type; 'raw': it has none. */
  readonly type: string;
  readonly hex: string;
  /** null: raw, or its bytes are no such message. */
  readonly json: Readonly<Record<string, Json>> | null;
}

/** The message that leaves or arrives at an endpoint. */
export function showMessage(
  typed: TypedConfig,
  endpoint: number,
  message: Uint8Array,
): MessageView {
  const hex = Buffer.from(message).toString('hex');
  const index = schemaAt(typed, endpoint, message);
  const schema = index === null ? undefined : typed.schemas[index];
  if (schema === undefined) return { type: 'raw', hex, json: null };
  const view = { type: typed.ir.schemas[index ?? 0]?.name ?? schema.name, hex };
  try {
    return { ...view, json: messageToJson(schema, schema.decode(message) as never) };
  } catch {
    // Sound for the router, which looks at the fields that matter; a reader wants all of them.
    return { ...view, json: null };
  }
}

/** Which member of its endpoint's family a message is; null: raw, or none. */
function schemaAt(
  { ir, schemas }: TypedConfig,
  endpoint: number,
  message: Uint8Array,
): number | null {
  const { members } = ir.families[ir.endpoints[endpoint]?.family ?? 0] ?? { members: [] };
  const sound = members.find((index) => {
    const schema = schemas[index];
    return schema !== undefined && hasType(ir, index, endpoint, message);
  });
  return sound ?? null;
}

function hasType(ir: RouterIr, index: number, endpoint: number, message: Uint8Array): boolean {
  const family = ir.families[ir.endpoints[endpoint]?.family ?? 0];
  const place = family?.discriminator ?? null;
  if (place === null) return true;
  if (message.length < place.offset + place.bytes) return false;
  return readField(message, place) === ir.schemas[index]?.templateId;
}

/** A message that arrives at an endpoint. */
export interface Arrival {
  readonly source: number;
  readonly message: Uint8Array;
}

/** What may be said of a message, apart from itself. */
export interface ArrivalDefaults {
  readonly from?: string | undefined;
  readonly type?: string | undefined;
}

/**
 * The message that JSON stands for: `{"from", "type", "message"}` or `{"from", "hex"}`. `from` may
 * be left out where one endpoint has routes, `type` where that endpoint carries one type. Throws
 * HyperRouteError ERR_MESSAGE.
 */
export function arrivalOf(
  typed: TypedConfig,
  given: unknown,
  defaults: ArrivalDefaults = {},
): Arrival {
  if (!isRecord(given)) throw refused('message', 'an object with "message" or "hex"', given);
  const { from = defaults.from, type = defaults.type, message, hex, ...others } = given;
  const [unknown] = Object.keys(others);
  if (unknown !== undefined) throw refused('message', 'from, type, message or hex', unknown);
  const source = sourceOf(typed.ir, from);
  if (hex !== undefined) return { source, message: bytesOf(hex) };
  const schema = typeOf(typed, source, type);
  const values = messageFromJson(schema, message);
  const bytes = new Uint8Array(schema.bytesMax);
  const size = schema.encode(values as never, bytes);
  return { source, message: bytes.slice(0, size) };
}

function sourceOf({ endpoints, routes }: RouterIr, from: unknown): number {
  const served = [...new Set(routes.flatMap(({ sources }) => sources))];
  const [only, ...more] = served;
  if (from === undefined && only !== undefined && more.length === 0) return only;
  const index = endpoints.findIndex(({ name }) => name === from);
  if (index >= 0) return index;
  const names = served.map((source) => endpoints[source]?.name).join(', ');
  throw refused('from', `an endpoint, such as ${names}`, from);
}

function typeOf({ ir, schemas }: TypedConfig, source: number, type: unknown): Schema {
  const { members } = ir.families[ir.endpoints[source]?.family ?? 0] ?? { members: [] };
  const [only, ...more] = members;
  const name = ir.endpoints[source]?.name;
  if (only === undefined) throw refused('type', `"hex": ${name} carries raw bytes`, type);
  const named = members.find((index) => ir.schemas[index]?.name === type);
  const index = type === undefined && more.length === 0 ? only : named;
  const schema = index === undefined ? undefined : schemas[index];
  if (schema !== undefined) return schema;
  const names = members.map((member) => ir.schemas[member]?.name).join(', ');
  throw refused('type', `one of ${names}, which ${name} carries`, type);
}

const hexBytesMax = 65_536;

function bytesOf(hex: unknown): Uint8Array {
  const text = typeof hex === 'string' ? hex.replaceAll(/\s/g, '') : '';
  const isHex = /^([0-9a-fA-F]{2})+$/.test(text) && text.length <= 2 * hexBytesMax;
  if (!isHex) throw refused('hex', `bytes in hexadecimal, at most ${hexBytesMax}`, hex);
  return new Uint8Array(Buffer.from(text, 'hex'));
}

function refused(option: string, expected: string, received: unknown): HyperRouteError {
  const context = `${option}: expected ${expected}, received ${describeValue(received)}`;
  return new HyperRouteError('ERR_MESSAGE', context, { context });
}
