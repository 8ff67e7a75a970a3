// Links between two Node processes; the command line is that of hyperroute-bench-links:
//
//   node index.js LINK answer|rtt|stream --name CASE --subject NAME --port P [--bytes N]
//     [--count N] [--loss PERMILLE] [--seed N]
//
// The answering side runs until it is ended.
import { parseArgs } from 'node:util';
import type { OpenLink } from './link.js';
import { Answerer, Measurer, print } from './measure.js';

/** Only what is measured is loaded. */
const links: Readonly<Record<string, () => Promise<OpenLink>>> = {
  dgram: async () => (await import('./dgram.js')).openDgram,
  raptor: async () => (await import('./raptor.js')).openRaptor,
  'raptor-polled': async () => (await import('./raptor.js')).openRaptorPolled,
  udx: async () => (await import('./udx.js')).openUdx,
  zeromq: async () => (await import('./zeromq.js')).openZeromq,
};

const text = { type: 'string' } as const;
const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    name: text,
    subject: text,
    port: text,
    bytes: { ...text, default: '32' },
    count: { ...text, default: '10000' },
    loss: { ...text, default: '0' },
    seed: { ...text, default: '1' },
  },
});
const [link = '', role = ''] = positionals;
const load = links[link];
if (load === undefined || !['answer', 'rtt', 'stream'].includes(role)) {
  throw new TypeError(`no link '${link}' or nothing to do '${role}'`);
}
const asked = {
  name: values.name ?? '',
  subject: values.subject ?? '',
  bytes: Number(values.bytes),
  count: Number(values.count),
};
const options = {
  isServer: role === 'answer',
  port: Number(values.port),
  bytes: asked.bytes,
  lossPermille: Number(values.loss),
  seed: Number(values.seed),
};

const open = await load();
if (role === 'answer') {
  const answerer = new Answerer(asked);
  const opened = await open(options, answerer.onMessage);
  answerer.link = opened;
  for (const { poll } = opened; poll !== undefined; ) poll();
} else {
  const measurer = new Measurer(asked);
  await measurer.connect(await open(options, measurer.onMessage));
  print(role === 'rtt' ? await measurer.roundTrips() : await measurer.stream());
  process.exit(0);
}
