// From the strategy of a pool to its IR: references to fields become indices.
import { optionError, type SourcePlace } from '../errors.js';
import type { FieldReference } from '../schema/references.js';
import type { AnySchema } from '../schema/schema.js';
import type { PoolNode } from './dsl/targets.js';
import type { PoolKeyIr, StrategyIr } from './ir.js';
import { hashSlotsDefault } from './maglev.js';
import type { Numbering } from './numbering.js';
import { type PlacedField, placedFields } from './view.js';

/** The strategy of a pool. Throws ERR_ROUTE for fields of messages that no endpoint carries. */
export function strategyIr(node: PoolNode, schemas: Numbering<AnySchema>): StrategyIr {
  const { name, balancing, slots, place } = node;
  const { plan } = balancing;
  const keys = (): PoolKeyIr[] => keysOf(balancing.keys, schemas, `pools.${name}.strategy`, place);
  switch (plan.kind) {
    case 'hash':
      return { kind: 'hash', keys: keys(), slots: plan.slots ?? hashSlotsDefault };
    case 'sticky':
      return { kind: 'sticky', keys: keys() };
    case 'table':
      return { kind: 'table', name: plan.strategy.name, keys: keys(), slots };
    case 'plugin':
      return { kind: 'plugin', keys: keys(), call: plan.call };
    default:
      return plan;
  }
}

/** One key for each message type that is named, of its fields in the order in which they are. */
function keysOf(
  references: readonly FieldReference[],
  schemas: Numbering<AnySchema>,
  option: string,
  place: SourcePlace,
): PoolKeyIr[] {
  const named = new Set(references.map(({ schema }) => schema));
  return [...named].map((schema) => {
    if (!schemas.has(schema)) {
      const expected = 'fields of messages that some endpoint carries';
      throw optionError('ERR_ROUTE', option, expected, schema.name, place);
    }
    const fields = references.filter((reference) => reference.schema === schema);
    const placed = placedFields(schema);
    const indices = fields.map(({ field }) => {
      const index = placed.findIndex(({ name }) => name === field);
      const found = placed[index];
      if (found !== undefined && isKey(found)) return index;
      const expected = 'fields of integers, enumerations, text or bytes';
      throw optionError('ERR_ROUTE', option, expected, `${schema.name}.${field}`, place);
    });
    return { schema: schemas.indexOf(schema), fields: indices };
  });
}

/** Of floats, flags and arrays, equal values are not always equal bytes. */
function isKey({ opaque, type, shape }: PlacedField): boolean {
  if (!opaque || type === 'string' || type === 'blob') return true;
  return shape === 'bytes' || shape.startsWith('ascii');
}
