// The router's program: starts it, and sums readings up by site, beside the data path.
//
//   node dist/examples/iot-aggregation/main.js
import process from 'node:process';
import { HyperRoute } from 'hyperroute';
import { answerWith, sayReady } from '../common/world.js';
import { Sample, Summary } from './messages.js';
import config from './router.config.js';

/** So many readings of a site are one summary. */
const perSummary = 100;

class Sum {
  count = 0;
  low = Number.MAX_SAFE_INTEGER;
  high = Number.MIN_SAFE_INTEGER;
  sum = 0;

  add(value: number): void {
    this.count += 1;
    this.low = Math.min(this.low, value);
    this.high = Math.max(this.high, value);
    this.sum += value;
  }
}

const router = await HyperRoute.start(config);
const sums = new Map<number, Sum>();

router.slow('sum', (message, reply) => {
  const { topic, value } = Sample.decode(message);
  const [, name, kind] = topic.split('/');
  if (kind !== 'temp') return;
  const site = Number(name);
  const sum = sums.get(site) ?? new Sum();
  sums.set(site, sum);
  sum.add(value);
  if (sum.count < perSummary) return;
  sums.delete(site);
  const { count, low, high } = sum;
  const values = { site, count, low, high, sum: BigInt(sum.sum) };
  const bytes = new Uint8Array(Summary.sizeOf(values));
  Summary.encode(values, bytes);
  reply(bytes);
});

process.once('SIGTERM', () => void router.close());
if (process.send !== undefined) {
  answerWith(() => router.metrics().rejects);
  sayReady();
}
