// The cells of a table of rules: for each combination of classes the first rule that holds there.
import { noRecord } from './emit-format.js';
import type { ImageBuilder } from './emit-sections.js';
import { cellCount, type MatcherPlan } from './plan-matchers.js';

/** Appends the cells of a table. Returns where they start. */
export function emitCells(
  builder: ImageBuilder,
  plan: MatcherPlan,
  strides: readonly number[],
): number {
  const cells = plan.fields.length === 1 ? rulesByClass(plan) : rulesByBox(plan, strides);
  const first = builder.sections.cells.count;
  builder.sections.cells.append(new Uint8Array(cells.buffer));
  return first;
}

function noRules({ fields }: MatcherPlan): Uint32Array {
  return new Uint32Array(cellCount(fields)).fill(noRecord);
}

/**
 * Over one field: each class once, by the first term that has it. `free[n]` leads to the first
 * class at or behind n that no term has taken, so those that are taken are skipped at once.
 */
export function rulesByClass(plan: MatcherPlan): Uint32Array {
  const { terms, fields } = plan;
  const cells = noRules(plan);
  const runs = fields[0]?.classes.runs ?? [];
  const free = Uint32Array.from({ length: cells.length + 1 }, (_, place) => place);
  const firstFree = (place: number): number => {
    let root = place;
    while (free[root] !== root) root = free[root] ?? root;
    for (let at = place; at !== root; ) {
      const next = free[at] ?? root;
      free[at] = root;
      at = next;
    }
    return root;
  };
  for (const [term, { rule }] of terms.entries()) {
    const places = runs[term] ?? [];
    for (let at = 0; at < places.length; at += 2) {
      const last = places[at + 1] ?? 0;
      for (let place = firstFree(places[at] ?? 0); place <= last; place = firstFree(place)) {
        cells[place] = rule;
        free[place] = place + 1;
      }
    }
  }
  return cells;
}

/** Over several: from the last term to the first, so that what stays is the first one's. */
function rulesByBox(plan: MatcherPlan, strides: readonly number[]): Uint32Array {
  const { terms, fields } = plan;
  const cells = noRules(plan);
  const fill = (depth: number, start: number, term: number, rule: number): void => {
    if (depth === fields.length) {
      cells[start] = rule;
      return;
    }
    const places = fields[depth]?.classes.runs[term] ?? [];
    const stride = strides[depth] ?? 1;
    for (let at = 0; at < places.length; at += 2) {
      const last = places[at + 1] ?? 0;
      for (let place = places[at] ?? 0; place <= last; place += 1) {
        fill(depth + 1, start + place * stride, term, rule);
      }
    }
  };
  for (let term = terms.length - 1; term >= 0; term -= 1) fill(0, 0, term, terms[term]?.rule ?? 0);
  return cells;
}
