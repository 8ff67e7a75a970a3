// What `hyperroute prove` says of correlations.
import {
  type CorrelationFault,
  type CorrelationStatement,
  type DecidingVerdict,
  findCorrelationFaults,
  type Verdict,
} from '../compiler/analysis/index.js';
import { destinationsOf } from '../compiler/check-correlations.js';
import type { EndpointIr, RouterIr } from '../compiler/ir.js';
import { fewOf, shownMax } from '../schema/options.js';
import type { Io } from './io.js';

export interface CorrelationProof {
  readonly correlation: string;
  readonly statements: readonly {
    readonly statement: CorrelationStatement;
    readonly verdict: Verdict;
    /** Whether `prove` fails where it is refuted, and with --strict where it is undecided. */
    readonly required: boolean;
    /** Why, for people; '': it is proved. */
    readonly reason: string;
  }[];
}

const statements: readonly CorrelationStatement[] = ['filled', 'told', 'asked', 'closed'];
const required: readonly CorrelationStatement[] = ['filled', 'told'];

const texts: Readonly<Record<CorrelationStatement, string>> = {
  filled: 'a message can be remembered',
  told: 'who is to give an id back is told it',
  asked: 'what is remembered is looked up',
  closed: 'what is found can be closed',
};

/** `deciding` says which rules decide for some message. */
export function proveCorrelations(
  ir: RouterIr,
  deciding: DecidingVerdict,
): readonly CorrelationProof[] {
  const faults = findCorrelationFaults(ir, deciding);
  return (ir.correlations ?? []).map(({ name }, index) => {
    const own = faults.filter(({ correlation }) => correlation === index);
    return {
      correlation: name,
      statements: statements.map((statement) => {
        const fault = own.find((one) => one.statement === statement);
        return {
          statement,
          verdict: fault?.verdict ?? 'proved',
          required: required.includes(statement),
          reason: fault === undefined ? '' : reasonOf(ir, fault),
        };
      }),
    };
  });
}

function reasonOf(ir: RouterIr, fault: CorrelationFault): string {
  const { correlation, statement, verdict, where } = fault;
  const name = ir.correlations?.[correlation]?.name ?? '';
  const listed = placesText(ir, where);
  if (verdict === 'undecided') return `whether a message gets to ${listed} is undecided`;
  switch (statement) {
    case 'filled':
      return `each message that opens it has to find one first, or never gets there: ${listed}`;
    case 'told':
      return `looked up by id in ${listed}, and no transform writes ${name}.id()`;
    case 'asked':
      return `opened by ${listed}, and no route has it as lookup; ${lateText(ir, correlation)}`;
    case 'closed': {
      const why = where.length === 0 ? 'no rule closes it' : `no message gets to ${listed}`;
      return `${why}; ${lateText(ir, correlation)}`;
    }
  }
}

function placesText(ir: RouterIr, where: CorrelationFault['where']): string {
  const places = where.slice(0, shownMax).map(({ route: index, rule }) => {
    const route = ir.routes[index];
    const own = route?.rules[rule ?? -1];
    return own === undefined
      ? `route ${route?.name}`
      : `rule ${own.name} of route ${route?.name} (line ${own.position.line})`;
  });
  return fewOf(places, where.length);
}

/** What it means that everything waits until the time-out. */
function lateText(ir: RouterIr, correlation: number): string {
  const { timeoutMs = 0 } = ir.correlations?.[correlation] ?? {};
  const counting = destinationsOf(ir, correlation)
    .filter((endpoint) => countsFailures(ir, endpoint))
    .map((endpoint) => ir.endpoints[endpoint]?.name ?? '');
  const late = `all of it waits for ${timeoutMs} ms and times out`;
  if (counting.length === 0) return late;
  return `${late}, a failure each time for ${fewOf(counting)}`;
}

/** Whether it matters that a request to an endpoint gets no answer in time. */
function countsFailures({ endpoints, pools }: RouterIr, endpoint: number): boolean {
  const { control }: Partial<EndpointIr> = endpoints[endpoint] ?? {};
  if (control?.breaker !== undefined) return true;
  return pools.some(
    ({ eject, members }) =>
      eject !== undefined && members.some((member) => member.endpoint === endpoint),
  );
}

/** Whether everything that is needed holds; strict: for certain. */
export function isWorking({ statements: all }: CorrelationProof, strict: boolean): boolean {
  return all.every(
    ({ verdict, required: isNeeded }) =>
      !isNeeded || verdict === 'proved' || (verdict === 'undecided' && !strict),
  );
}

export function printCorrelations({ out }: Io, proofs: readonly CorrelationProof[]): void {
  for (const { correlation, statements: all } of proofs) {
    out.line();
    out.line(out.style('bold', `correlation ${correlation}`));
    for (const { statement, verdict, required: isNeeded, reason } of all) {
      const isRefuted = verdict === 'refuted';
      const colour = verdict === 'proved' ? 'green' : isRefuted && isNeeded ? 'red' : 'yellow';
      const remark = isRefuted && !isNeeded ? ' (it need not)' : '';
      out.line(`  ${out.style(colour, verdict.padEnd(9))}  ${texts[statement]}${remark}`);
      if (reason !== '') out.line(`    ${reason}`);
    }
  }
}
