// `hyperroute replay`: decides the messages of a recording again, and says whether the decisions
// are the same.
import { HyperRouteError } from '../errors.js';
import type { NativeReplayDecision, NativeReplayReport } from '../native.js';
import { type Command, type CommandInput, wholeNumber } from './command.js';
import { endTexts } from './events.js';
import { decimal, type Io } from './io.js';
import { type FileState, playFile, tableBytesDefault } from './recording-file.js';
import { countText, percentText, table } from './text.js';

export const replay: Command = {
  name: 'replay',
  usage: 'FILE',
  about: [
    'Decides the messages of a recording (hyperroute run --record FILE) again, from the same',
    'images and the same state, and compares every decision. Reports the share of each rule and',
    'each destination, and the first decision that is another one. Nothing is sent.',
    '',
    'Where the routes use plug-ins, FILE names the libraries, and to load one is to run its code:',
    'only --plugins does so. Give it for files that you trust.',
    '',
    'A file that stops in the middle is played up to there. Exit code 1 if a decision is another',
    'one, or if the file is damaged.',
  ],
  options: {
    plugins: {
      type: 'boolean',
      about: 'load the plug-ins that FILE names, which runs their code (they are refused)',
    },
    'table-bytes': {
      type: 'string',
      value: 'N',
      about: 'the most memory for the correlations of FILE (2,147,483,648)',
    },
  },
  positionalsMin: 1,
  positionalsMax: 1,
  examples: [
    'hyperroute replay today.recording',
    'hyperroute replay today.recording --json',
    'hyperroute replay own.recording --plugins',
  ],
  run,
};

/** The names of an image's parts; indices stand for those that it does not tell. */
interface Names {
  readonly endpoint: (index: number | null) => string;
  readonly route: (index: number | null) => string;
  readonly rule: (route: number | null, index: number | null) => string;
  readonly reject: (code: number) => string;
}

/** How many messages each of the names got, the most first. */
type Shares = readonly { readonly name: string; readonly messages: number }[];

async function run(input: CommandInput): Promise<number> {
  const { positionals, values, io } = input;
  const [path = ''] = positionals;
  const bounds = { low: 0, high: Number.MAX_SAFE_INTEGER, otherwise: tableBytesDefault };
  const tableBytes = wholeNumber(input, 'table-bytes', bounds);
  const { replay: played, state } = await playFile(path, {
    plugins: values.plugins === true,
    tableBytes,
  });
  const report = played.report();
  const ok = report.different === 0 && state.kind !== 'damaged';
  if (values.json === true) io.json({ ok, path, file: state, ...asJson(report) });
  else print(io, path, state, report);
  return ok ? 0 : 1;
}

/** Reads the names that a recording has of an image. Throws ERR_RECORDING. */
function namesOf(report: NativeReplayReport, image: number): Names {
  const text = report.images.find(({ number }) => number === image)?.description ?? '';
  const described = text === '' ? {} : describedBy(text);
  const named = (list: unknown, index: number | null, noun: string): string => {
    if (index === null) return '-';
    const name: unknown = Array.isArray(list) ? list[index] : undefined;
    return typeof name === 'string' ? name : `${noun} ${index}`;
  };
  const routes: unknown[] = Array.isArray(described.routes) ? described.routes : [];
  const partOf = (index: number | null, part: 'name' | 'rules'): unknown =>
    (routes[index ?? -1] as Readonly<Record<string, unknown>> | undefined)?.[part];
  return {
    endpoint: (index) => named(described.endpoints, index, 'endpoint'),
    route: (index) => {
      const name = partOf(index, 'name');
      return typeof name === 'string' ? name : named([], index, 'route');
    },
    rule: (route, index) => named(partOf(route, 'rules'), index, 'rule'),
    reject: (code) => {
      const name = (described.rejects as Readonly<Record<string, unknown>> | undefined)?.[code];
      return typeof name === 'string' ? name : String(code);
    },
  };
}

function describedBy(text: string): Readonly<Record<string, unknown>> {
  try {
    const parsed: unknown = JSON.parse(text);
    if (typeof parsed === 'object' && parsed !== null) return { ...parsed };
  } catch {
    // Said below.
  }
  const context = 'the recording is damaged: the names of an image';
  throw new HyperRouteError('ERR_RECORDING', context, { context });
}

/** Counts under the same name, of whatever image, are one. */
function sharesOf(
  report: NativeReplayReport,
  nameOf: (tally: NativeReplayReport['tallies'][0], names: Names) => string | null,
): Shares {
  const known = new Map<number, Names>();
  const counts = new Map<string, number>();
  for (const tally of report.tallies) {
    const names = known.get(tally.image) ?? namesOf(report, tally.image);
    known.set(tally.image, names);
    const name = nameOf(tally, names);
    if (name !== null) counts.set(name, (counts.get(name) ?? 0) + tally.count);
  }
  const shares = [...counts].map(([name, messages]) => ({ name, messages }));
  return shares.sort((a, b) => b.messages - a.messages || (a.name < b.name ? -1 : 1));
}

const noRoute = 0xffff;
const noRule = 0xffffffff;

function totalsOf(report: NativeReplayReport) {
  return {
    rules: sharesOf(report, ({ kind, first, second }, names) => {
      if (kind !== 'rule' || first === noRoute || second === noRule) return null;
      return `${names.route(first)} / ${names.rule(first, second)}`;
    }),
    destinations: sharesOf(report, ({ kind, first }, names) => {
      if (kind === 'endpoint') return names.endpoint(first);
      if (kind === 'return-source') return '(to its source)';
      if (kind === 'correlated') return '(where an entry says)';
      return kind === 'return-address' ? '(return addresses)' : null;
    }),
    rejects: sharesOf(report, ({ kind, first }, names) => {
      if (kind !== 'reject') return null;
      return first === 0 ? '(could not be delivered)' : names.reject(first);
    }),
    discarded: sharesOf(report, ({ kind }) => (kind === 'discard' ? kind : null))[0]?.messages ?? 0,
  };
}

function asJson(report: NativeReplayReport): object {
  const { workers, begunMs, messages, held, different, missed, end, images } = report;
  const counts = { workers, messages, held, different, missed, end, images: images.length };
  const begun = new Date(begunMs).toISOString();
  const { discarded, ...shares } = totalsOf(report);
  const named = Object.entries(shares).map(([noun, list]) => {
    const entries = list.map(({ name, messages: own }) => {
      return [name, { messages: own, share: own / messages }] as const;
    });
    return [noun, Object.fromEntries(entries)] as const;
  });
  const totals = { discarded, ...Object.fromEntries(named) };
  return { begun, ...counts, ...totals, difference: differenceOf(report) };
}

function differenceOf(report: NativeReplayReport): object | null {
  const { difference } = report;
  if (difference === null) return null;
  const { worker, index, image, source, message } = difference;
  const names = namesOf(report, image);
  const shown = (decisions: readonly NativeReplayDecision[]): readonly object[] =>
    decisions.map((decision) => decisionOf(decision, names));
  return {
    ...{ worker, index, from: names.endpoint(source), hex: Buffer.from(message).toString('hex') },
    recorded: shown(difference.recorded),
    replayed: shown(difference.replayed),
  };
}

function decisionOf(decision: NativeReplayDecision, names: Names): object {
  const { outcome, route, rule, rejectCode, skipped, taps, deliveries } = decision;
  return {
    ...{ outcome, route: names.route(route), rule: names.rule(route, rule) },
    ...(rejectCode === 0 ? {} : { reject: names.reject(rejectCode) }),
    ...(skipped === 0 ? {} : { skipped }),
    ...(taps === 0 ? {} : { taps }),
    deliveries: deliveries.map(({ target, endpoint, returnAddress, ...more }) => ({
      ...{ to: endpoint === null ? target : names.endpoint(endpoint), ...more },
      ...(returnAddress === 0n ? {} : { returnAddress }),
    })),
  };
}

function print({ out }: Io, path: string, state: FileState, report: NativeReplayReport): void {
  const { messages, held, different, missed, end, begunMs, images, workers } = report;
  const isGood = different === 0 && state.kind !== 'damaged';
  const verdict =
    different === 0 ? 'the same decisions' : `${countText(different)} decisions are others`;
  const title = isGood ? out.style('green', 'ok') : out.style('red', 'not ok');
  out.line(`${title} ${countText(messages)} messages, ${verdict}  ${path}`);
  const begun = new Date(begunMs).toISOString();
  out.line(`  begun ${begun}, ${workers} workers, ${images.length} images`);
  if (held > 0) out.line(`  ${countText(held)} decisions of messages that had to wait`);
  if (end !== null && end !== 'stopped') {
    const after = missed === 0 ? '' : `; ${countText(missed)} messages came after it`;
    out.line(`  the recording ended early: ${endTexts[end]}${after}`);
  }
  if (state.kind === 'torn') {
    out.line(out.style('yellow', `  the file stops in the middle, at byte ${state.position}`));
  }
  if (state.kind === 'damaged') {
    out.line(
      out.style('red', `  byte ${state.position}: ${state.reason}; nothing behind is played`),
    );
  }
  const { rules, destinations, rejects, discarded } = totalsOf(report);
  const block = (noun: string, shares: Shares): void => {
    if (shares.length === 0) return;
    out.line();
    const rows = shares.map(({ name, messages: own }) => {
      return [name, countText(own), percentText(messages === 0 ? 0 : own / messages)];
    });
    for (const line of table([noun, 'messages', 'share'], rows)) out.line(`  ${line}`);
  };
  block('rule', rules);
  block('destination', destinations);
  block('reject', rejects);
  if (discarded > 0) out.line(`\n  discarded  ${countText(discarded)}`);
  const difference = differenceOf(report);
  if (difference === null) return;
  out.line(`\n  the first one that is another: ${JSON.stringify(difference, decimal, 2)}`);
}
