// From correlations to IR.
import type { CorrelationNode } from './dsl/correlate.js';
import type { CorrelationIr } from './ir.js';

export function correlationIr(node: CorrelationNode): CorrelationIr {
  const { name, settings, keyFields, keptFields, place } = node;
  const key = keyFields.map(({ ir }) => ir);
  const saved = keptFields.map(({ ir }) => ir);
  return { name, ...settings, key, saved, position: place };
}
