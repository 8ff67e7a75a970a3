// Random rules that send several copies of a message: routes of which every rule counts, taps,
// copies on best effort, priorities.
import type { ActionIr, PoolIr, RouteIr, RuleIr, TapIr } from '../../lib/compiler/ir.js';
import { deliveriesMax } from '../../lib/compiler/limits.js';
import type { RandomValues } from './random-values.js';

/** The mode and the rules of a route, with copies; as few as the bound on them allows. */
export function withCopies(
  random: RandomValues,
  pools: readonly PoolIr[],
  rules: readonly RuleIr[],
  mode: 'first' | 'all',
  copy: () => ActionIr,
): Pick<RouteIr, 'mode' | 'rules'> {
  const copiesOf = ({ target }: ActionIr): number => {
    const pool = target.kind === 'pool' ? pools[target.pool] : undefined;
    return pool?.strategy.kind === 'broadcast' ? pool.members.length : 1;
  };
  const kept = mode === 'all' ? joined(rules, copiesOf) : rules;
  let left = deliveriesMax;
  if (mode === 'all') left -= kept.reduce((sum, { action }) => sum + copiesOf(action), 0);
  const made = kept.map((rule): RuleIr => {
    const taps: TapIr[] = [];
    while (left > 8 && random.chance(15)) {
      const action = sendingCopy(copy);
      left -= mode === 'all' ? copiesOf(action) : 0;
      taps.push({ action, every: random.pick([1, 2, 3, 7]) });
      if (taps.length === 6) break;
    }
    const priority = random.below(8);
    const bestEffort = mode === 'all' && random.chance(30);
    return { ...rule, priority, bestEffort, ...(taps.length === 0 ? {} : { taps }) };
  });
  return { mode, rules: made };
}

/** As many rules as a message may have copies of, with the conditions of all that were given. */
function joined(rules: readonly RuleIr[], copiesOf: (action: ActionIr) => number): RuleIr[] {
  let copies = 0;
  const kept = rules.filter(({ action }) => {
    copies += copiesOf(action);
    return copies <= deliveriesMax - 10;
  });
  if (kept.length === rules.length) return kept;
  return kept.map((rule, index) => {
    const terms = rules.flatMap(({ when }, at) => {
      return at % kept.length === index && when !== null ? [when] : [];
    });
    return { ...rule, when: { kind: 'or', terms } };
  });
}

/** A tap that throws its copies away is none. */
function sendingCopy(copy: () => ActionIr): ActionIr {
  const made = copy();
  return made.target.kind === 'discard'
    ? { transform: null, target: { kind: 'return-source' } }
    : made;
}
