// Why a message is rejected, for people: what is wrong with bytes that are no message of their
// endpoint, and which field a transform cannot write.
import { messageFaults, rejectCodes } from '../codes.js';
import { readableValue } from '../compiler/analysis/index.js';
import { isInteger } from '../compiler/emit-fields.js';
import { readBytes, readField } from '../compiler/fields.js';
import { type Interpreted, runTransform, type TransformContext } from '../compiler/interpret.js';
import { viewOf } from '../compiler/interpret-view.js';
import type {
  EndpointIr,
  FamilyIr,
  FieldIr,
  OutputIr,
  RouterIr,
  SchemaIr,
  TransformIr,
  ValueIr,
  ViewIr,
} from '../compiler/ir.js';
import { nativeModel } from '../compiler/view.js';
import { isHyperRouteError } from '../errors.js';
import { bindMessage } from '../schema/codec/index.js';
import { fewOf } from '../schema/options.js';
import { rejectName } from './decisions.js';

/** A message and where it came from. */
interface Arrived {
  readonly source: number;
  readonly message: Uint8Array;
}

/** Why a message is rejected; null where rules, checks and lookups, or nothing, say why. */
export function rejectReason(ir: RouterIr, arrived: Arrived, decided: Interpreted): string | null {
  const { decision, rejectCode } = decided;
  if (rejectCode === 0) return null;
  if (decision.outcome !== 'reject') return transformReason(ir, arrived.message, decided);
  if (decision.route !== null) return null;
  const { name } = ir.endpoints[arrived.source] as EndpointIr;
  if (rejectCode === rejectCodes.NO_ROUTE)
    return `no route takes messages of its type from ${name}`;
  const family = ir.families[ir.endpoints[arrived.source]?.family ?? -1];
  return family === undefined ? null : unknownReason(ir, family, name, arrived.message);
}

/** What of the bytes is not as in any message that the endpoint carries. */
function unknownReason(
  ir: RouterIr,
  { members, discriminator, size }: FamilyIr,
  endpoint: string,
  message: Uint8Array,
): string | null {
  const count = `the message has ${bytesText(message.length)}`;
  let schema = ir.schemas[members[0] ?? -1];
  if (discriminator !== null) {
    const { offset, bytes } = discriminator;
    if (message.length < offset + bytes) {
      return `its type is in ${bytesText(bytes)} at offset ${offset}: ${count}`;
    }
    const type = readField(message, discriminator);
    schema = members.map((at) => ir.schemas[at]).find((one) => one?.templateId === type);
    if (schema === undefined) return `its type is ${type}; ${carriedText(ir, members, endpoint)}`;
  }
  if (schema === undefined) return null;
  const fault = viewReason(schema, message, count);
  if (fault !== null) return fault;
  const said = size === null ? null : readField(message, size);
  return said === null || said === BigInt(message.length)
    ? null
    : `${size?.name ?? 'its size field'} says ${said}: ${count}`;
}

function carriedText(ir: RouterIr, members: readonly number[], endpoint: string): string {
  const types = members.map((at) => `${ir.schemas[at]?.name} (${ir.schemas[at]?.templateId})`);
  return `${endpoint} carries ${fewOf(types)}`;
}

function bytesText(count: number): string {
  return count === 1 ? '1 byte' : `${count} bytes`;
}

function viewReason(schema: SchemaIr, message: Uint8Array, count: string): string | null {
  const { view, name, bytes } = schema;
  if (view === undefined) {
    return message.length === bytes ? null : `${name} has ${bytesText(bytes)}: ${count}`;
  }
  if (view.kind === 'native') return nativeReason(name, view, message, count);
  const { fixedBytes, bytesMax, parts } = view;
  if (message.length < fixedBytes || message.length > bytesMax) {
    return `${name} has from ${fixedBytes} to ${bytesText(bytesMax)}: ${count}`;
  }
  for (const part of parts) {
    if (part.kind === 'bits') continue;
    const field = schema.fields[part.field] as FieldIr;
    const start = readField(message, field) * BigInt(part.scale) + BigInt(part.plus);
    if (start + BigInt(part.bytes) <= BigInt(message.length)) continue;
    return `${field.name} places ${bytesText(part.bytes)} at offset ${start}: ${count}`;
  }
  return null;
}

const faultTexts: Readonly<Record<number, string>> = {
  [messageFaults.TRUNCATED]: 'it ends before its fixed part does',
  [messageFaults.TOO_LARGE]: 'it is larger than any message may be',
  [messageFaults.WRONG_TEMPLATE]: 'its header names another type',
  [messageFaults.BAD_VERSION]: 'its version is 0',
  [messageFaults.BAD_FLAGS]: 'it sets flags that have no meaning',
  [messageFaults.BAD_BLOCK]: 'its fixed part has another size than in its version',
  [messageFaults.WRONG_SCHEMA]: 'its fingerprint is that of another schema with this number',
  [messageFaults.BAD_SLOT]: 'a field of variable size lies outside of it, or out of order',
};

function nativeReason(
  name: string,
  view: Extract<ViewIr, { kind: 'native' }>,
  message: Uint8Array,
  count: string,
): string | null {
  const fault = bindMessage(nativeModel(view))(message, 0, message.length);
  if (fault === 0) return null;
  const found = Object.entries(messageFaults).find(([, code]) => code === fault);
  const text = faultTexts[fault] ?? 'its bytes are not as they must be';
  return `no ${name}: ${text} (${found?.[0] ?? fault}); ${count}`;
}

/** Nothing is open in a router that has just started, and ids start with 1. */
const context: TransformContext = { returnAddress: 0n, rejectCode: 0, correlationId: 1n };

/** The first field that the transform of a copy which must be sent cannot write. */
function transformReason(
  ir: RouterIr,
  message: Uint8Array,
  { decision, rejectCode }: Interpreted,
): string | null {
  for (const { transform: index, bestEffort } of decision.deliveries) {
    const transform = ir.transforms[index ?? -1];
    if (transform === undefined || transform.plugin !== undefined || bestEffort) continue;
    if (codeOf(ir, index, message, transform.outputs) !== rejectCode) continue;
    const refused = transform.outputs.find(
      (output) => codeOf(ir, index, message, [output]) === rejectCode,
    );
    if (refused !== undefined) return outputReason(ir, transform, refused, message);
    return `${transform.name}: its output is larger than any message may be`;
  }
  return null;
}

/** What running these outputs of a transform alone comes to. */
function codeOf(
  ir: RouterIr,
  index: number | null,
  message: Uint8Array,
  outputs: readonly OutputIr[],
): number {
  const transforms = ir.transforms.map((one, at) => (at === index ? { ...one, outputs } : one));
  try {
    return runTransform({ ...ir, transforms }, index, message, context).rejectCode;
  } catch (error) {
    if (isHyperRouteError(error)) return 0;
    throw error;
  }
}

function outputReason(
  ir: RouterIr,
  { name, from, to }: TransformIr,
  { field, value, rangeCode, absent }: OutputIr,
  message: Uint8Array,
): string {
  const target = ir.schemas[to]?.fields[field] as FieldIr;
  const schema = ir.schemas[from] as SchemaIr;
  const source = 'field' in value ? schema.fields[value.field] : undefined;
  const view = viewOf(schema, message);
  const where = `${name} cannot write ${target.name}`;
  if (source === undefined || typeof view === 'number') {
    return `${where}: ${value.kind} (${rejectName(ir, rangeCode)})`;
  }
  const presence = schema.fields[source.presence ?? -1];
  if (presence !== undefined && readField(view, presence) === 0n && absent?.kind === 'reject') {
    return `${where}: ${source.name} is absent`;
  }
  const given = `${source.name} ${valueText(view, source)}`.trimEnd();
  return `${where}: ${given} ${whyNot(value, source, target)}`;
}

/** A field's value as people read it; nothing of what lies behind a slot. */
function valueText(view: Uint8Array, field: FieldIr): string {
  if (isInteger(field)) return String(readableValue(field, readField(view, field)));
  if (field.pad === undefined) return '';
  const text = Buffer.from(readBytes(view, field)).toString('latin1');
  const shown = field.pad === 'space' ? text.trimEnd() : text.replace(/\0+$/, '');
  return JSON.stringify(shown);
}

function whyNot(value: ValueIr, source: FieldIr, target: FieldIr): string {
  switch (value.kind) {
    case 'map':
      return 'is not among the values that are mapped';
    case 'scale':
      return value.power < 0
        ? `is no whole multiple of 10^${-value.power}, or does not fit ${target.type}`
        : `times 10^${value.power} does not fit ${target.type}`;
    case 'text':
      return `does not fit ${bytesText(target.bytes)} of ASCII`;
    case 'variable':
      return `has more than ${bytesText(target.limit ?? 0)}`;
    case 'group':
      return `has more than ${target.limit} entries, or one of them cannot be written`;
    default:
      return `(${source.type}) does not fit ${target.type}`;
  }
}
