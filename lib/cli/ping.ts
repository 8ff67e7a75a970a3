// `hyperroute ping`: round trips over Raptor, paced.
import type { Command, CommandInput } from './command.js';
import { measure } from './probe-client.js';
import { pingPlan, serverKeyOption, sharedOptions } from './probe-options.js';

export const ping: Command = {
  name: 'ping',
  usage: 'HOST:PORT',
  about: [
    'Measures round trips over a Raptor session. On the other host runs',
    '`hyperroute perf --listen`, which prints the key to give here. A message leaves every',
    'interval, whether or not the last one is back; in between this end sleeps in the kernel.',
  ],
  options: {
    'server-key': serverKeyOption,
    count: { type: 'string', short: 'n', value: 'N', about: 'messages (100)' },
    interval: {
      type: 'string',
      short: 'i',
      value: 'MS',
      about: 'time from one to the next; 0: the next leaves when the last is back (100)',
    },
    bytes: { type: 'string', value: 'N', about: 'of a message, 16 to 262144 (32)' },
    ...sharedOptions,
  },
  positionalsMin: 1,
  positionalsMax: 1,
  examples: [
    'hyperroute ping 192.0.2.7:9000 --server-key=raptor-public-…',
    'hyperroute ping 127.0.0.1:9000 --insecure --interval 0 --count 100000 --idle spin --cpus 2',
  ],
  run,
};

async function run(input: CommandInput): Promise<number> {
  return measure(input, pingPlan(input));
}
