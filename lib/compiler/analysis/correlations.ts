// What is certain of a correlation before the first message: whether anything can be found in it,
// and whether what waits in it can ever be answered. Pure.
import type { CorrelationIr, RouteIr, RouterIr, RuleIr } from '../ir.js';
import type { Verdict } from './questions.js';

/**
 * - `filled`: a message can be remembered without one having been found before.
 * - `told`: where it is looked up by id, somebody was told ids.
 * - `asked`: a route looks it up.
 * - `closed`: a rule that decides for some message closes what was found.
 */
export type CorrelationStatement = 'filled' | 'told' | 'asked' | 'closed';

/** A statement about a correlation that does not hold, or of which nobody knows. */
export interface CorrelationFault {
  /** Index of the correlation. */
  readonly correlation: number;
  readonly statement: CorrelationStatement;
  /** Undecided: it would hold if rules decided of which nobody knows whether they do. */
  readonly verdict: 'refuted' | 'undecided';
  /** Rules that would make it hold if they could, or routes that need it (rule null). */
  readonly where: readonly { readonly route: number; readonly rule: number | null }[];
}

/** Whether a rule decides for some message; refuted: it is shadowed. */
export type DecidingVerdict = (route: number, rule: number) => Verdict;

/**
 * Every statement that is not certain to hold, of every correlation of a configuration that `check`
 * accepts. Synchronous.
 */
export function findCorrelationFaults(
  ir: RouterIr,
  deciding: DecidingVerdict = () => 'proved',
): readonly CorrelationFault[] {
  const possible = filledCorrelations(ir, (...at) => deciding(...at) !== 'refuted');
  const certain = filledCorrelations(ir, (...at) => deciding(...at) === 'proved');
  return (ir.correlations ?? []).flatMap((_: CorrelationIr, correlation) => {
    const faults: CorrelationFault[] = [];
    const add = (
      statement: CorrelationStatement,
      verdict: CorrelationFault['verdict'],
      where: readonly Place[],
    ): void => {
      faults.push({ correlation, statement, verdict, where });
    };
    const maybe = (where: readonly RulePlace[]): readonly RulePlace[] =>
      where.filter(({ route, rule }) => deciding(route, rule) !== 'refuted');
    const openers = placesOf(ir, ({ open }) => open?.correlation === correlation);
    const asking = ir.routes.flatMap(({ lookup }, route) =>
      lookup?.correlation === correlation ? [{ route, rule: null, by: lookup.by }] : [],
    );
    if (!possible.has(correlation)) add('filled', 'refuted', openers);
    else if (!certain.has(correlation)) add('filled', 'undecided', maybe(openers));
    const byId = asking.filter(({ by }) => by === 'id');
    if (byId.length > 0 && !isTold(ir, correlation)) {
      add('told', 'refuted', byId.map(placeOnly));
    }
    if (asking.length === 0) add('asked', 'refuted', openers);
    const closers = placesOf(
      ir,
      ({ closes }, { lookup }) => closes === true && lookup?.correlation === correlation,
    );
    const able = maybe(closers);
    if (able.length === 0) add('closed', 'refuted', closers);
    else if (!able.some(({ route, rule }) => deciding(route, rule) === 'proved')) {
      add('closed', 'undecided', able);
    }
    return faults;
  });
}

interface RulePlace {
  readonly route: number;
  readonly rule: number;
}
type Place = CorrelationFault['where'][number];

function placeOnly({ route, rule }: Place): Place {
  return { route, rule };
}

function placesOf(ir: RouterIr, holds: (rule: RuleIr, route: RouteIr) => boolean): RulePlace[] {
  return ir.routes.flatMap((own, route) =>
    own.rules.flatMap((rule, index) => (holds(rule, own) ? [{ route, rule: index }] : [])),
  );
}

/** A route with a lookup gets to its rules once something can be found there. */
function filledCorrelations(
  { routes }: RouterIr,
  decides: (route: number, rule: number) => boolean,
): ReadonlySet<number> {
  const filled = new Set<number>();
  // Each round adds one at least, or is the last.
  for (let before = -1; before < filled.size; ) {
    before = filled.size;
    for (const [index, { lookup, rules }] of routes.entries()) {
      if (lookup !== undefined && !filled.has(lookup.correlation)) continue;
      for (const [at, { open }] of rules.entries()) {
        if (open !== undefined && decides(index, at)) filled.add(open.correlation);
      }
    }
  }
  return filled;
}

/** Whether some transform writes ids of entries; a plug-in writes nobody knows what. */
function isTold({ routes, transforms }: RouterIr, correlation: number): boolean {
  return routes.some(({ rules }) =>
    rules.some(({ action, taps = [] }) =>
      [action, ...taps.map((tap) => tap.action)].some(({ transform }) => {
        const { outputs = [], plugin } = transforms[transform ?? -1] ?? {};
        if (plugin !== undefined) return true;
        return outputs.some(({ value }) => {
          const isId = value.kind === 'correlation-id' || value.kind === 'found-id';
          return isId && value.correlation === correlation;
        });
      }),
    ),
  );
}
