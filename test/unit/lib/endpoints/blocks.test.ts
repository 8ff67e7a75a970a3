// Endpoints whose datagrams hold blocks: what they are defined with, and that nothing can be sent
// to them.
import { describe, expect, it } from 'vitest';
import { decide, initialState } from '../../../../lib/compiler/interpret.js';
import {
  defineRouter,
  discard,
  framing,
  layout,
  lb,
  memory,
  otherwise,
  pool,
  raw,
  returnTo,
  route,
  schema,
  source,
  t,
  tcp,
  udp,
} from '../../../../lib/index.js';
import { refusal } from '../../../helpers/refusal.js';

const rule = framing.blocks({
  headerBytes: 4,
  count: { offset: 0, type: 'u16le' },
  length: 'u8',
});
const feed = udp('feed', { port: 0, framing: rule });
const other = udp('other', { port: 0 });

describe('a udp endpoint with blocks', () => {
  it('has the rule among its options, and no rule by default', () => {
    const { endpoints } = defineRouter({
      endpoints: [feed, other],
      routes: [route.first(raw, () => [otherwise.to(discard)])],
    });
    expect(endpoints.map(({ options }) => options.framing)).toEqual([rule, null]);
  });

  it('takes a rule that a program in JavaScript has copied', () => {
    const copy = udp('copy', { port: 0, framing: { ...rule } });
    expect(copy).toMatchObject({ options: { framing: rule } });
  });

  const refusals: [string, () => unknown, string, RegExp][] = [
    [
      'a framing of streams',
      () => udp('u', { port: 0, framing: framing.fixed(9) as never }),
      'endpoints.u.framing',
      /framing\.blocks/,
    ],
    [
      'a rule that cannot be',
      () => udp('u', { port: 0, framing: { ...rule, headerBytes: 1 } }),
      'endpoints.u.framing.count.type',
      /header's 1 bytes/,
    ],
    [
      'a remote',
      () => udp('u', { port: 0, framing: rule, remote: { host: '127.0.0.1', port: 9 } }),
      'endpoints.u.remote',
      /none with framing\.blocks/,
    ],
    [
      'datagrams without room for a block',
      () => udp('u', { port: 0, framing: rule, maxDatagramBytes: 4 }),
      'endpoints.u.maxDatagramBytes',
      /the header and of a length/,
    ],
    [
      'blocks in a stream',
      () => tcp.listen('l', { port: 0, framing: rule as never }),
      'endpoints.l.framing',
      /lengthPrefix/,
    ],
  ];

  it.each(refusals)('refuses %s', (_, define, option, expected) => {
    const { code, detail } = refusal(define);
    expect(code).toBe('ERR_CONFIG');
    expect(detail.option).toBe(option);
    expect(detail.expected).toMatch(expected);
  });

  it('refuses messages that no block can hold', () => {
    const packed = { layout: layout.packed('be') };
    const carrying = (bytes: number, maxDatagramBytes: number) => () => {
      const Wide = schema('Wide', 1, { a: t.bytes(bytes) }, packed);
      const wide = udp('wide', { port: 0, framing: rule, messages: Wide, maxDatagramBytes });
      return defineRouter({
        endpoints: [wide],
        routes: [route.first(Wide, () => [otherwise.to(discard)])],
      });
    };
    expect(carrying(255, 260)).not.toThrow();
    expect(refusal(carrying(255, 259)).detail.received).toBe('at most 254 bytes');
    const { code, detail } = refusal(carrying(256, 2048));
    expect(code).toBe('ERR_CONFIG');
    expect(detail).toMatchObject({
      option: 'endpoints.wide.framing',
      expected: 'blocks of at least the 256 bytes of Wide',
      received: 'at most 255 bytes',
    });
  });
});

describe('as a destination it is refused', () => {
  const destinations = [
    ['by name', feed],
    ['in a pool', pool('both', [other, feed], lb.roundRobin())],
    ['as the source to answer', returnTo(source)],
  ] as const;

  it.each(destinations)('%s', (_, destination) => {
    const define = () =>
      defineRouter({
        endpoints: [feed, other],
        routes: [route.first(raw, () => [otherwise.to(destination)])],
      });
    const { code, detail } = refusal(define);
    expect(code).toBe('ERR_CONFIG');
    expect(detail).toMatchObject({
      option: 'routes[0].rules[0].to',
      expected: 'a destination; with framing.blocks an endpoint only receives',
      received: 'feed',
    });
  });

  it('and for rejected messages too', () => {
    const define = () =>
      defineRouter({
        endpoints: [feed, other],
        routes: [route.first(raw, () => [otherwise.to(discard)], { rejects: feed })],
      });
    expect(refusal(define).detail.received).toBe('feed');
  });

  it('by an address that it gave out: nothing that carries the message has it', () => {
    const packed = { layout: layout.packed('le') };
    const Answer = schema('Answer', 2, { from: t.u64 }, packed);
    const answers = udp('answers', { port: 0, messages: Answer, framing: rule });
    const inside = memory('inside', { messages: Answer });
    const ir = defineRouter({
      endpoints: [feed, answers, inside],
      routes: [route.first(Answer, (answer) => [otherwise.to(returnTo(answer.from))])],
    });
    const decision = decide(ir, initialState(ir), 2, new Uint8Array(8));
    expect(decision.deliveries[0]?.target).toMatchObject({
      kind: 'return-address',
      endpoints: [2],
    });
  });
});
