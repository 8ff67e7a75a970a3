// Which reject codes a configuration names, in the order of their first use.
import type { CodeReference } from './dsl/codes.js';
import type { PlannedOutput } from './dsl/plan.js';
import type { RouteNode } from './dsl/route.js';
import type { TransformNode } from './dsl/transform.js';
import type { ValidationNode } from './dsl/validate.js';

/** Validations first, then route by route. */
export function* codeReferences(
  validations: readonly ValidationNode[],
  routes: readonly RouteNode[],
): Generator<CodeReference> {
  for (const { checks } of validations) {
    for (const { code, moreCodes } of checks) {
      yield code;
      yield* moreCodes;
    }
  }
  const seen = new Set<TransformNode>();
  for (const { rules, rejects } of routes) {
    const taps = rules.flatMap(({ manner }) => manner.taps);
    const actions = [...rules, ...taps].map(({ action }) => action);
    for (const { transform } of [...actions, rejects ?? { transform: null }]) {
      if (transform === null || seen.has(transform)) continue;
      seen.add(transform);
      yield* transformCodes(transform);
    }
  }
}

export function* transformCodes({ outputs, plugin }: TransformNode): Generator<CodeReference> {
  yield* outputCodes(outputs);
  yield* plugin?.codes ?? [];
}

function* outputCodes(outputs: readonly PlannedOutput[]): Generator<CodeReference> {
  for (const { value, rangeCode, absent } of outputs) {
    yield rangeCode;
    const conversion = value.kind === 'saved' ? value.value : value;
    if (conversion.kind === 'map') yield conversion.code;
    if (value.kind === 'group') yield* outputCodes(value.outputs);
    if (absent?.kind === 'reject') yield absent.code;
  }
}
