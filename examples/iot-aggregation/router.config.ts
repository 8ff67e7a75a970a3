// A router between thousands of devices and a few who want to know what they say: as a sum, as a
// sample, or at once.
//
// listens on IOT_PORT (9700), over UDP for devices of their own and over TCP for sites that
// collect many, and sends to the ports after it: collector, alarms, maintenance and samples. What
// sums up is a JavaScript function, so main.ts starts it.
import process from 'node:process';
import {
  always,
  and,
  decide,
  defineRouter,
  framing,
  or,
  otherwise,
  rejectCode,
  returnTo,
  route,
  slow,
  source,
  tcp,
  transform,
  udp,
  validate,
  via,
  when,
} from 'hyperroute';
import {
  Alarm,
  Devices,
  Reading,
  Records,
  Refused,
  Sample,
  Samples,
  Status,
  Summary,
  Taken,
} from './messages.js';

const host = '127.0.0.1';
const mqtt = { style: 'mqtt' } as const;
const frames = framing.lengthPrefix({ bytes: 2, includesHeader: true, strip: true });
export const sampleEvery = 100;
export const ownCodes = { NOT_OURS: 1000, IMPOSSIBLE: 1001 };

const toSample = transform(Reading, Sample, (r) => ({
  device: r.device,
  topic: r.topic,
  value: r.value.rescale(3).orReject('IMPOSSIBLE', ownCodes.IMPOSSIBLE),
}));
const toAlarm = transform(Reading, Alarm, (r) => ({ device: r.device, value: r.value }));
const taken = transform(Reading, Taken, (r) => ({ device: r.device }));
const refused = transform(Reading, Refused, (r) => ({ device: r.device, code: rejectCode() }));

/** The router's configuration for devices on `port`. */
export function iot(port: number) {
  const devices = udp('devices', { host, port, messages: Devices, receiveBufferBytes: 4 << 20 });
  const sites = tcp.listen('sites', { host, port, messages: Devices, framing: frames });
  const sum = slow('sum', { messages: Samples, queue: { bytes: 4 << 20, full: 'reject' } });
  const collector = tcp.connect('collector', {
    ...{ host, port: port + 1, messages: Records, framing: frames },
    reconnect: { minMs: 20, maxMs: 1000 },
    // It may be away for a while.
    queue: { bytes: 4 << 20, full: 'park' },
  });
  const to = { host, port: 0 };
  const alarms = udp('alarms', { ...to, remote: { host, port: port + 2 }, messages: Alarm });
  const maintenance = udp('maintenance', {
    ...{ ...to, remote: { host, port: port + 3 }, messages: Status },
  });
  const samples = udp('samples', { ...to, remote: { host, port: port + 4 }, messages: Reading });

  const from = [devices, sites];

  return defineRouter({
    name: 'iot',
    endpoints: [devices, sites, sum, collector, alarms, maintenance, samples],
    validate: [
      validate(Reading, (r) => [
        r.topic.startsWith('site/').else('NOT_OURS', ownCodes.NOT_OURS),
        // Tenths: from -60.0 to 200.0.
        r.value.between(-600, 2000).else('IMPOSSIBLE', ownCodes.IMPOSSIBLE),
      ]),
    ],
    routes: [
      route.all(
        Reading,
        (r) => [
          // The device hears that its reading is taken if there was room for it, and only then.
          always.via(toSample).to(sum).tap(samples, { every: sampleEvery }),
          always.via(taken).to(returnTo(source)),
          when(
            or(
              r.topic.matches('site/+/smoke/#', mqtt),
              and(r.topic.matches('site/+/temp/#', mqtt), r.value.gte(800)),
            ),
          )
            .via(toAlarm)
            .to(alarms),
        ],
        { from, rejects: via(refused).to(returnTo(source)) },
      ),
      // Plain TypeScript, asked about every combination before the first message comes.
      decide(
        Status,
        (s) => ({
          battery: s.battery.bands(5, 30),
          signal: s.signal.range(0, 4),
          wired: s.isWired,
        }),
        ({ battery, signal, wired }) => {
          if (signal === 'outside') return null;
          const isEmpty = !wired && (battery === 0 || (battery === 1 && signal < 2));
          return isEmpty ? maintenance : collector;
        },
        { from },
      ),
      route.first(Summary, () => [otherwise.to(collector)], { from: sum }),
    ],
  });
}

export default iot(Number(process.env.IOT_PORT ?? 9700));
