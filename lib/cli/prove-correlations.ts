// What `hyperroute prove` says of correlations.
import {
  type CorrelationFault,
  type CorrelationStatement,
  findCorrelationFaults,
} from '../compiler/analysis/index.js';
import { destinationsOf } from '../compiler/check-correlations.js';
import type { EndpointIr, RouterIr } from '../compiler/ir.js';
import type { Io } from './io.js';

export interface CorrelationProof {
  readonly correlation: string;
  readonly statements: readonly {
    readonly statement: CorrelationStatement;
    readonly verdict: 'proved' | 'refuted';
    /** Whether `prove` fails where it is refuted. */
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

/** `isShadowed` says which rules decide for no message. */
export function proveCorrelations(
  ir: RouterIr,
  isShadowed: (route: number, rule: number) => boolean,
): readonly CorrelationProof[] {
  const faults = findCorrelationFaults(ir, isShadowed);
  return (ir.correlations ?? []).map(({ name }, index) => {
    const own = faults.filter(({ correlation }) => correlation === index);
    return {
      correlation: name,
      statements: statements.map((statement) => {
        const fault = own.find((one) => one.statement === statement);
        return {
          statement,
          verdict: fault === undefined ? 'proved' : 'refuted',
          required: required.includes(statement),
          reason: fault === undefined ? '' : reasonOf(ir, fault),
        };
      }),
    };
  });
}

function reasonOf(ir: RouterIr, fault: CorrelationFault): string {
  const { correlation, statement, where } = fault;
  const name = ir.correlations?.[correlation]?.name ?? '';
  const places = where.map(({ route: index, rule }) => {
    const route = ir.routes[index];
    const own = route?.rules[rule ?? -1];
    return own === undefined
      ? `route ${route?.name}`
      : `rule ${own.name} of route ${route?.name} (line ${own.position.line})`;
  });
  const listed = places.join(', ');
  switch (statement) {
    case 'filled':
      return `each message that opens it has to find one first, or never gets there: ${listed}`;
    case 'told':
      return `looked up by id in ${listed}, and no transform writes ${name}.id()`;
    case 'asked':
      return `opened by ${listed}, and no route has it as lookup; ${lateText(ir, correlation)}`;
    case 'closed': {
      const why = places.length === 0 ? 'no rule closes it' : `no message gets to ${listed}`;
      return `${why}; ${lateText(ir, correlation)}`;
    }
  }
}

/** What it means that everything waits until the time-out. */
function lateText(ir: RouterIr, correlation: number): string {
  const { timeoutMs = 0 } = ir.correlations?.[correlation] ?? {};
  const counting = destinationsOf(ir, correlation)
    .filter((endpoint) => countsFailures(ir, endpoint))
    .map((endpoint) => ir.endpoints[endpoint]?.name ?? '');
  const late = `all of it waits for ${timeoutMs} ms and times out`;
  if (counting.length === 0) return late;
  return `${late}, a failure each time for ${counting.join(', ')}`;
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

export function isWorking({ statements: all }: CorrelationProof): boolean {
  return all.every((one) => one.verdict === 'proved' || !one.required);
}

export function printCorrelations({ out }: Io, proofs: readonly CorrelationProof[]): void {
  for (const { correlation, statements: all } of proofs) {
    out.line();
    out.line(out.style('bold', `correlation ${correlation}`));
    for (const { statement, verdict, required: isNeeded, reason } of all) {
      const colour = verdict === 'proved' ? 'green' : isNeeded ? 'red' : 'yellow';
      const remark = verdict === 'proved' || isNeeded ? '' : ' (it need not)';
      out.line(`  ${out.style(colour, verdict.padEnd(9))}  ${texts[statement]}${remark}`);
      if (reason !== '') out.line(`    ${reason}`);
    }
  }
}
