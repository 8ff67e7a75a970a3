// Families of message types that share one connection: a union with a discriminator, or `raw`.
import { optionError, type SourcePlace } from '../errors.js';
import type { FieldModel } from './model.js';
import { checkName, OptionReader } from './options.js';
import { callerPlace } from './position.js';
import { type AnySchema, bindHeader, type HeaderNames, type HeaderOf, isSchema } from './schema.js';

/** Message types that are told apart by the value of one field. */
export interface Union<Name extends string = string, Member extends AnySchema = AnySchema> {
  readonly kind: 'union';
  readonly name: Name;
  readonly members: readonly Member[];
  readonly place: SourcePlace;
}

/** Opaque bytes: an endpoint that carries any message without looking into it. */
export interface Raw {
  readonly kind: 'raw';
}

/** The family of opaque bytes, the default of every endpoint. */
export const raw: Raw = Object.freeze({ kind: 'raw' });

const unions = new WeakSet<object>();

/** Whether a value was made by `union`. */
export function isUnion(value: unknown): value is Union {
  return typeof value === 'object' && value !== null && unions.has(value);
}

/** Names of the header fields; every member has them, at the same place. */
export interface UnionHeader<Names extends string> {
  /** The field whose value is the member's template id. Needed with more than one member. */
  readonly type?: Names;
  /** The field that holds the size of the whole message. */
  readonly size?: Names;
}

/**
 * Joins message types into a family: what one endpoint carries.
 *
 * The fields named by `header` lie at the same place in every member. The router, `encode` and
 * `decode` write and check them, so that transforms and messages leave them out. Native messages
 * have a header of their own: theirs is `{}` here. Call it once at start-up, on any thread. Throws
 * HyperRouteError ERR_SCHEMA.
 *
 * @example
 * ```ts
 * const Orders = union('Orders', { type: 'type', size: 'size' }, [NewOrder, Reject]);
 * ```
 */
export function union<const Name extends string, const Member extends AnySchema>(
  name: Name,
  header: UnionHeader<HeaderOf<Member>>,
  members: readonly Member[],
): Union<Name, Member> {
  const place = callerPlace();
  const path = `union ${checkName(name, 'union.name', 'ERR_SCHEMA', place)}`;
  const names = readNames(header, path, place);
  checkMembers(members, names, path, place);
  const isNative = members.every(({ model }) => model.layout.kind === 'native');
  for (const [index, member] of isNative ? [] : members.entries()) {
    const bind = (member as unknown as Bindable)[bindHeader];
    bind.call(member, names, `${path}.members[${index}]`, place);
  }
  checkPlaces(members, names.type, `${path}.type`, place);
  checkPlaces(members, names.size, `${path}.size`, place);
  const kind = 'union' as const;
  const made = Object.freeze({ kind, name, members: Object.freeze([...members]), place });
  unions.add(made);
  return made;
}

interface Bindable {
  [bindHeader](header: HeaderNames, option: string, place: SourcePlace): void;
}

function readNames(header: unknown, path: string, place: SourcePlace): HeaderNames {
  const reader = new OptionReader(header, path, place, 'ERR_SCHEMA');
  const read = (name: string): string | null => {
    const field = reader.raw(name) ?? null;
    if (field === null || typeof field === 'string') return field;
    throw reader.error(name, 'the name of a field', field);
  };
  const names = { type: read('type'), size: read('size') };
  reader.done();
  return names;
}

function checkMembers(
  members: unknown,
  names: HeaderNames,
  path: string,
  place: SourcePlace,
): asserts members is readonly AnySchema[] {
  const option = `${path}.members`;
  if (!Array.isArray(members) || members.length < 1) {
    throw optionError('ERR_SCHEMA', option, 'an array of at least one schema', members, place);
  }
  const idOwners = new Map<bigint, string>();
  for (const [index, member] of members.entries()) {
    const at = `${option}[${index}]`;
    if (!isSchema(member)) throw optionError('ERR_SCHEMA', at, 'a schema', member, place);
    const owner = idOwners.get(member.templateId);
    if (owner !== undefined) {
      const expected = `a template id that ${owner} does not have`;
      throw optionError('ERR_SCHEMA', at, expected, `${member.name} (${member.templateId})`, place);
    }
    idOwners.set(member.templateId, member.name);
  }
  const nativeCount = members.filter(({ model }) => model.layout.kind === 'native').length;
  if (nativeCount > 0) {
    if (nativeCount < members.length) {
      const expected = 'members that all have the native layout, or none';
      throw optionError(
        'ERR_SCHEMA',
        option,
        expected,
        members.map(({ name }) => name),
        place,
      );
    }
    if (names.type === null && names.size === null) return;
    const expected = 'no header fields: native messages have a header of their own';
    throw optionError('ERR_SCHEMA', path, expected, names.type ?? names.size, place);
  }
  if (members.length > 1 && names.type === null) {
    const expected = 'the name of the field that tells the members apart';
    throw optionError('ERR_SCHEMA', `${path}.type`, expected, undefined, place);
  }
}

function checkPlaces(
  members: readonly AnySchema[],
  name: string | null,
  option: string,
  place: SourcePlace,
): void {
  if (name === null) return;
  const texts = members.map((member) => {
    const { fields } = member.model.block;
    const field = fields.find((candidate) => candidate.name === name) as FieldModel;
    const base = field.type.kind === 'integer' ? field.type.base : field.type.kind;
    return `${base} ${field.order} at offset ${field.offset}`;
  });
  texts.forEach((text, index) => {
    if (text === texts[0]) return;
    const expected = `the field at one place in every member (${members[0]?.name}: ${texts[0]})`;
    const received = `${members[index]?.name}: ${text}`;
    throw optionError('ERR_SCHEMA', option, expected, received, place);
  });
}
