// A venue that names other connections than the one it was asked for: return addresses come from
// the network, and reach no endpoint whose messages are of another protocol.
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { endAll, needs } from '../helpers/foreign-programs.js';
import { startRouter } from '../helpers/foreign-router.js';
import { Python } from '../helpers/foreign-sockets.js';

beforeEach((context) => needs(context, 'python3'));
afterEach(endAll);

/** A question of a client, 12 bytes: type 1, an id. */
function ask(id: bigint): Buffer {
  const bytes = Buffer.alloc(12);
  bytes.writeUInt32LE(1);
  bytes.writeBigUInt64LE(id, 4);
  return bytes;
}

/** A venue's answer, 20 bytes: type 2, the address it goes to, an id. */
function venueAnswer(address: bigint, id: bigint): Buffer {
  const bytes = Buffer.alloc(20);
  bytes.writeUInt32LE(2);
  bytes.writeBigUInt64LE(address, 4);
  bytes.writeBigUInt64LE(id, 12);
  return bytes;
}

describe('a return address that a venue forged', () => {
  it('reaches no endpoint that does not carry the answer, and is counted as stale', async () => {
    const python = new Python();
    const host = '127.0.0.1';
    const client = await python.udp(host);
    const venues = [await python.udp(host), await python.udp(host)] as const;
    const router = await startRouter(`
      const packed = { layout: layout.packed('le') };
      const Ask = schema('Ask', 1, { type: t.u32, id: t.u64 }, packed);
      const Answer = schema('Answer', 2, { type: t.u32, id: t.u64 }, packed);
      const VenueAsk = schema('VenueAsk', 1, { type: t.u32, to: t.u64, id: t.u64 }, packed);
      const VenueAnswer = schema('VenueAnswer', 2, { type: t.u32, to: t.u64, id: t.u64 }, packed);
      const A = union('A', { type: 'type' }, [Ask, Answer]);
      const B = union('B', { type: 'type' }, [VenueAsk, VenueAnswer]);
      const bind = { host: '${host}', port: 0 };
      const clients = udp('clients', { ...bind, messages: A });
      const [venue1, venue2] = [${venues.map(({ port }) => port)}].map((port, index) =>
        udp('venue' + (index + 1), { ...bind, messages: B, remote: { host: '${host}', port },
          receiveBufferBytes: 4 << 20 }));
      const toVenue = transform(Ask, VenueAsk, (o) => ({ to: returnAddress(), id: o.id }));
      const toClient = transform(VenueAnswer, Answer, (r) => ({ id: r.id }));
      export default defineRouter({ name: 'forged', endpoints: [clients, venue1, venue2], routes: [
        route.first(Ask, () => [otherwise.via(toVenue).to(venue1)]),
        route.first(VenueAnswer, (r) => [otherwise.via(toClient).to(returnTo(r.to))]),
      ] });`);

    await client.send(router.port('clients'), ask(7n));
    const [asked] = await venues[0].receive(1);
    const address = asked?.readBigUInt64LE(4) ?? 0n;
    // Every other slot: as its only partner, and as the very sender that asked.
    const partner = 0xffffn << 40n;
    const own = address >> 56n;
    const slots = Array.from({ length: 256 }, (_, slot) => BigInt(slot));
    const forged = slots
      .filter((slot) => slot !== own)
      .flatMap((slot) => [(slot << 56n) | partner, (slot << 56n) | BigInt.asUintN(56, address)]);
    const answers = forged.map((each) => venueAnswer(each, 8n));
    await venues[0].send(router.port('venue1'), ...answers);
    await venues[0].send(router.port('venue1'), venueAnswer(address, 7n));

    const [answer] = await client.receive(1);
    expect(answer?.readBigUInt64LE(4)).toBe(7n);
    expect(forged.length).toBe(510);
    await router.counts({
      'rejects.STALE_RETURN_ADDRESS': forged.length,
      'routes.VenueAnswer.rejected': forged.length,
      'routes.VenueAnswer.delivered': 1,
      'endpoints.venue1.tx_messages': 1,
      'endpoints.venue2.tx_messages': 0,
      'endpoints.clients.tx_messages': 1,
    });
    for (const socket of [client, ...venues]) expect(await socket.surplus()).toEqual([]);
    expect(await router.stop()).toBe(0);
  });
});
