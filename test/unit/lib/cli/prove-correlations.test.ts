// What `prove` says of correlations that cannot work, or do not do what their user wants.
import { describe, expect, it } from 'vitest';
import {
  isWorking,
  printCorrelations,
  proveCorrelations,
} from '../../../../lib/cli/prove-correlations.js';
import { findShadowed, type Verdict } from '../../../../lib/compiler/analysis/index.js';
import type { RouterIr } from '../../../../lib/compiler/ir.js';
import {
  correlate,
  defineRouter,
  memory,
  otherwise,
  route,
  schema,
  t,
  transform,
  udp,
  union,
  when,
} from '../../../../lib/index.js';

const Order = schema('Order', 1, { client: t.u32, clOrdId: t.u64 });
const VenueOrder = schema('VenueOrder', 2, { id: t.u64, client: t.u32 });
const Report = schema('Report', 3, { id: t.u64, client: t.u32, final: t.bool });
const Done = schema('Done', 4, { clOrdId: t.u64 });

interface Shape {
  readonly opensAfterLookup?: boolean;
  readonly hasLookup?: boolean;
  readonly by?: 'id' | 'key';
  readonly writesId?: boolean;
  readonly closes?: boolean;
  readonly neverFinal?: boolean;
  readonly breaker?: boolean;
}

/** A router with one correlation. */
function routerOf({
  opensAfterLookup = false,
  hasLookup = true,
  by = 'id',
  writesId = true,
  closes = true,
  neverFinal = false,
  breaker = false,
}: Shape): RouterIr {
  const orders = correlate('orders', {
    capacity: 10,
    timeout: '3s',
    key: { client: t.u32 },
    saved: { clOrdId: t.u64 },
  });
  const clients = memory('clients', { messages: union('C', {}, [Order, Done]) });
  const venue = udp('venue', {
    port: 0,
    remote: { host: '127.0.0.1', port: 9001 },
    messages: union('V', {}, [VenueOrder, Report]),
    ...(breaker ? { breaker: { consecutive: 5, for: '1s' } } : {}),
  });
  const toVenue = transform(Order, VenueOrder, (o) => ({
    id: writesId ? orders.id() : 0n,
    client: o.client,
  }));
  const toClient = transform(Report, Done, () => ({ clOrdId: orders.saved.clOrdId }));
  const toAnyone = transform(Report, Done, () => ({ clOrdId: 1n }));
  return defineRouter({
    endpoints: [clients, venue],
    routes: [
      route.first(
        Order,
        (o) => [
          otherwise
            .via(toVenue)
            .to(venue)
            .opens(orders, { key: [o.client], save: { clOrdId: o.clOrdId } }),
        ],
        {
          from: clients,
          ...(opensAfterLookup ? { lookup: (o) => orders.byKey(o.client) } : {}),
        },
      ),
      hasLookup
        ? route.first(
            Report,
            (r) => {
              const never = neverFinal ? [r.final.is(false)] : [];
              const last = when(r.final.is(true), ...never)
                .via(toClient)
                .to(orders.source());
              return [closes ? last.closes() : last, otherwise.via(toClient).to(orders.source())];
            },
            {
              from: venue,
              lookup: (r) => (by === 'id' ? orders.byId(r.id) : orders.byKey(r.client)),
            },
          )
        : route.first(Report, () => [otherwise.via(toAnyone).to(clients)], { from: venue }),
    ],
  });
}

/** What is said of the one correlation of a router, by statement, and whether it can work. */
const proofOf = (shape: Shape) => judged(routerOf(shape));

function verdictOf(ir: RouterIr, index: number, rule: number): Verdict {
  const { shadowed, undecided } = findShadowed(ir, index);
  if (shadowed.some((one) => one.rule === rule)) return 'refuted';
  return undecided.some((one) => one.rule === rule) ? 'undecided' : 'proved';
}

/** `deciding`: what is known of each rule; what the proof finds out by default. */
function judged(ir: RouterIr, deciding?: (route: number, rule: number) => Verdict) {
  const [proof] = proveCorrelations(ir, deciding ?? ((index, rule) => verdictOf(ir, index, rule)));
  if (proof === undefined) throw new Error('the router has a correlation');
  const reasons = (wanted: Verdict): Readonly<Record<string, string>> =>
    Object.fromEntries(
      proof.statements
        .filter(({ verdict }) => verdict === wanted)
        .map(({ statement, reason }) => [statement, reason]),
    );
  return {
    refuted: reasons('refuted'),
    undecided: reasons('undecided'),
    works: isWorking(proof, false),
    worksSurely: isWorking(proof, true),
  };
}

describe('what prove says of a correlation', () => {
  it('is that all holds where messages are remembered, found and answered', () => {
    for (const shape of [{}, { by: 'key' }, { by: 'key', writesId: false }] as const) {
      const all = { refuted: {}, undecided: {}, works: true, worksSurely: true };
      expect(proofOf(shape)).toEqual(all);
    }
  });

  it('is that it cannot work where ids are looked up that nobody was told', () => {
    const { refuted, works } = proofOf({ writesId: false });
    expect(works).toBe(false);
    expect(refuted).toEqual({
      told: 'looked up by id in route Report, and no transform writes orders.id()',
    });
  });

  it('is that it cannot work where each message that opens it has to find one first', () => {
    const { refuted, works } = proofOf({ opensAfterLookup: true });
    expect(works).toBe(false);
    expect(Object.keys(refuted)).toEqual(['filled']);
    expect(refuted.filled).toMatch(/rule 0: venue of route Order \(line \d+\)$/);
  });

  it('is that everything times out where nothing is looked up or closed', () => {
    const unasked = proofOf({ hasLookup: false });
    const closed = 'no rule closes it; all of it waits for 3000 ms and times out';
    expect(unasked.works).toBe(true);
    expect(unasked.refuted).toEqual({
      asked: expect.stringMatching(/no route has it as lookup; all of it waits for 3000 ms/),
      closed,
    });
    const open = proofOf({ closes: false });
    expect(open).toMatchObject({ refuted: { closed }, undecided: {}, works: true });
    expect(Object.keys(open.refuted)).toEqual(['closed']);
    expect(proofOf({ closes: false, breaker: true }).refuted.closed).toMatch(
      /and times out, a failure each time for venue$/,
    );
  });

  it('is that nothing is closed where the rule that closes never decides', () => {
    const { refuted, works } = proofOf({ neverFinal: true });
    expect(works).toBe(true);
    expect(refuted.closed).toMatch(/^no message gets to rule 0: .* of route Report \(line \d+\);/);
  });

  it('is undecided where only rules close or open it of which nobody knows', () => {
    const ir = routerOf({});
    const lines = ir.routes.map(({ rules }) => rules.map(({ position }) => position.line));
    const text = (route: number): string => {
      const { name, rules } = ir.routes[route] as RouterIr['routes'][number];
      return `rule ${rules[0]?.name} of route ${name} (line ${lines[route]?.[0]})`;
    };
    const closing = judged(ir, (route) => (route === 1 ? 'undecided' : 'proved'));
    expect(closing).toEqual({
      ...{ refuted: {}, works: true, worksSurely: true },
      undecided: { closed: `whether a message gets to ${text(1)} is undecided` },
    });
    const opening = judged(ir, (route) => (route === 0 ? 'undecided' : 'proved'));
    expect(opening).toEqual({
      ...{ refuted: {}, works: true, worksSurely: false },
      undecided: { filled: `whether a message gets to ${text(0)} is undecided` },
    });
    const never = judged(ir, () => 'refuted');
    expect(never).toMatchObject({ undecided: {}, works: false });
    expect(Object.keys(never.refuted)).toEqual(['filled', 'closed']);
  });

  it('names sixteen rules at most, however many there are', () => {
    const ir = routerOf({ hasLookup: false });
    const [first, ...others] = ir.routes;
    const [rule] = first?.rules ?? [];
    if (first === undefined || rule === undefined) throw new Error('the router has a rule');
    const rules = Array.from({ length: 1000 }, () => rule);
    const many = { ...ir, routes: [{ ...first, rules }, ...others] };
    const { asked = '' } = judged(many, () => 'proved').refuted;
    expect(asked.split('rule 0: venue of route')).toHaveLength(16 + 1);
    expect(asked).toContain(' and 984 more, and no route has it as lookup');
  });
});

describe('what prove prints of a correlation', () => {
  it('has the verdict of each statement, and says which need not hold', () => {
    const printed: string[] = [];
    const out = {
      line: (text = '') => printed.push(text),
      style: (colour: string, text: string) => `<${colour}>${text.trim()}`,
    };
    const ir = routerOf({ closes: false });
    const proofs = proveCorrelations(ir, (route) => (route === 0 ? 'undecided' : 'proved'));
    printCorrelations({ out } as unknown as Parameters<typeof printCorrelations>[0], proofs);
    expect(printed.filter((line) => !line.startsWith('    '))).toEqual([
      '',
      '<bold>correlation orders',
      '  <yellow>undecided  a message can be remembered',
      '  <green>proved  who is to give an id back is told it',
      '  <green>proved  what is remembered is looked up',
      '  <yellow>refuted  what is found can be closed (it need not)',
    ]);
  });
});
