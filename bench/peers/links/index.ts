// Links between two Node processes; the command line is that of hyperroute-bench-links:
//
//   node index.js LINK answer|rtt|stream --name CASE --subject NAME --port P [--bytes N]
//     [--count N] [--loss PERMILLE] [--seed N]
//
// The answering side runs until it is ended.
import { parseArgs } from 'node:util';
import { openDgram } from './dgram.js';
import type { OpenLink } from './link.js';
import { Answerer, Measurer, print } from './measure.js';
import { openRaptor, openRaptorPolled } from './raptor.js';

const links: Readonly<Record<string, OpenLink>> = {
  dgram: openDgram,
  raptor: openRaptor,
  'raptor-polled': openRaptorPolled,
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
const open = links[link];
if (open === undefined || !['answer', 'rtt', 'stream'].includes(role)) {
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
  lossPermille: Number(values.loss),
  seed: Number(values.seed),
};

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
