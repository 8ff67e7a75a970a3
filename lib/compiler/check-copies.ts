// Checks of routes that send several copies of a message: modes, taps, and how many copies leave.
import type { Findings } from './findings.js';
import type { ActionIr, RouteIr, RouterIr, RuleIr } from './ir.js';
import { deliveriesMax, priorityMax, tapEveryMax } from './limits.js';

const modes = ['first', 'unique', 'all'];

/** Everything about a route's mode and its rules' copies. */
export function checkCopies(ir: RouterIr, route: RouteIr, path: string, findings: Findings): void {
  const { mode = 'first', position } = route;
  const known = `one of ${modes.join(', ')}`;
  if (!findings.need(modes.includes(mode), 'ERR_ROUTE', `${path}.mode`, known, mode, position)) {
    return;
  }
  for (const [index, rule] of route.rules.entries()) {
    checkRule(rule, mode, `${path}.rules[${index}]`, findings);
  }
  const counts = route.rules.map((rule) => copiesOf(ir, rule));
  const most = mode === 'all' ? counts.reduce((sum, count) => sum + count, 0) : Math.max(...counts);
  const expected = `at most ${deliveriesMax} copies of one message, taps included`;
  findings.need(most <= deliveriesMax, 'ERR_ROUTE_LIMIT', path, expected, most, position);
  if (mode === 'all') {
    const hasTable = route.table !== undefined;
    findings.need(!hasTable, 'ERR_ROUTE', path, 'rules: a table gives one of them', 'a table');
  }
}

function checkRule(rule: RuleIr, mode: string, path: string, findings: Findings): void {
  const { position, priority = 0, taps = [], bestEffort = false } = rule;
  const isPriority = Number.isInteger(priority) && priority >= 0 && priority <= priorityMax;
  const levels = `an integer from 0 to ${priorityMax}`;
  findings.need(isPriority, 'ERR_ROUTE', `${path}.priority`, levels, priority, position);
  const mayLack = bestEffort === false || (bestEffort === true && mode === 'all');
  const only = 'bestEffort in a route of mode all only';
  findings.need(mayLack, 'ERR_ROUTE', `${path}.bestEffort`, only, bestEffort, position);
  for (const [index, { action, every }] of taps.entries()) {
    const option = `${path}.taps[${index}]`;
    const isEvery = Number.isInteger(every) && every >= 1 && every <= tapEveryMax;
    const counts = `an integer from 1 to ${tapEveryMax}`;
    findings.need(isEvery, 'ERR_ROUTE', `${option}.every`, counts, every, position);
    const isSent = action.target.kind !== 'discard';
    const wanted = 'a destination that keeps what it gets';
    findings.need(isSent, 'ERR_ROUTE', `${option}.to`, wanted, 'discard', position);
  }
}

/** The most copies that leave because of a rule. */
function copiesOf(ir: RouterIr, { action, taps = [] }: RuleIr): number {
  const sent = [action, ...taps.map((tap) => tap.action)];
  return sent.reduce((sum, one) => sum + copiesOfAction(ir, one), 0);
}

function copiesOfAction(ir: RouterIr, { target }: ActionIr): number {
  const pool = target.kind === 'pool' ? ir.pools[target.pool] : undefined;
  if (pool?.strategy.kind !== 'broadcast') return 1;
  return Math.max(pool.members.length, pool.failover?.length ?? 0);
}
