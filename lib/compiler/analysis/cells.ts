// The cells of a decision table as formulas, so that questions can be asked about them.
import { hullOf, intersect } from '../intervals.js';
import type { Formula } from './formulas.js';
import type { RouteQuestions } from './questions.js';

/** For each rule, and for -1, no rule, the cells of a route's table that name it. */
export function cellFormulas({
  route,
  domains,
}: RouteQuestions): ReadonlyMap<number, readonly Formula[]> {
  const formulas = new Map<number, Formula[]>();
  const { dimensions, cells } = route.table ?? { dimensions: [], cells: [] };
  const classes = dimensions.map(({ field, starts }) => {
    const [low, high] = hullOf(domains.of(field));
    const bounds = [low, ...starts];
    return bounds.map((from, index): Formula => {
      const to = (bounds[index + 1] ?? high + 1n) - 1n;
      const allowed = from > to ? [] : intersect(domains.of(field), [[from, to]]);
      return { kind: 'set', field, allowed };
    });
  });
  for (const [cell, rule] of cells.entries()) {
    const terms: Formula[] = [];
    let rest = cell;
    for (const dimension of [...classes].reverse()) {
      terms.push(dimension[rest % dimension.length] as Formula);
      rest = Math.floor(rest / dimension.length);
    }
    const known = formulas.get(rule);
    if (known === undefined) formulas.set(rule, [{ kind: 'and', terms }]);
    else known.push({ kind: 'and', terms });
  }
  return formulas;
}
