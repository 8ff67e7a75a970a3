// What changes of the fields of a message or a group mean for those who read and write it.
import { isDeepStrictEqual } from 'node:util';
import {
  backwardOnly,
  breaking,
  type Comparison,
  forwardOnly,
  harmless,
} from './compatibility-findings.js';
import { compareTypes } from './compatibility-types.js';
import { isOmissible } from './extend.js';
import {
  type BlockModel,
  type FieldModel,
  type FieldValue,
  isSlotType,
  type TypeModel,
} from './model.js';

/** A field in two schemas. */
interface FieldPair {
  readonly path: string;
  readonly old: FieldModel;
  readonly next: FieldModel;
  readonly isOldRemoved: boolean;
  readonly isNewRemoved: boolean;
}

interface Sides {
  readonly old: BlockModel;
  readonly next: BlockModel;
  /** Ends with a dot if it is not empty. */
  readonly prefix: string;
}

const unreserved = 'remove it by .extend({}, { remove: [name] }), which keeps its id and bytes';
const notByExtend = 'take the old schema and add the field by .extend()';

/** Compares the fields of a native message or of a group's entries, by id. */
export function compareBlocks(
  comparison: Comparison,
  old: BlockModel,
  next: BlockModel,
  prefix = '',
): void {
  const sides = { old, next, prefix };
  const shifted = shiftedIds(comparison, sides);
  const nextById = byId(next);
  for (const field of [...old.fields, ...old.removed]) {
    const found = nextById.get(field.id);
    if (found === undefined) {
      compareDropped(comparison, field, old.removed.includes(field), prefix);
    } else if (!shifted.has(field.id)) {
      const path = `${prefix}${found.name}`;
      const [isOldRemoved, isNewRemoved] = [
        old.removed.includes(field),
        next.removed.includes(found),
      ];
      comparePair(comparison, { path, old: field, next: found, isOldRemoved, isNewRemoved });
    }
  }
  const oldIds = byId(old);
  for (const field of next.fields) {
    if (!oldIds.has(field.id)) compareAdded(comparison, field, prefix);
  }
  for (const field of next.removed) {
    const isTorn = !oldIds.has(field.id) && field.since <= comparison.commonVersion;
    if (!isTorn) continue;
    const message = `is reserved in version ${field.since}, where there was no such field`;
    comparison.tear('field-moved', `${prefix}${field.name}`, message, notByExtend);
  }
  compareOrder(comparison, sides);
}

function byId({ fields, removed }: BlockModel): Map<number, FieldModel> {
  return new Map([...fields, ...removed].map((field) => [field.id, field]));
}

/**
 * Ids that follow from positions and whose names changed hands: somebody moved lines of the source.
 * Under explicit ids a name may go anywhere.
 */
function shiftedIds(comparison: Comparison, { old, next, prefix }: Sides): ReadonlySet<number> {
  const nextById = byId(next);
  const namesOf = ({ fields, removed }: BlockModel): Set<string> =>
    new Set([...fields, ...removed].map(({ name }) => name));
  const [oldNames, newNames] = [namesOf(old), namesOf(next)];
  const shifted = [...old.fields, ...old.removed].filter(({ id, name }) => {
    const now = nextById.get(id);
    if (now === undefined || now.explicitId || now.name === name) return false;
    return newNames.has(name) || oldNames.has(now.name);
  });
  if (shifted.length > 0) {
    const moves = shifted.map(({ id, name }) => `${id} was ${name}, is ${nextById.get(id)?.name}`);
    const message = `ids follow positions, and these have changed hands: ${moves.join('; ')}`;
    const advice = 'give the fields explicit ids (.id(n)), or keep their order and add at the end';
    comparison.tear('fields-reordered', prefix.replace(/\.$/, ''), message, advice);
  }
  return new Set(shifted.map(({ id }) => id));
}

/** The same fields in another order of the source; positions do not count, ids do. */
function compareOrder(comparison: Comparison, { old, next, prefix }: Sides): void {
  const oldIds = old.fields.map(({ id }) => id);
  const common = next.fields.map(({ id }) => id).filter((id) => oldIds.includes(id));
  const before = oldIds.filter((id) => common.includes(id));
  if (common.every((id, index) => id === before[index])) return;
  const message = 'its fields stand in another order in the source; their ids say which is which';
  comparison.add('fields-reordered', prefix.replace(/\.$/, ''), harmless, message);
}

function emptyText({ presence, type, fallback }: FieldModel): string {
  if (presence !== null) return 'as absent';
  return fallback === null && isSlotType(type) ? 'as empty' : 'as its default';
}

function compareAdded(comparison: Comparison, field: FieldModel, prefix: string): void {
  const path = `${prefix}${field.name}`;
  if (field.since <= comparison.commonVersion) comparison.isTorn = true;
  if (isOmissible(field)) {
    const message = `is new; older messages read ${emptyText(field)}`;
    comparison.add('field-added', path, harmless, message);
    return;
  }
  const message = 'is new and required; older messages have nothing to read there';
  const advice = 'make it .optional() or give it a .default(value)';
  comparison.add('field-added', path, forwardOnly, message, advice);
}

function compareDropped(
  comparison: Comparison,
  field: FieldModel,
  isRemoved: boolean,
  prefix: string,
): void {
  const path = `${prefix}${field.name}`;
  if (field.since > comparison.newVersion) {
    // The new schema is an earlier version of the old one, or was made from such a one.
    if (isRemoved) return;
    const effect = isOmissible(field) ? harmless : backwardOnly;
    const message = `came with version ${field.since}, which the new schema does not have`;
    comparison.add('field-dropped', path, effect, message, 'extend the newest version');
    return;
  }
  const message = isRemoved
    ? 'its id and bytes were reserved and are free again: other fields can take them'
    : 'is gone, and its id and bytes with it: other fields take them';
  comparison.tear('field-dropped', path, message, unreserved);
}

function comparePair(comparison: Comparison, pair: FieldPair): void {
  const { path, old, next, isOldRemoved, isNewRemoved } = pair;
  const isRenamed = old.name !== next.name;
  const isLive = !isOldRemoved && !isNewRemoved;
  const types = { path, old: old.type, next: next.type, isLive, isRenamed };
  compareTypes(comparison, types);
  comparePlaces(comparison, pair);
  compareDefaults(comparison, pair);
  if (isOldRemoved !== isNewRemoved) compareRemoval(comparison, pair);
  if (isRenamed) compareNames(comparison, pair);
  if (old.doc !== next.doc) {
    comparison.add('doc-changed', path, harmless, 'its documentation is another one');
  }
  if (old.type.kind === 'group' && next.type.kind === 'group') {
    compareBlocks(comparison, old.type.block, next.type.block, `${path}[].`);
  }
}

function comparePlaces(comparison: Comparison, { path, old, next }: FieldPair): void {
  if (old.since !== next.since) {
    const message = `belonged to version ${old.since} and belongs to version ${next.since} now`;
    comparison.tear('field-moved', path, message, 'extend the old schema by .extend()');
  } else if ((old.presence === null) !== (next.presence === null)) {
    const message =
      next.presence === null
        ? 'was optional and is not: the bit that says whether it is there has no place any more'
        : 'was not optional and is: the bit that says whether it is there moves other fields';
    const advice = 'remove the field by .extend() and add another one with the need it shall have';
    comparison.tear('need-changed', path, message, advice);
  } else if (old.offset !== next.offset || !isDeepStrictEqual(old.presence, next.presence)) {
    const message = `lay at offset ${old.offset} and lies at ${next.offset}`;
    comparison.move(path, message, 'leave what exists as it is and add by .extend()');
  }
}

function compareDefaults(comparison: Comparison, pair: FieldPair): void {
  const { path, old, next, isNewRemoved } = pair;
  const [was, is] = [comparable(old), comparable(next)];
  if (isDeepStrictEqual(was, is)) return;
  if (was === null) {
    const message = 'has a default now; messages hold it where writers leave the field out';
    comparison.add('default-added', path, harmless, message);
  } else if (is !== null) {
    const message = 'has another default: a message without the field now means another value';
    const advice = 'keep the default; let writers give the value they mean';
    comparison.add('default-changed', path, breaking, message, advice);
  } else if (isNewRemoved || next.since > 1) {
    const message = isNewRemoved
      ? 'was removed without its default: old readers see zero where they had the default'
      : 'has lost its default, which older messages without the field read as';
    comparison.add('default-removed', path, breaking, message, 'keep the default');
  } else {
    const message = 'has no default any more: writers have to give a value, as every message has';
    comparison.add('default-removed', path, harmless, message);
  }
}

/** A default in a form in which equal ones are equal; flags that are not set count as missing. */
function comparable({ type, fallback }: FieldModel): unknown {
  return fallback === null ? null : comparableValue(type, fallback);
}

function comparableValue(type: TypeModel, value: FieldValue): unknown {
  if (type.kind === 'array') {
    const items = value as readonly FieldValue[];
    return items.map((item) => comparableValue(type.element, item));
  }
  if (value instanceof Uint8Array) return [...value];
  if (type.kind !== 'flags') return value;
  const flags = Object.entries(value as Readonly<Record<string, FieldValue>>);
  return flags.flatMap(([name, isSet]) => (isSet === true ? [name] : [])).sort();
}

function compareRemoval(comparison: Comparison, pair: FieldPair): void {
  const { path, old, next, isNewRemoved } = pair;
  // What the side that still writes zeros or the default says to the one that reads the field.
  const silent = isNewRemoved ? next : old;
  if (isOmissible(silent)) {
    const [change, reader] = isNewRemoved
      ? (['field-removed', 'old readers'] as const)
      : (['field-restored', 'new readers'] as const);
    const what = isNewRemoved ? 'is removed, its id and bytes stay taken' : 'is there again';
    const message = `${what}; ${reader} see it ${emptyText(silent)}`;
    comparison.add(change, path, harmless, message);
  } else if (isNewRemoved) {
    const message = 'is removed although it is required: old readers see zero and take it for real';
    const advice = 'keep it, or remove it when no old reader is left';
    comparison.add('field-removed', path, backwardOnly, message, advice);
  } else {
    const message = 'is there again and required: messages without it read as zero';
    const advice = 'add another field with a .default(value)';
    comparison.add('field-restored', path, forwardOnly, message, advice);
  }
}

function compareNames(comparison: Comparison, { path, old, next }: FieldPair): void {
  const isById = next.explicitId || comparison.oldVersion !== comparison.newVersion;
  if (isById) {
    const message = `was called ${old.name}; its id ${next.id} says that it is the same field`;
    comparison.add('field-renamed', path, harmless, message);
    return;
  }
  const message = `was called ${old.name}; ids follow positions, so it may be another field`;
  const advice = 'give the fields explicit ids (.id(n)), or rename by .extend({}, { rename })';
  comparison.add('field-renamed', path, breaking, message, advice);
}
