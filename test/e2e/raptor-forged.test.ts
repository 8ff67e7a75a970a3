// What somebody on the way can do to a session between processes who has no keys: see what passes,
// keep it, change it and send it again, or send something of his own.
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { generateRaptorKeys } from 'hyperroute';
import { expect, it, onTestFinished } from 'vitest';
import { LossyProxy, type Way } from '../helpers/lossy-proxy.js';
import { Random, testSeed } from '../helpers/random.js';
import { Child, fixture, portIn } from '../helpers/router-child.js';
import { freePort } from '../helpers/router-lines.js';

/** Bytes of a DATA packet before its frames, and where its number lies. */
const headerBytes = 24;
const numberOffset = 16;
const kindOfData = 0xd4;
const ways = ['up', 'down'] as const;

interface NodeState {
  readonly sent: number;
  readonly received: number;
  readonly wrong: number;
  readonly counters: Readonly<Record<string, number>>;
  readonly sessions: readonly (Readonly<Record<string, number>> & { readonly session: number })[];
}

interface Stage {
  readonly proxy: LossyProxy;
  readonly listenerPort: number;
  /** The end that what goes so arrives at. */
  readonly at: Readonly<Record<Way, Child>>;
}

async function start(seed: number): Promise<Stage> {
  const server = generateRaptorKeys();
  const client = generateRaptorKeys();
  const port = await freePort();
  const proxy = await LossyProxy.open({ serverPort: port, seed });
  onTestFinished(() => proxy.close());
  const open = async (options: object): Promise<Child> => {
    const child = new Child(fixture('raptor-node-end.mjs'), [
      JSON.stringify({ liveness: '10s', ...options }),
    ]);
    onTestFinished(() => child.kill());
    expect(portIn(await child.next(), 'end')).toBeGreaterThan(0);
    return child;
  };
  const listener = await open({ listen: { port }, keys: server.privateKey });
  const remote = { host: '127.0.0.1', port: proxy.port, serverKey: server.publicKey };
  const connector = await open({ connect: remote, keys: client.privateKey });
  return { proxy, listenerPort: port, at: { up: listener, down: connector } };
}

async function ask(child: Child, order: string): Promise<NodeState> {
  return (await child.ask(order)) as unknown as NodeState;
}

/** Both ends send so many, and get them; then how each stands. */
async function exchange({ at }: Stage, count: number): Promise<Record<Way, NodeState>> {
  const sent = await Promise.all([ask(at.up, `send ${count}`), ask(at.down, `send ${count}`)]);
  const [up, down] = await Promise.all([
    ask(at.up, `take ${sent[1].sent}`),
    ask(at.down, `take ${sent[0].sent}`),
  ]);
  return { up, down };
}

function isData(datagram: Buffer): boolean {
  return datagram[0] === kindOfData;
}

/** The packet with something wrong that only its tag tells: its number, frames or the tag. */
function forged(random: Random, datagram: Buffer): Buffer {
  const wrong = Buffer.from(datagram);
  const place = numberOffset + random.below(wrong.length - numberOffset);
  // Of the number only the lower half: the rest of it is never used.
  const offset = place < headerBytes ? numberOffset + (place & 3) : place;
  wrong[offset] = (wrong[offset] ?? 0) ^ (1 << random.below(8));
  return wrong;
}

/** Anything at all, now and then with the beginning of a packet. */
function garbage(random: Random, like: Buffer): Buffer {
  const bytes = Buffer.alloc(random.pick([1, 7, 8, 24, 32, 56, 128, 1200, 1452, 8952]));
  for (let at = 0; at < bytes.length; at++) bytes[at] = random.below(256);
  const isAlike = random.below(2) === 0;
  if (isAlike) like.copy(bytes, 0, 0, 1 + random.below(15));
  // One packet by its own word: what says to be shorter is taken for several.
  if (isAlike && bytes.length > 8) bytes.writeUInt16LE(bytes.length, 4);
  // Not one that passes for a packet of the session.
  if (bytes.length > 8 && bytes.subarray(8, 16).equals(like.subarray(8, 16))) bytes[8] = 0;
  return bytes;
}

/** Waits until an end has counted what it was sent, which comes with no answer. */
async function untilCounted(child: Child, name: string, count: number): Promise<NodeState> {
  const read = async () => (await ask(child, 'state')).sessions[0]?.[name];
  await expect.poll(read, { timeout: 20_000, interval: 5 }).toBe(count);
  return ask(child, 'state');
}

/** What a datagram that is dropped may change. */
function effects(state: NodeState): object {
  const { sent, received, wrong, sessions } = state;
  const of = sessions.map(({ session, messagesReceived, messagesSent }) => ({
    session,
    messagesReceived,
    messagesSent,
  }));
  return { sent, received, wrong, of };
}

it('drops and counts every packet that comes a second time', async () => {
  const stage = await start(testSeed());
  const before = await exchange(stage, 300);
  for (const way of ways) {
    const packets = stage.proxy.recorded(way).filter(isData);
    expect(packets.length).toBeGreaterThan(2);
    for (const packet of packets) stage.proxy.inject(way, packet);
    const state = await untilCounted(stage.at[way], 'replayed', packets.length);
    expect(effects(state)).toEqual(effects(before[way]));
    expect(state.sessions[0]?.forged).toBe(0);
  }
  // Of the handshake, too: it makes no second session, and replaces none.
  for (const way of ways) {
    const packets = stage.proxy.recorded(way).filter((datagram) => !isData(datagram));
    expect(packets.length).toBeGreaterThan(0);
    for (const packet of packets) stage.proxy.inject(way, packet);
  }
  const after = await exchange(stage, 300);
  for (const way of ways) {
    expect(after[way]).toMatchObject({ received: 600, wrong: 0 });
    expect(after[way].sessions.map(({ session }) => session)).toEqual([
      before[way].sessions[0]?.session,
    ]);
  }
});

it('drops and counts every packet that was changed on its way', async () => {
  const seed = testSeed();
  const random = new Random(seed);
  const stage = await start(seed);
  const before = await exchange(stage, 300);
  const count = 400;
  for (const way of ways) {
    const packets = stage.proxy.recorded(way).filter(isData);
    for (let at = 0; at < count; at++) {
      stage.proxy.inject(way, forged(random, random.pick(packets)));
    }
    const state = await untilCounted(stage.at[way], 'forged', count);
    expect(effects(state), `seed ${seed}`).toEqual(effects(before[way]));
    expect(state.sessions[0]?.replayed).toBe(0);
  }
  const after = await exchange(stage, 300);
  for (const way of ways) expect(after[way]).toMatchObject({ received: 600, wrong: 0 });
});

it('drops and counts what is no packet, and packets from anywhere else', async () => {
  const seed = testSeed();
  const random = new Random(seed);
  const stage = await start(seed);
  const before = await exchange(stage, 300);
  const count = 400;
  const packets = stage.proxy.recorded('up').filter(isData);
  const stranger = createSocket('udp4');
  onTestFinished(() => void stranger.close());
  stranger.bind(0, '127.0.0.1');
  await once(stranger, 'listening');
  for (const packet of packets) stranger.send(packet, stage.listenerPort, '127.0.0.1');
  for (const way of ways) {
    const expected = way === 'up' ? count + packets.length : count;
    for (let at = 0; at < count; at++) {
      stage.proxy.inject(way, garbage(random, random.pick(packets)));
    }
    const read = async () => (await ask(stage.at[way], 'state')).counters.rejected;
    await expect.poll(read, { timeout: 20_000, interval: 5 }).toBe(expected);
    const state = await ask(stage.at[way], 'state');
    expect(effects(state), `seed ${seed}`).toEqual(effects(before[way]));
    expect(state.sessions[0]).toMatchObject({ forged: 0, replayed: 0 });
  }
  const after = await exchange(stage, 300);
  for (const way of ways) expect(after[way]).toMatchObject({ received: 600, wrong: 0 });
});
