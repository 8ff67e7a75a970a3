// `hyperroute check`: loads a configuration, checks it and compiles its route image, without
// opening anything.
import { emit } from '../compiler/emit.js';
import type { EndpointIr, RouterIr } from '../compiler/ir.js';
import { loadConfig } from '../config/load.js';
import { errorJson } from '../errors.js';
import type { Command, CommandInput } from './command.js';
import { endpointAddress, isExposed, withoutRemote } from './endpoints.js';
import type { Io } from './io.js';
import { reportError } from './report.js';
import { countText, table } from './text.js';

export const check: Command = {
  name: 'check',
  usage: 'FILE',
  about: [
    'Loads the configuration, checks it, compiles its route image, and prints a summary or the',
    'first mistake with file, line and column. Opens no socket and needs no native engine.',
    'Types are removed, not checked: run tsc for that.',
  ],
  options: {},
  positionalsMin: 1,
  positionalsMax: 1,
  examples: ['hyperroute check router.config.ts', 'hyperroute check router.config.ts --json'],
  run,
};

/** What a configuration holds, as `check --json` prints it. */
interface Summary {
  readonly ok: true;
  readonly file: string;
  readonly name: string;
  readonly endpoints: readonly EndpointSummary[];
  readonly schemaCount: number;
  readonly poolCount: number;
  readonly transformCount: number;
  readonly routeCount: number;
  readonly ruleCount: number;
  readonly validationCount: number;
  readonly imageBytes: number;
  readonly threading: string;
  /** Names of the endpoints that other hosts can reach. */
  readonly exposed: readonly string[];
  /** Names of the endpoints that write the keys of their sessions to a file. */
  readonly keyLogs: readonly string[];
  /** Names of the endpoints that a rule sends to, and that can only answer. */
  readonly withoutRemote: readonly string[];
  readonly rejectCodes: Readonly<Record<string, number>>;
}

interface EndpointSummary {
  readonly name: string;
  readonly kind: EndpointIr['kind'];
  readonly messages: string;
  readonly address: string | null;
  readonly exposed: boolean;
}

async function run({ positionals, values, io }: CommandInput): Promise<number> {
  const [path = ''] = positionals;
  try {
    const { file, ir } = await loadConfig(path);
    const summary = summaryOf(file, ir, emit(ir).byteLength);
    if (values.json === true) io.json(summary);
    else print(io, summary);
    return 0;
  } catch (error) {
    if (values.json === true) io.json({ ok: false, file: path, error: errorJson(error) });
    else reportError(io, error);
    return 1;
  }
}

function summaryOf(file: string, ir: RouterIr, imageBytes: number): Summary {
  const sum = (count: (route: RouterIr['routes'][number]) => number) =>
    ir.routes.reduce((total, route) => total + count(route), 0);
  return {
    ok: true,
    file,
    name: ir.name,
    endpoints: ir.endpoints.map((endpoint) => ({
      name: endpoint.name,
      kind: endpoint.kind,
      messages: ir.families[endpoint.family]?.name ?? 'raw',
      address: endpointAddress(endpoint),
      exposed: isExposed(endpoint),
    })),
    schemaCount: ir.schemas.length,
    poolCount: ir.pools.length,
    transformCount: ir.transforms.length,
    routeCount: ir.routes.length,
    ruleCount: sum(({ rules }) => rules.length),
    validationCount: sum(({ checks }) => checks.length),
    imageBytes,
    threading: ir.threading.model,
    exposed: ir.endpoints.filter(isExposed).map(({ name }) => name),
    keyLogs: ir.endpoints.filter(({ options }) => options.keyLog != null).map(({ name }) => name),
    withoutRemote: withoutRemote(ir),
    rejectCodes: ir.rejectCodes,
  };
}

function print({ out }: Io, summary: Summary): void {
  out.line(`${out.style('green', 'ok')} ${out.style('bold', summary.name)}  ${summary.file}`);
  out.line();
  const rows = summary.endpoints.map(({ name, kind, messages, address }) => [
    name,
    kind,
    messages,
    address ?? '-',
  ]);
  for (const line of table(['endpoint', 'kind', 'messages', 'address'], rows, 4)) {
    out.line(line);
  }
  const { routeCount, ruleCount, validationCount, poolCount, transformCount } = summary;
  out.line();
  out.line(`routes      ${routeCount}   rules ${ruleCount}   checks ${validationCount}`);
  out.line(
    `pools       ${poolCount}   transforms ${transformCount}   schemas ${summary.schemaCount}`,
  );
  out.line(`threading   ${summary.threading}`);
  out.line(`image       ${countText(summary.imageBytes)} bytes`);
  const codes = Object.entries(summary.rejectCodes).map(([name, code]) => `${name} ${code}`);
  if (codes.length > 0) out.line(`rejects     ${codes.join(', ')}`);
  const warn = (label: string, names: readonly string[], meaning: string): void => {
    if (names.length === 0) return;
    out.line(out.style('yellow', `${label.padEnd(12)}${names.join(', ')}: ${meaning}`));
  };
  warn('exposed', summary.exposed, 'other hosts can reach them');
  warn('key log', summary.keyLogs, 'whoever reads the file reads what their sessions carry');
  warn('no remote', summary.withoutRemote, 'a rule sends there, and all of it is NO_DESTINATION');
}
