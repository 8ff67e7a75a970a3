// Whether readers and writers of two versions of a schema understand each other.
import { compareBlocks } from './compatibility-fields.js';
import {
  backwardOnly,
  breaking,
  Comparison,
  type Finding,
  forwardOnly,
  harmless,
  meet,
  type Verdict,
} from './compatibility-findings.js';
import { compareForeign } from './compatibility-foreign.js';
import type { BlockModel, SchemaModel } from './model.js';
import { quotedList } from './options.js';
import { type AnySchema, type HeaderNames, isSchema } from './schema.js';

export type { Change, Finding, Verdict } from './compatibility-findings.js';

/** The modes of `checkCompatibility`. */
export const compatibilityModes = [
  'BACKWARD',
  'FORWARD',
  'FULL',
  'BACKWARD_TRANSITIVE',
  'FORWARD_TRANSITIVE',
  'FULL_TRANSITIVE',
] as const;

/**
 * What has to hold: `BACKWARD` new readers understand old messages, `FORWARD` old readers
 * understand new messages, `FULL` both. With `_TRANSITIVE` it has to hold with every schema of the
 * history, otherwise with its newest.
 */
export type CompatibilityMode = (typeof compatibilityModes)[number];

export interface Compatibility {
  /** Whether the mode is satisfied. */
  readonly ok: boolean;
  readonly mode: CompatibilityMode;
  /** What holds with all schemas that were compared. */
  readonly verdict: Verdict;
  /**
   * Whether it only holds through a transform, which turns old messages into new ones: read as
   * they are, new readers refuse them.
   */
  readonly transform: boolean;
  /** Every difference; those with the verdict `FULL` are harmless. */
  readonly findings: readonly Finding[];
}

/**
 * Compares a schema with an older one, or with its history (oldest first), and says who can read
 * whose messages. Every finding says what changed, where, why that matters and what to do instead.
 *
 * Any thread; synchronous. Throws TypeError for what is no schema, no history or no mode.
 *
 * @example
 * ```ts
 * const { ok, findings } = checkCompatibility([OrderV1, OrderV2], OrderV3, 'FULL_TRANSITIVE');
 * for (const { path, message, advice } of findings) console.log(path, message, advice ?? '');
 * ```
 */
export function checkCompatibility(
  old: AnySchema | readonly AnySchema[],
  next: AnySchema,
  mode: CompatibilityMode = 'BACKWARD',
): Compatibility {
  const history: readonly unknown[] = Array.isArray(old) ? old : [old];
  if (history.length === 0 || ![...history, next].every((item) => isSchema(item))) {
    throw new TypeError('checkCompatibility: expected a schema or an array of at least one, first');
  }
  if (!compatibilityModes.includes(mode)) {
    throw new TypeError(`checkCompatibility: expected a mode of ${quotedList(compatibilityModes)}`);
  }
  const schemas = history as readonly AnySchema[];
  const compared = mode.endsWith('_TRANSITIVE') ? schemas : schemas.slice(-1);
  const findings = compared.flatMap((schema) =>
    compareModels(schema.model, next.model, [schema.header, next.header]),
  );
  const verdict = meet(findings.map((finding) => finding.verdict));
  const wanted = mode.replace('_TRANSITIVE', '') as Verdict;
  const transform = findings.some((finding) => finding.transform) && verdict !== 'BREAK';
  return { ok: verdict === 'FULL' || verdict === wanted, mode, verdict, transform, findings };
}

const noHeader: HeaderNames = { type: null, size: null };

/** The differences between two models; `headers` are the header fields of foreign ones. */
export function compareModels(
  old: SchemaModel,
  next: SchemaModel,
  headers: readonly [HeaderNames, HeaderNames] = [noHeader, noHeader],
): readonly Finding[] {
  const isNative = old.layout.kind === 'native';
  const comparison = new Comparison(isNative, old.version, next.version);
  compareIdentity(comparison, old, next);
  const [was, is] = [layoutText(old), layoutText(next)];
  if (was !== is) {
    const message = `its layout was ${was} and is ${is}: no byte lies where it lay`;
    const advice = 'give the new layout a schema with another template id, and transform to it';
    comparison.tear('layout-changed', '', message, advice);
    return comparison.findings;
  }
  if (isNative) compareNative(comparison, old, next);
  else {
    compareHeaders(comparison, headers);
    compareForeign(comparison, old.block, next.block);
  }
  return comparison.findings;
}

function layoutText({ layout }: SchemaModel): string {
  return layout.kind === 'native' ? 'native' : `${layout.kind} (${layout.order})`;
}

function compareIdentity(comparison: Comparison, old: SchemaModel, next: SchemaModel): void {
  if (old.templateId !== next.templateId) {
    const ids = `its template id was ${old.templateId} and is ${next.templateId}`;
    const message = `${ids}: readers take it for another message`;
    const advice = 'keep the template id; a message with another one is another message';
    comparison.add('template-id-changed', '', breaking, message, advice);
  }
  if (old.name !== next.name) {
    const message = `was called ${old.name} and is called ${next.name}`;
    const advice = `keep the name, or give ${next.name} a template id of its own`;
    comparison.add('name-changed', '', breaking, message, advice);
  }
  if (old.doc !== next.doc) {
    comparison.add('doc-changed', '', harmless, 'its documentation is another one');
  }
}

function compareNative(comparison: Comparison, old: SchemaModel, next: SchemaModel): void {
  if (next.version < old.version) {
    const message = `is version ${next.version}, but there is a version ${old.version} already`;
    const advice = 'extend the newest version, or two schemas will be called by one number';
    comparison.add('version-lowered', '', harmless, message, advice);
  }
  compareBlocks(comparison, old.block, next.block);
  comparison.settle();
  const isSame = hasSameVersions(old, next, comparison.commonVersion);
  if (!comparison.isTorn && (isSame || comparison.isWidened)) return;
  const common = comparison.commonVersion;
  const versions = common === 1 ? 'version 1' : `a version up to ${common}`;
  const message =
    `does not extend the old schema: ${versions} has other bytes than it had, ` +
    'so readers refuse such messages';
  const advice = 'take the old schema as it is and make the next version of it by .extend()';
  comparison.add('not-extended', '', breaking, message, advice);
}

/** Whether what readers check of a message is the same for all versions that both have. */
function hasSameVersions(old: SchemaModel, next: SchemaModel, common: number): boolean {
  const isSame = (was: readonly number[], is: readonly number[]): boolean =>
    was.slice(0, common).every((value, index) => value === is[index]);
  if (!isSame(old.fingerprints, next.fingerprints)) return false;
  const isSameBlock = (was: BlockModel, is: BlockModel): boolean =>
    isSame(was.versionBytes, is.versionBytes) &&
    was.fields.every(({ id, type }) => {
      const found = is.fields.find((field) => field.id === id)?.type;
      if (type.kind !== 'group' || found?.kind !== 'group') return true;
      return isSameBlock(type.block, found.block);
    });
  return isSameBlock(old.block, next.block);
}

const headerFields = ['type', 'size'] as const;

function compareHeaders(
  comparison: Comparison,
  [old, next]: readonly [HeaderNames, HeaderNames],
): void {
  for (const name of headerFields) {
    const [was, is] = [old[name], next[name]];
    if (was === is) continue;
    const message = `its ${name} field was ${was ?? 'none'} and is ${is ?? 'none'}`;
    const advice = 'name the same header fields in all unions and versions';
    // Who has no such field writes anything there and does not look at it.
    const oneSided = was === null ? forwardOnly : backwardOnly;
    const effect = was !== null && is !== null ? breaking : oneSided;
    comparison.add('header-changed', '', effect, message, advice);
  }
}
