// Changes of layouts that others define: there are no versions and no ids in the bytes, so fields
// are compared by name and place, and every byte that moves breaks both directions.
import { isDeepStrictEqual } from 'node:util';
import { breaking, type Comparison, harmless } from './compatibility-findings.js';
import { compareTypes } from './compatibility-types.js';
import type { BlockModel, FieldModel } from './model.js';

const ownSchema = 'describe the other format as a schema with a template id of its own';

export function compareForeign(comparison: Comparison, old: BlockModel, next: BlockModel): void {
  const names = new Set(old.fields.map(({ name }) => name));
  const newNames = new Set(next.fields.map(({ name }) => name));
  for (const [index, field] of old.fields.entries()) {
    const heir = next.fields[index];
    const isRenamed = !newNames.has(field.name) && heir !== undefined && !names.has(heir.name);
    const found = isRenamed ? heir : next.fields.find(({ name }) => name === field.name);
    if (found === undefined) {
      comparison.tear(
        'field-dropped',
        field.name,
        'is gone: the bytes end up elsewhere',
        ownSchema,
      );
      continue;
    }
    if (isRenamed) {
      const message = `stands where ${field.name} stood: it may be another field`;
      comparison.tear('field-renamed', found.name, message, 'keep the name, or tell all readers');
    }
    compareField(comparison, field, found, [old, next]);
  }
  for (const [index, field] of next.fields.entries()) {
    const heirOf = old.fields[index];
    if (names.has(field.name) || (heirOf !== undefined && !newNames.has(heirOf.name))) continue;
    comparison.tear('field-added', field.name, 'is new: older messages lack its bytes', ownSchema);
  }
}

function compareField(
  comparison: Comparison,
  old: FieldModel,
  next: FieldModel,
  blocks: readonly [BlockModel, BlockModel],
): void {
  const path = next.name;
  const isRenamed = old.name !== next.name;
  compareTypes(comparison, { path, old: old.type, next: next.type, isLive: true, isRenamed });
  const [was, is] = [placeOf(old, blocks[0]), placeOf(next, blocks[1])];
  if (was !== is) comparison.tear('field-moved', path, `lay ${was} and lies ${is}`, ownSchema);
  if (!isDeepStrictEqual(old.fallback, next.fallback)) {
    const message = 'has another default: writers that leave it out mean another value';
    const advice = 'keep the default; let writers give the value they mean';
    comparison.add('default-changed', path, breaking, message, advice);
  }
  if (old.doc !== next.doc) {
    comparison.add('doc-changed', path, harmless, 'its documentation is another one');
  }
}

function placeOf({ offset, order, base }: FieldModel, block: BlockModel): string {
  const at = `at offset ${offset} (${order})`;
  if (base === null) return at;
  const { scale, plus } = base;
  return `${at} from ${block.fields[base.field]?.name} × ${scale} + ${plus}`;
}
