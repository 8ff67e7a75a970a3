// Native messages through running routers: from JavaScript and over sockets, old versions and new.
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { connect } from 'node:net';
import {
  defineRouter,
  framing,
  HyperRoute,
  memory,
  otherwise,
  rejectCode,
  returnTo,
  route,
  schema,
  source,
  t,
  tcp,
  transform,
  udp,
  union,
  via,
  when,
} from 'hyperroute';
import { afterEach, describe, expect, it } from 'vitest';
import { eventually } from '../helpers/router-lines.js';

const ReadingV1 = schema('Reading', 7, {
  ...{ device: t.u64, at: t.timestamp, unit: t.string.max(16).optional() },
  ...{ values: t.group({ channel: t.u16, value: t.f32 }).max(64), level: t.u8.optional() },
});
const Reading = ReadingV1.extend({ site: t.string.max(32), priority: t.u8.default(3) });
const Alarm = schema('Alarm', 8, { device: t.u64, text: t.string.max(64) });
const Report = schema('Report', 9, {
  ...{ device: t.u64, unit: t.string.max(16), priority: t.u8 },
  points: t.group({ channel: t.u32, value: t.f64 }).max(64),
});
const Refusal = schema('Refusal', 10, { device: t.u64, code: t.u32 });
const Incoming = union('Incoming', {}, [Reading, Alarm]);
const Outgoing = union('Outgoing', {}, [Report, Alarm, Refusal]);

const toReport = transform(Reading, Report, (r) => ({
  ...{ device: r.device, unit: r.unit, priority: r.priority },
  points: r.values.map((entry) => ({ channel: entry.channel, value: entry.value })),
}));
const toRefusal = transform(Reading, Refusal, (r) => ({ device: r.device, code: rejectCode() }));

function encoded<M extends object>(
  made: { sizeOf(message: M): number; encode(message: M, target: Uint8Array): number },
  message: M,
): Uint8Array {
  const bytes = new Uint8Array(made.sizeOf(message));
  made.encode(message, bytes);
  return bytes;
}

const sockets: { close(): unknown }[] = [];
const routers: HyperRoute[] = [];

afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.close();
  for (const router of routers.splice(0)) await router.close();
});

async function start(config: Parameters<typeof HyperRoute.start>[0]): Promise<HyperRoute> {
  const router = await HyperRoute.start(config);
  routers.push(router);
  return router;
}

function portOf(router: HyperRoute, name: string): number {
  const endpoint = router.endpoints().find((candidate) => candidate.name === name);
  return Number(endpoint?.address?.split(':').at(-1));
}

async function datagrams(): Promise<{ socket: Socket; port: number; received: Uint8Array[] }> {
  const socket = createSocket('udp4');
  const received: Uint8Array[] = [];
  socket.on('message', (message) => received.push(new Uint8Array(message)));
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  sockets.push(socket);
  return { socket, port: socket.address().port, received };
}

describe('native messages', () => {
  it('go from writers in the ring through a router to readers, transformed', async () => {
    const from = memory('from', { messages: Incoming });
    const to = memory('to', { messages: Outgoing });
    const router = await start(
      defineRouter({
        endpoints: [from, to],
        routes: [
          route.first(Reading, () => [otherwise.via(toReport).to(to)]),
          route.first(Alarm, () => [otherwise.to(to)]),
        ],
      }),
    );
    const [{ out: input }, output] = [router.memory('from'), router.memory('to')];
    const seen: unknown[] = [];
    const report = Report.reader();
    output.subscribe((batch) => {
      while (batch.next()) {
        const end = batch.offset + batch.length;
        const points: number[] = [];
        report.wrap(batch.bytes, batch.offset, end);
        for (const { value } of report.points) points.push(value);
        seen.push([report.device, report.unit, report.priority, points]);
      }
    });
    const writer = Reading.writer();
    for (let count = 0; count < 100; count++) {
      const offset = input.claim(256);
      expect(offset).toBeGreaterThanOrEqual(0);
      writer.wrap(input.bytes, offset);
      writer.device = BigInt(count);
      writer.at = 5n;
      writer.unit = 'degC';
      const values = writer.values(2);
      for (const value of [0.5, count]) {
        values.channel = 1;
        values.value = value;
        values.next();
      }
      input.commit(writer.finish());
    }
    input.flush();
    await eventually('all reports', () => seen.length === 100);
    expect(seen[7]).toEqual([7n, 'degC', 3, [0.5, 7]]);
  });

  it('are matched on optional fields, read in every version and refused for a reason', async () => {
    const [device, collector] = [await datagrams(), await datagrams()];
    const both = union('Both', {}, [Reading, Refusal]);
    const devices = udp('devices', { port: 0, messages: both });
    const reports = udp('reports', {
      ...{ port: 0, messages: Outgoing },
      remote: { host: '127.0.0.1', port: collector.port },
    });
    const router = await start(
      defineRouter({
        endpoints: [devices, reports],
        routes: [
          route.first(Reading, (r) => [when(r.level.gte(2)).via(toReport).to(reports)], {
            rejects: via(toRefusal).to(returnTo(source)),
          }),
        ],
      }),
    );
    const port = portOf(router, 'devices');
    const old = { device: 1n, at: 2n, level: 9, values: [{ channel: 4, value: 1.5 }] };
    const send = (bytes: Uint8Array): void => device.socket.send(bytes, port, '127.0.0.1');
    send(encoded(ReadingV1, old));
    send(encoded(Reading, { ...old, device: 2n, site: 'roof', unit: 'V', priority: 8 }));
    send(encoded(Reading, { ...old, device: 3n, site: '', level: undefined }));
    send(encoded(Reading, { ...old, site: '' }).subarray(0, 50));
    await eventually('both reports', () => collector.received.length === 2);
    await eventually('the refusal', () => device.received.length === 1);
    expect(collector.received.map((bytes) => Report.decode(bytes))).toEqual([
      { device: 1n, unit: '', priority: 3, points: [{ channel: 4, value: 1.5 }] },
      { device: 2n, unit: 'V', priority: 8, points: [{ channel: 4, value: 1.5 }] },
    ]);
    // NO_ROUTE: an absent level compares with nothing.
    expect(Refusal.decode(device.received[0] as Uint8Array)).toEqual({ device: 3n, code: 4 });
  });

  it('cross TCP in frames of their own length', async () => {
    const frames = framing.lengthPrefix({
      bytes: 4,
      order: 'le',
      includesHeader: false,
      strip: true,
    });
    const server = tcp.listen('server', {
      ...{ host: '127.0.0.1', port: 0, framing: frames, maxFrameBytes: 4096 },
      messages: union('Both', {}, [Reading, Report]),
    });
    const router = await start(
      defineRouter({
        endpoints: [server],
        routes: [route.first(Reading, () => [otherwise.via(toReport).to(returnTo(source))])],
      }),
    );
    const port = portOf(router, 'server');
    const client = connect(port, '127.0.0.1');
    sockets.push({ close: () => client.destroy() });
    let received = Buffer.alloc(0);
    client.on('data', (chunk) => {
      received = Buffer.concat([received, chunk]);
    });
    const values = Array.from({ length: 60 }, (_unused, channel) => ({ channel, value: channel }));
    const message = encoded(Reading, { device: 5n, at: 0n, values, site: 'x' });
    const prefix = Buffer.alloc(4);
    prefix.writeUInt32LE(message.length);
    client.write(Buffer.concat([prefix, message]));
    await eventually('the report', () => {
      return received.length >= 4 && received.length >= 4 + received.readUInt32LE(0);
    });
    const { points } = Report.decode(new Uint8Array(received), 4);
    expect(points).toEqual(values);
  });
});
