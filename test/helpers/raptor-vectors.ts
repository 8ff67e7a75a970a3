// The golden vectors of Raptor: packets, frames, records and parameters, each with what it says,
// and others that are refused, with the reason. test/vectors/raptor/plain.txt has them, one a line:
// what it is, good or bad, the bytes, and the text.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  frames,
  insecureData,
  type Open,
  type Parameters,
  packets,
  parameters,
  type Range,
  record,
  recordPayloadBytesMax,
  records,
} from './raptor-bytes.js';

export type Kind = 'frames' | 'record' | 'parameters' | 'packet';

export interface Vector {
  readonly kind: Kind;
  readonly isGood: boolean;
  readonly bytes: Buffer;
  /** What a reader says of the bytes: what they mean, or why it refuses them. */
  readonly text: string;
}

const path = join(import.meta.dirname, '../vectors/raptor/plain.txt');

const good = (kind: Kind, bytes: Buffer, text: string): Vector => ({
  kind,
  isGood: true,
  bytes,
  text,
});
const bad = (kind: Kind, bytes: Buffer, text: string): Vector => ({
  kind,
  isGood: false,
  bytes,
  text,
});

/** A copy with one byte that is another. */
function patched(bytes: Buffer, offset: number, value: number): Buffer {
  const copy = Buffer.from(bytes);
  copy[offset] = value;
  return copy;
}

/** Bytes that count up from `first`. */
export const counting = (count: number, first = 0): Buffer =>
  Buffer.from(Array.from({ length: count }, (_, index) => (first + index) & 0xff));

const hex = (value: bigint) => value.toString(16).padStart(16, '0');

function ack(delayNs: number, largest: bigint, ...ranges: readonly Range[]): Vector {
  const list = ranges.map(([gap, run]) => `${gap}+${run}`).join(',');
  const text = `ack delay_ns=${delayNs} largest=${largest} ranges=${list}`;
  return good('frames', frames.ack(delayNs, largest, ranges), text);
}

function stream(number: number, at: bigint, run: Buffer): Vector {
  const text = `stream stream=${number} position=${at} run=${run.toString('hex')}`;
  return good('frames', frames.stream(number, at, run), text);
}

function open(of: Open): Vector {
  const text =
    `open stream=${of.stream} mode=${of.mode} priority=${of.priority}` +
    ` message_bytes_max=${of.messageBytesMax} deadline_us=${of.deadlineUs} label=${of.label}`;
  return good('frames', frames.open(of), text);
}

const positioned = (name: 'window' | 'skip' | 'end', number: number, at: bigint) =>
  good('frames', frames[name](number, at), `${name} stream=${number} position=${at}`);

export const exampleOpen: Open = {
  stream: 3,
  mode: 0,
  priority: 2,
  messageBytesMax: 262_144,
  deadlineUs: 0,
  label: 7n,
};

/** Several frames in one packet. */
function together(...parts: readonly Vector[]): Vector {
  const bytes = Buffer.concat(parts.map((part) => part.bytes));
  return good('frames', bytes, parts.map((part) => part.text).join('; '));
}

function* goodFrames(): Generator<Vector> {
  const ping = good('frames', frames.ping(), 'ping');
  const drain = good('frames', frames.drain(), 'drain');
  const largest = 2n ** 64n - 1n;
  yield ping;
  yield ack(0, 0n, [0, 1]);
  yield ack(25_000, 70n, [0, 11], [2, 5]);
  yield ack(1, 9n, [0, 4], [1, 1], [3, 1]);
  yield ack(0xffffffff, largest, [0, 0xffffffff], [0xffffffff, 1]);
  yield ack(50_000, 1_000_000n, ...Array.from({ length: 32 }, (_, at): Range => [at && at + 1, 3]));
  yield stream(0, 0n, record(Buffer.alloc(0)));
  yield stream(3, 4096n, record(Buffer.from('hello, raptor')));
  yield stream(65_535, 2n ** 62n - 8n, record(counting(32)));
  yield stream(4, 64n, Buffer.concat([record(counting(8)), record(counting(9, 100))]));
  yield stream(5, 0n, records(counting(recordPayloadBytesMax + 5)));
  yield open(exampleOpen);
  yield open({
    stream: 65_535,
    mode: 4,
    priority: 7,
    messageBytesMax: 2 ** 24,
    deadlineUs: 0xffffffff,
    label: largest,
  });
  for (const mode of [1, 2, 3]) yield open({ ...exampleOpen, mode, deadlineUs: 1000 * mode });
  yield positioned('window', 3, 262_144n);
  yield positioned('skip', 9, 8n);
  yield positioned('end', 65_535, 2n ** 62n);
  yield drain;
  yield good('frames', frames.close(1), 'close reason=1');
  yield good('frames', frames.close(0xffff), 'close reason=65535');
  yield good('frames', Buffer.alloc(0), '');
  yield good('frames', frames.padding(8), '');
  const padded = Buffer.concat([ping.bytes, Buffer.from('00ff'.repeat(20), 'hex')]);
  yield good('frames', padded, 'ping');
  const run = stream(3, 1128n, record(counting(16)));
  yield together(ack(100, 12n, [0, 3]), open(exampleOpen), run, ping, drain);
}

function* badFrames(): Generator<Vector> {
  const reserved = 'reserved bytes are not 0';
  yield bad('frames', Buffer.from([1]), 'frame is cut');
  yield bad('frames', Buffer.alloc(7, 1), 'frame is cut');
  yield bad('frames', Buffer.from('0a00000000000000', 'hex'), 'unknown frame');
  yield bad('frames', Buffer.from('ff00000000000000', 'hex'), 'unknown frame');
  for (const at of [1, 2, 7]) yield bad('frames', patched(frames.ping(), at, 1), reserved);
  yield bad('frames', patched(frames.drain(), 3, 1), reserved);
  yield bad('frames', patched(frames.close(1), 1, 1), reserved);
  yield bad('frames', patched(frames.close(1), 4, 1), reserved);
  yield bad('frames', Buffer.concat([frames.ping(), Buffer.alloc(8, 0x0b)]), 'unknown frame');
  yield* badAcks();
  yield* badStreams();
  const open = frames.open(exampleOpen);
  yield bad('frames', open.subarray(0, 16), 'OPEN is cut');
  yield bad('frames', patched(open, 1, 5), 'OPEN has an unknown mode');
  yield bad('frames', patched(open, 4, 8), 'OPEN has an unknown priority');
  for (const at of [5, 6, 7]) yield bad('frames', patched(open, at, 1), reserved);
  const large = frames.open({ ...exampleOpen, messageBytesMax: 2 ** 24 + 1 });
  yield bad('frames', large, 'OPEN has messages beyond 16 MiB');
  for (const name of ['window', 'skip', 'end'] as const) {
    const frame = frames[name](3, 4096);
    yield bad('frames', frame.subarray(0, 8), 'frame with a position is cut');
    yield bad('frames', patched(frame, 1, 1), reserved);
    yield bad('frames', patched(frame, 4, 1), reserved);
    yield bad('frames', frames[name](3, 4097), 'frame with an impossible position');
    yield bad('frames', frames[name](3, 2n ** 62n + 8n), 'frame with an impossible position');
  }
}

function* badAcks(): Generator<Vector> {
  const count = 'ACK has no ranges, or too many';
  const gap = 'ACK range has a wrong gap';
  const below = 'ACK range goes below packet 0';
  const ack = frames.ack(0, 5, [[0, 1]]);
  yield bad('frames', ack.subarray(0, 8), 'ACK is cut');
  yield bad('frames', ack.subarray(0, 16), 'ACK is cut');
  yield bad('frames', patched(ack, 1, 2), 'ACK is cut');
  yield bad('frames', patched(ack, 2, 1), 'reserved bytes are not 0');
  yield bad('frames', frames.ack(0, 5, []), count);
  const many = Array.from({ length: 33 }, (_, at): Range => [at && 1, 1]);
  yield bad('frames', frames.ack(0, 1000, many), count);
  yield bad('frames', frames.ack(0, 5, [[1, 1]]), gap);
  yield bad(
    'frames',
    frames.ack(0, 5, [
      [0, 1],
      [0, 1],
    ]),
    gap,
  );
  yield bad('frames', frames.ack(0, 5, [[0, 0]]), 'ACK range is empty');
  yield bad('frames', frames.ack(0, 5, [[0, 7]]), below);
  yield bad(
    'frames',
    frames.ack(0, 5, [
      [0, 1],
      [4, 2],
    ]),
    below,
  );
  yield bad(
    'frames',
    frames.ack(0, 5, [
      [0, 6],
      [1, 1],
    ]),
    below,
  );
}

function* badStreams(): Generator<Vector> {
  const frame = frames.stream(3, 0, record(counting(8)));
  const whole = 'STREAM run has no whole records';
  yield bad('frames', frame.subarray(0, 8), 'STREAM is cut');
  yield bad('frames', frame.subarray(0, 24), 'STREAM run is cut');
  yield bad('frames', patched(frame, 7, 0xff), 'STREAM run is cut');
  yield bad('frames', patched(frame, 1, 1), 'reserved bytes are not 0');
  yield bad('frames', patched(frame, 4, 0), whole);
  yield bad('frames', patched(frame, 4, 12), whole);
  const place = 'STREAM has an impossible position';
  yield bad('frames', patched(frame, 8, 4), place);
  yield bad('frames', patched(frame, 15, 0x40), place);
}

function* recordVectors(): Generator<Vector> {
  const full = counting(recordPayloadBytesMax);
  const one = (payload: Buffer, flags: number, offset: number) => {
    const text = `record flags=${flags} offset=${offset} payload=${payload.toString('hex')}`;
    return good('record', record(payload, flags, offset), text);
  };
  yield one(Buffer.alloc(0), 3, 0);
  yield one(counting(1), 3, 0);
  yield one(counting(8), 3, 0);
  yield one(full, 3, 0);
  yield one(full, 1, 0);
  yield one(full, 0, recordPayloadBytesMax);
  yield one(counting(3), 2, 2 * recordPayloadBytesMax);
  const no = (text: string, ...of: readonly [Buffer, number, number]) =>
    bad('record', record(...of), text);
  const offset = 'record has a wrong offset';
  yield bad('record', Buffer.alloc(7), 'record is cut');
  yield bad('record', record(counting(9)).subarray(0, 16), 'record is longer than its run');
  yield no('record has unknown flags', counting(1), 4 | 3, 0);
  yield bad(
    'record',
    patched(record(counting(1)), 3, 1),
    'record has a reserved byte that is not 0',
  );
  yield no('record is too long', counting(recordPayloadBytesMax + 1), 3, 0);
  yield no(offset, counting(1), 2, 0);
  yield no(offset, full, 0, 0);
  yield no(offset, counting(1), 3, recordPayloadBytesMax);
  yield no(offset, counting(1), 2, 8);
  yield no('fragment is not full', counting(1), 1, 0);
  yield no('fragment is empty', Buffer.alloc(0), 2, recordPayloadBytesMax);
  const last = Math.floor(2 ** 24 / recordPayloadBytesMax) * recordPayloadBytesMax;
  yield one(counting(2 ** 24 - last), 2, last);
  yield no('message is longer than 16 MiB', counting(2 ** 24 - last + 1), 2, last);
}

export const exampleParameters: Parameters = {
  flags: 0,
  status: 0,
  session: 0x1122334455667788n,
  livenessUs: 100_000,
  ackDelayUsMax: 50,
  inFlightBytesMax: 1_048_576,
  messageBytesMax: 262_144,
  streamWindowBytes: 262_144,
  streamsMax: 64,
  datagramBytesMax: 8952,
};

function* parameterVectors(): Generator<Vector> {
  const one = (changes: Partial<Parameters>) => {
    const of = { ...exampleParameters, ...changes };
    const text =
      `parameters bytes=64 flags=${of.flags} status=${of.status} session=${hex(of.session)}` +
      ` liveness_us=${of.livenessUs} ack_delay_us_max=${of.ackDelayUsMax}` +
      ` in_flight_bytes_max=${of.inFlightBytesMax} message_bytes_max=${of.messageBytesMax}` +
      ` stream_window_bytes=${of.streamWindowBytes} streams_max=${of.streamsMax}` +
      ` datagram_bytes_max=${of.datagramBytesMax}`;
    return good('parameters', parameters(of), text);
  };
  const no = (text: string, changes: Partial<Parameters>) =>
    bad('parameters', parameters({ ...exampleParameters, ...changes }), text);
  yield one({});
  yield one({ flags: 1, livenessUs: 2_000_000 });
  yield one({ status: 1, livenessUs: 0, inFlightBytesMax: 0, datagramBytesMax: 0 });
  yield one({ streamsMax: 0, messageBytesMax: 0 });
  const example = parameters(exampleParameters);
  yield bad('parameters', example.subarray(0, 63), 'parameters are cut');
  yield bad('parameters', patched(example, 0, 65), 'parameters are cut');
  yield bad('parameters', patched(example, 0, 63), 'parameters are too short');
  for (const at of [40, 63]) {
    yield bad('parameters', patched(example, at, 1), 'reserved bytes are not 0');
  }
  yield no('session id is 0', { session: 0n });
  yield no('liveness is 0', { livenessUs: 0 });
  yield no('in-flight bytes are less than a datagram', { inFlightBytesMax: 1199 });
  yield no('messages are longer than 16 MiB', { messageBytesMax: 2 ** 24 + 1 });
  yield no('datagrams are shorter than 1,200 bytes', { datagramBytesMax: 1199 });
}

const initiatorId = 0x0123456789abcdefn;
const cookie = counting(32, 0x40);
const mac = counting(16, 0xe0);

function* packetVectors(): Generator<Vector> {
  const noise = counting(160, 1);
  const initiate = Buffer.concat([packets.initiate(0, initiatorId, noise, cookie), mac]);
  const text = (flags: number, message: Buffer, sentCookie: Buffer) =>
    `initiate flags=${flags} session=${hex(initiatorId)} noise=${message.toString('hex')}` +
    ` cookie=${sentCookie.toString('hex')} mac=${mac.toString('hex')}`;
  yield good('packet', initiate, text(0, noise, cookie));
  const bare = parameters(exampleParameters);
  const none = Buffer.alloc(32);
  const insecure = Buffer.concat([packets.initiate(1, initiatorId, bare, none), mac]);
  yield good('packet', insecure, text(1, bare, none));
  const respond = packets.respond(2, initiatorId, counting(112, 2));
  const said = `session=${hex(initiatorId)} noise=${counting(112, 2).toString('hex')}`;
  yield good('packet', respond, `respond flags=2 ${said}`);
  const retry = packets.retry(initiatorId, cookie);
  const retryText = `retry session=${hex(initiatorId)} cookie=${cookie.toString('hex')}`;
  yield good('packet', retry, retryText);
  const data = insecureData(initiatorId, 5, frames.ping());
  yield good('packet', data, `data generation=0 session=${hex(initiatorId)} number=5`);
  const later = Buffer.concat([packets.dataHeader(511, initiatorId, 2n ** 40n, 24), counting(24)]);
  const number = (2n ** 40n).toString();
  yield good('packet', later, `data generation=255 session=${hex(initiatorId)} number=${number}`);
  yield* badHandshakes(initiate, respond, retry);
  yield bad('packet', data.subarray(0, 24), 'DATA packet is too short');
  yield bad('packet', data.subarray(0, 36), 'DATA packet is not a multiple of 8 bytes');
  yield bad('packet', patched(data, 2, 1), 'path is not 0');
  for (const at of [6, 7]) yield bad('packet', patched(data, at, 1), 'reserved field is not 0');
  const longer = Buffer.concat([data, counting(8)]);
  yield bad('packet', longer, 'DATA packet says another length');
  yield bad('packet', patched(data, 4, 8), 'DATA packet says another length');
  yield bad('packet', insecureData(0n, 5, frames.ping()), 'session id is 0');
  yield bad('packet', Buffer.alloc(0), 'no kind');
  yield bad('packet', Buffer.alloc(1200, 0xd0), 'no kind');
}

function* badHandshakes(initiate: Buffer, respond: Buffer, retry: Buffer): Generator<Vector> {
  yield bad('packet', initiate.subarray(0, 1199), 'INITIATE is not 1,200 bytes');
  yield bad('packet', Buffer.concat([initiate, none]), 'INITIATE is not 1,200 bytes');
  for (const whole of [initiate, respond]) {
    yield bad('packet', patched(whole, 1, 2), 'unknown version');
    yield bad('packet', patched(whole, 2, 4), 'unknown flags');
    yield bad('packet', patched(whole, 2, 3), 'a cipher, and no encryption');
    yield bad('packet', patched(whole, 3, 1), 'reserved byte is not 0');
    yield bad('packet', patched(whole, 4, 63), 'noise message is too short');
    yield bad('packet', patched(whole, 7, 1), 'noise message is too long');
  }
  yield bad('packet', patched(patched(initiate, 4, 0x71), 5, 4), 'noise message is too long');
  yield bad('packet', Buffer.from([0xd3]), 'RESPOND is too short');
  const end = 'RESPOND does not end with its noise message';
  yield bad('packet', respond.subarray(0, -1), end);
  yield bad('packet', Buffer.concat([respond, none]), end);
  const zeroId = packets.respond(0, 0n, counting(112));
  yield bad('packet', zeroId, 'session id is 0');
  yield bad('packet', retry.subarray(0, 55), 'RETRY is not 56 bytes');
  yield bad('packet', patched(retry, 1, 0), 'unknown version');
  for (const at of [2, 7, 48, 55]) {
    yield bad('packet', patched(retry, at, 1), 'reserved bytes are not 0');
  }
  yield bad('packet', packets.retry(initiatorId, Buffer.alloc(32)), 'cookie is 0');
  yield bad('packet', packets.retry(0n, cookie), 'session id is 0');
}

const none = Buffer.alloc(1);

export const raptorVectors: readonly Vector[] = [
  ...goodFrames(),
  ...badFrames(),
  ...recordVectors(),
  ...parameterVectors(),
  ...packetVectors(),
];

const head = `# Packets, frames, records and parameters of Raptor: what it is, whether it is
# taken, the bytes in hexadecimal digits (- for none), and what they say or why they are refused.
# Made by test/helpers/raptor-vectors.ts: HYPERROUTE_UPDATE_VECTORS=1 npx vitest run raptor-vectors
`;

/** The text of the file. */
export function raptorVectorText(): string {
  const lines = raptorVectors.map(({ kind, isGood, bytes, text }) => {
    const digits = bytes.length === 0 ? '-' : bytes.toString('hex');
    return `${kind} ${isGood ? 'good' : 'bad'} ${digits} ${text}`.trimEnd();
  });
  return `${head}${lines.join('\n')}\n`;
}

export const readRaptorVectors = (): string => readFileSync(path, 'utf8');

export const writeRaptorVectors = (text: string): void => writeFileSync(path, text);
