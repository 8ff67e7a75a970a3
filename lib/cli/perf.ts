// `hyperroute perf`: throughput over Raptor, and the listening end of both tools.
import { type Command, type CommandInput, UsageError } from './command.js';
import { type ProbeEvent, runProbe } from './probe.js';
import { measure } from './probe-client.js';
import {
  addressText,
  isAnyAddress,
  listenPlan,
  type ProbePlan,
  parseAddress,
  perfPlan,
  serverKeyOption,
  sharedOptions,
} from './probe-options.js';
import { listenerLine } from './probe-text.js';

export const perf: Command = {
  name: 'perf',
  usage: '--listen [HOST:]PORT | HOST:PORT',
  about: [
    'Measures throughput over a Raptor session, and latency under that load. With --listen it is',
    'the other end, of `hyperroute ping` too: it prints its public key and answers until a signal.',
    'A port alone is for this host; 0.0.0.0:PORT is for every host that reaches this one.',
  ],
  options: {
    listen: { type: 'string', value: '[HOST:]PORT', about: 'be the other end' },
    'server-key': serverKeyOption,
    seconds: { type: 'string', value: 'N', about: 'how long (10)' },
    bytes: { type: 'string', value: 'N', about: 'of a message, 16 to 262144 (288)' },
    rate: {
      type: 'string',
      value: 'N',
      about: 'messages a second on all streams; 0: as many as are taken (0)',
    },
    streams: { type: 'string', value: 'N', about: 'streams that take turns, up to 32 (1)' },
    mode: {
      type: 'string',
      value: 'MODE',
      about: 'ordered, unordered, latest, deadline or unreliable (ordered)',
    },
    deadline: { type: 'string', value: 'MS', about: 'with --mode deadline: for so long' },
    ...sharedOptions,
  },
  positionalsMin: 0,
  positionalsMax: 1,
  examples: [
    'hyperroute perf --listen 0.0.0.0:9000 --key perf.key',
    'hyperroute perf 192.0.2.7:9000 --server-key=raptor-public-… --seconds 30',
    'hyperroute perf 127.0.0.1:9000 --insecure --rate 100000 --loss 1%',
  ],
  run,
};

/** Of the measuring end alone. */
const clientOnly = ['server-key', 'seconds', 'bytes', 'rate', 'streams', 'mode', 'deadline'];

async function run(input: CommandInput): Promise<number> {
  const { values, positionals } = input;
  if (values.listen === undefined) {
    if (positionals.length === 0) throw new UsageError(`expected ${perf.usage}, received nothing`);
    return measure(input, perfPlan(input));
  }
  const other = clientOnly.find((name) => values[name] !== undefined);
  if (other !== undefined) throw new UsageError(`--${other}: not with --listen`);
  if (positionals.length > 0) {
    throw new UsageError(`unexpected argument ${JSON.stringify(positionals[0])} with --listen`);
  }
  return listen(input, listenPlan(input));
}

function listen({ values, io }: CommandInput, plan: ProbePlan): Promise<number> {
  const isJson = values.json === true;
  const publicKey = plan.keys?.publicKey ?? null;
  const take = (event: ProbeEvent): void => {
    if (isJson) {
      io.json(event.event === 'listening' ? { ...event, publicKey } : event);
    } else if (event.event === 'listening') {
      if (publicKey !== null) io.out.line(`public key ${publicKey}`);
      const bound = parseAddress(event.address, 0);
      const isAny = isAnyAddress(bound.host);
      const note = isAny ? ", HOST being this one's address" : '';
      io.out.line(`listening on ${event.address}; to measure${note}:`);
      const host = isAny ? 'HOST' : plan.address.host;
      const how = publicKey === null ? '--insecure' : `--server-key=${publicKey}`;
      io.out.line(`  hyperroute ping ${addressText({ host, port: bound.port })} ${how}`);
    } else {
      const line = listenerLine(event);
      if (line !== undefined) io.out.line(line);
    }
  };
  return runProbe(plan, take);
}
