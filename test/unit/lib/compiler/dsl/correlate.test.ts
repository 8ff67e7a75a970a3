// Correlations as people write them: what is built, and how it behaves.
import { describe, expect, it } from 'vitest';
import {
  type InterpreterState,
  initialState,
  interpret,
  setClock,
} from '../../../../../lib/compiler/interpret.js';
import type { RouterIr } from '../../../../../lib/compiler/ir.js';
import {
  correlate,
  decide,
  defineRouter,
  discard,
  memory,
  otherwise,
  type Rule,
  rejectCodes,
  route,
  schema,
  t,
  transform,
  union,
} from '../../../../../lib/index.js';
import {
  Cancel,
  clients,
  Done,
  gateway,
  Order,
  ordersOf,
  Report,
  toVenueOf,
  VenueCancel,
  VenueOrder,
  v1,
  v2,
} from '../../../../helpers/correlated-gateway.js';

function encoded<M>(type: { readonly bytesMax: number; encode(m: M, b: Uint8Array): number }) {
  return (message: M): Uint8Array => {
    const bytes = new Uint8Array(type.bytesMax);
    return bytes.subarray(0, type.encode(message, bytes));
  };
}

const order = (clOrdId: bigint, client = 7) =>
  encoded(Order)({ client, clOrdId, side: 'buy', tag: `t${clOrdId}` });
const report = (clOrdId: bigint, final = false) => encoded(Report)({ clOrdId, final });

interface Sent {
  readonly code: number;
  readonly address: bigint | number | null;
  readonly message: Uint8Array | null;
}

function send(
  ir: RouterIr,
  state: InterpreterState,
  from: number,
  message: Uint8Array,
  address = 0xabcn,
): Sent {
  const { decision, delivered, rejectCode } = interpret(ir, state, from, message, address);
  const target = decision.deliveries[0]?.target;
  const to =
    target?.kind === 'endpoint'
      ? target.endpoint
      : target?.kind === 'correlated'
        ? target.address
        : null;
  return { code: rejectCode, address: to, message: delivered[0]?.output ?? null };
}

describe('a correlation', () => {
  it('needs no key and no saved fields to be opened where it has none', () => {
    const bare = correlate('bare', { capacity: 4 });
    const keyed = correlate('keyed', { capacity: 4, key: { id: t.u64 } });
    const Note = schema('Note', 1, { id: t.u64 });
    const [from, to] = [memory('from', { messages: Note }), memory('to', { messages: Note })];
    const routerWith = (rule: () => Rule<'Note'>) => {
      const routes = [route.first(Note, () => [rule()], { from })];
      return defineRouter({ endpoints: [from, to], routes });
    };
    const { correlations } = routerWith(() => otherwise.to(to).opens(bare, {}));
    expect(correlations).toMatchObject([{ name: 'bare', key: [], saved: [] }]);
    // @ts-expect-error: it has a key.
    expect(() => routerWith(() => otherwise.to(to).opens(keyed, {}))).toThrow(
      /opens\(keyed\)\.key/,
    );
  });

  it('gives reports back to where their orders came from, with the ids they had there', () => {
    const ir = gateway(ordersOf());
    const state = initialState(ir);
    const first = send(ir, state, 0, order(41n), 0x11n);
    const second = send(ir, state, 0, order(42n), 0x22n);
    expect([first.address, second.address]).toEqual([1, 2]);
    const ids = [first, second].map(
      (sent) => VenueOrder.decode(sent.message as Uint8Array).clOrdId,
    );
    expect(new Set(ids).size).toBe(2);
    const answer = send(ir, state, 2, report(ids[1] as bigint));
    expect(answer.address).toBe(0x22n);
    const done = Done.decode(answer.message as Uint8Array);
    expect(done).toEqual({ clOrdId: 42n, tag: 't42', venueId: ids[1] });
  });

  it('forgets what a rule closes, what has waited too long, and knows nothing else', () => {
    const ir = gateway(ordersOf());
    const state = initialState(ir);
    const idOf = (sent: Sent) => VenueOrder.decode(sent.message as Uint8Array).clOrdId;
    const [one, two] = [idOf(send(ir, state, 0, order(1n))), idOf(send(ir, state, 0, order(2n)))];
    expect(send(ir, state, 1, report(one, true)).code).toBe(0);
    expect(send(ir, state, 1, report(one)).code).toBe(rejectCodes.NOT_CORRELATED);
    setClock(state, 29_999_999_999n);
    expect(send(ir, state, 1, report(two)).code).toBe(0);
    setClock(state, 30_000_000_000n);
    expect(send(ir, state, 1, report(two)).code).toBe(rejectCodes.NOT_CORRELATED);
    expect(send(ir, state, 1, report(0n)).code).toBe(rejectCodes.NOT_CORRELATED);
    expect(state.correlations[0]?.counts).toMatchObject({ opened: 2, closed: 1, timedOut: 1 });
  });

  it('rejects what does not fit in, or forgets the oldest', () => {
    const strict = gateway(ordersOf('reject', 1));
    const state = initialState(strict);
    expect(send(strict, state, 0, order(1n)).code).toBe(0);
    expect(send(strict, state, 0, order(2n)).code).toBe(rejectCodes.CORRELATION_FULL);
    const loose = gateway(ordersOf('evict-oldest', 1));
    const other = initialState(loose);
    const sent = [order(1n), order(2n)].map((message) => send(loose, other, 0, message));
    const [oldest, newest] = sent.map((one) => VenueOrder.decode(one.message as Uint8Array));
    expect(send(loose, other, 1, report(oldest?.clOrdId ?? 0n)).code).toBe(
      rejectCodes.NOT_CORRELATED,
    );
    expect(send(loose, other, 1, report(newest?.clOrdId ?? 0n)).code).toBe(0);
  });

  it('is found by key, and one rule may find one entry and open another', () => {
    const orders = ordersOf();
    const toVenue = toVenueOf(orders);
    const replaced = correlate('replaced', { capacity: 9, saved: { clOrdId: t.u64 } });
    const swap = transform(Cancel, VenueCancel, () => ({
      clOrdId: replaced.id(),
      origClOrdId: orders.saved.clOrdId,
    }));
    const ir = defineRouter({
      endpoints: [clients, v1, v2],
      routes: [
        route.first(Order, (o) => [
          otherwise
            .via(toVenue)
            .to(v2)
            .opens(orders, {
              key: [o.client, o.clOrdId],
              save: { clOrdId: o.clOrdId, tag: o.tag },
            }),
        ]),
        route.first(
          Cancel,
          (c) => [
            otherwise
              .via(swap)
              .to(orders.destination())
              .opens(replaced, { key: [], save: { clOrdId: c.clOrdId } })
              .closes(),
          ],
          { lookup: (c) => orders.byKey(c.client, c.origClOrdId) },
        ),
        route.first(Report, () => [otherwise.to(discard)], {
          lookup: (r) => replaced.byId(r.clOrdId),
        }),
      ],
    });
    const state = initialState(ir);
    send(ir, state, 0, order(5n, 3));
    const cancel = encoded(Cancel)({ client: 3, clOrdId: 6n, origClOrdId: 5n });
    const swapped = send(ir, state, 0, cancel);
    // The interpreter's address of an endpoint is its index.
    expect(swapped.address).toBe(2n);
    const { clOrdId, origClOrdId } = VenueCancel.decode(swapped.message as Uint8Array);
    expect([clOrdId, origClOrdId]).toEqual([1n << 32n, 5n]);
    expect(state.correlations.map(({ counts }) => counts.open)).toEqual([0, 1]);
    expect(send(ir, state, 0, cancel).code).toBe(rejectCodes.NOT_CORRELATED);
    expect(send(ir, state, 1, report(clOrdId)).code).toBe(0);
  });

  it('finds by enumerations, booleans and text, and serves decide', () => {
    const byTag = correlate('tags', {
      capacity: 4,
      key: { side: t.enum({ buy: 1, sell: 2 }), tag: t.ascii(5) },
    });
    const toVenue = transform(Order, VenueOrder, (o) => ({ clOrdId: byTag.id(), side: o.side }));
    const again = memory('again', { messages: union('Again', {}, [Order]) });
    const ir = defineRouter({
      endpoints: [clients, v1, again],
      routes: [
        route.first(
          Order,
          (o) => [
            otherwise
              .via(toVenue)
              .to(v1)
              .opens(byTag, { key: [o.side, o.tag], save: {} }),
          ],
          { from: clients },
        ),
        decide(
          Order,
          (o) => ({ side: o.side }),
          ({ side }) => (side === 'buy' ? byTag.source() : discard),
          { from: again, lookup: (o) => byTag.byKey(o.side, o.tag), name: 'again' },
        ),
      ],
    });
    const state = initialState(ir);
    send(ir, state, 0, order(9n), 0x99n);
    expect(send(ir, state, 2, order(9n)).address).toBe(0x99n);
    expect(send(ir, state, 2, order(8n)).code).toBe(rejectCodes.NOT_CORRELATED);
  });

  it('opens nothing for a message that is rejected', () => {
    const orders = ordersOf();
    const empty = initialState(gateway(orders));
    const ir = gateway(orders);
    empty.alive.fill(0);
    expect(send(ir, empty, 0, order(1n)).code).toBe(rejectCodes.NO_DESTINATION);
    expect(empty.correlations[0]?.counts).toMatchObject({ open: 0, opened: 0 });
  });

  it('is one object of the configuration, however often it is named', () => {
    const ir = gateway(ordersOf());
    expect(ir.correlations).toHaveLength(1);
    expect(ir.correlations?.[0]).toMatchObject({
      name: 'orders',
      capacity: 3,
      timeoutMs: 30_000,
      full: 'reject',
      key: [
        { name: 'client', type: 'u32', bytes: 4 },
        { name: 'clOrdId', type: 'u64', bytes: 8 },
      ],
      saved: [
        { name: 'clOrdId', type: 'u64', bytes: 8 },
        { name: 'tag', type: 'bytes', bytes: 5, pad: 'zero' },
      ],
    });
  });
});
