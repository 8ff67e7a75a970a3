// Every mistake of a configuration that spans several of its parts.
import { describe, expect, it } from 'vitest';
import {
  defineRouter,
  discard,
  layout,
  lb,
  memory,
  otherwise,
  pool,
  type RouterIr,
  type RouterOptions,
  rejectCode,
  returnTo,
  route,
  schema,
  source,
  t,
  transform,
  udp,
  validate,
  via,
  when,
} from '../../../../lib/index.js';
import { refusal } from '../../../helpers/refusal.js';

const packed = { layout: layout.packed() };
const A = schema('A', 1, { n: t.u32, m: t.u32, id: t.u64 }, packed);
const B = schema('B', 2, { n: t.u16, code: t.u32 }, packed);
const a = udp('a', { port: 0, messages: A });
const a2 = udp('a2', { port: 0, messages: A });
const b = udp('b', { port: 0, messages: B });
const opaque = memory('opaque');
const toB = transform(A, B, (o) => ({ n: o.n.to('u16').orReject('N_RANGE'), code: 0 }));
const rejectB = transform(A, B, () => ({ n: 0, code: rejectCode() }));
const drop = route.first(A, () => [otherwise.to(discard)]);

function define(options: Partial<RouterOptions>): RouterIr {
  return defineRouter({ endpoints: [a, a2, b, opaque], routes: [drop], ...options });
}

describe('a router is refused', () => {
  const rules = () => [otherwise.to(discard)];
  const other = udp('other', { port: 0, messages: A });
  const twin = udp('a', { port: 0, messages: A });
  const sameName = schema('A', 9, { n: t.u8 }, packed);
  const first = lb.roundRobin();
  const cases: [string, () => unknown, string, RegExp, RegExp][] = [
    [
      'without endpoints',
      () => define({ endpoints: [] }),
      'ERR_CONFIG router.endpoints',
      /1 to 250/,
      /0 of them/,
    ],
    [
      'without routes',
      () => define({ routes: [] }),
      'ERR_CONFIG router.routes',
      /1 to/,
      /0 of them/,
    ],
    [
      'with more than 250 endpoints',
      () => define({ endpoints: Array.from({ length: 251 }, () => a) }),
      'ERR_CONFIG router.endpoints',
      /1 to 250/,
      /251 of them/,
    ],
    [
      'with an unknown option',
      () => define({ rutes: [] } as never),
      'ERR_CONFIG router.rutes',
      /known are/,
      /^$/,
    ],
    [
      'with a name that is none',
      () => define({ name: '../x' }),
      'ERR_CONFIG router.name',
      /a letter/,
      /x/,
    ],
    [
      'with something that is no endpoint',
      () => define({ endpoints: ['a' as never] }),
      'ERR_CONFIG router.endpoints[0]',
      /an endpoint/,
      /a/,
    ],
    [
      'with an endpoint twice',
      () => define({ endpoints: [a, a] }),
      'ERR_CONFIG endpoints[1]',
      /once/,
      /a/,
    ],
    [
      'with two endpoints of a name',
      () => define({ endpoints: [a, twin] }),
      'ERR_CONFIG endpoints[1].name',
      /endpoints\[0\] does not have/,
      /a/,
    ],
    [
      'with two schemas of a name',
      () => define({ endpoints: [a, udp('x', { port: 0, messages: sameName })] }),
      'ERR_SCHEMA schemas[1].name',
      /schemas\[0\]/,
      /A/,
    ],
    [
      'with something that is no route',
      () => define({ routes: [{} as never] }),
      'ERR_ROUTE router.routes[0]',
      /route.first/,
      /object/,
    ],
    [
      'with a route from an endpoint that is not listed',
      () => define({ routes: [route.first(A, rules, { from: other })] }),
      'ERR_CONFIG routes[0].from[0]',
      /listed in/,
      /other/,
    ],
    [
      'with a route to an endpoint that is not listed',
      () => define({ routes: [route.first(A, () => [otherwise.to(other)])] }),
      'ERR_CONFIG routes[0].rules[0].to',
      /listed in/,
      /other/,
    ],
    [
      'with a pool of an endpoint that is not listed',
      () => define({ routes: [route.first(A, () => [otherwise.to(pool('p', [other], first))])] }),
      'ERR_CONFIG pools.p.members[0]',
      /listed in/,
      /other/,
    ],
    [
      'with two routes over the same messages',
      () => define({ routes: [drop, route.first(A, rules, { from: a2, name: 'again' })] }),
      'ERR_ROUTE routes[1].from',
      /routes\[0\] does not serve/,
      /A from a2, which route A \(line \d+\) serves already/,
    ],
    [
      'with a route that no endpoint feeds',
      () => define({ endpoints: [b], routes: [drop] }),
      'ERR_ROUTE routes[0].from',
      /carries A/,
      /none/,
    ],
    [
      'with two routes of a name',
      () =>
        define({
          routes: [
            route.first(A, rules, { name: 'x' }),
            route.first(B, () => [otherwise.to(discard)], { name: 'x' }),
          ],
        }),
      'ERR_ROUTE routes[1].name',
      /routes\[0\]/,
      /x/,
    ],
    [
      'with a rule after otherwise',
      () =>
        define({ routes: [route.first(A, (o) => [otherwise.to(discard), when(o.n.eq(1)).to(a)])] }),
      'ERR_ROUTE routes[0].rules[1]',
      /after `otherwise`/,
      /never reached/,
    ],
    [
      'with a route without rules',
      () => route.first(A, () => []),
      'ERR_ROUTE route A.rules',
      /1 to 131072/,
      /0/,
    ],
    [
      'with too many rules',
      () => route.first(A, () => Array.from({ length: 131_073 }, () => undefined as never)),
      'ERR_ROUTE route A.rules',
      /1 to 131072/,
      /131073/,
    ],
    [
      'with rules that are no array',
      () => route.first(A, () => otherwise.to(discard) as never),
      'ERR_ROUTE route A.rules',
      /array/,
      /.*/,
    ],
    [
      'with an unfinished rule',
      () => route.first(A, () => [otherwise as never]),
      'ERR_ROUTE route A.rules[0]',
      /a rule/,
      /.*/,
    ],
    [
      'with a reject code outside of rejects',
      () => define({ routes: [route.first(A, () => [otherwise.via(rejectB).to(b)])] }),
      'ERR_ROUTE routes[0].rules[0].via',
      /without rejectCode/,
      /A->B/,
    ],
    [
      'with rejects that go back as another schema',
      () =>
        define({ routes: [route.first(A, rules, { rejects: via(rejectB).to(returnTo(source)) })] }),
      'ERR_ROUTE routes[0].rejects.to',
      /carries B/,
      /a \(A\)/,
    ],
    [
      'with a return address for a schema nobody carries',
      () =>
        define({
          endpoints: [a, a2],
          routes: [route.first(A, (o) => [otherwise.via(toB).to(returnTo(o.id))])],
        }),
      'ERR_ROUTE routes[0].rules[0].to',
      /some endpoint carries/,
      /B/,
    ],
    [
      'with an empty pool',
      () => pool('p', [], first),
      'ERR_ROUTE pools.p.members',
      /1 to 250/,
      /.*/,
    ],
    [
      'with a pool without a strategy',
      () => pool('p', [a], undefined as never),
      'ERR_ROUTE pools.p.strategy',
      /lb.roundRobin/,
      /undefined/,
    ],
    [
      'with a pool of mixed messages',
      () =>
        define({
          routes: [route.first(A, () => [otherwise.to(pool('p', [a, b as never], first))])],
        }),
      'ERR_ROUTE pools[0].members[1]',
      /messages of the first/,
      /b/,
    ],
    [
      'with a pool that has a member twice',
      () => define({ routes: [route.first(A, () => [otherwise.to(pool('p', [a, a], first))])] }),
      'ERR_ROUTE pools[0].members[1]',
      /once/,
      /a/,
    ],
    [
      'with a pool called like an endpoint',
      () => define({ routes: [route.first(A, () => [otherwise.to(pool('b', [a], first))])] }),
      'ERR_ROUTE pools[0].name',
      /no endpoint has/,
      /b/,
    ],
    [
      'with a validation that no route runs',
      () => define({ validate: [validate(B, (o) => [o.n.gt(0).else('N')])] }),
      'ERR_ROUTE validate[0]',
      /a route serves/,
      /B/,
    ],
    [
      'with a code below 1000',
      () => validate(A, (o) => [o.n.gt(0).else('N', 999)]),
      'ERR_ROUTE validate.else',
      /1000 to/,
      /999/,
    ],
    [
      'with a code beyond those that are counted',
      () => validate(A, (o) => [o.n.gt(0).else('N', 65_536)]),
      'ERR_ROUTE validate.else',
      /1000 to 65535/,
      /65536/,
    ],
    [
      'with a number for a built-in code',
      () => validate(A, (o) => [o.n.gt(0).else('NO_ROUTE', 1000)]),
      'ERR_ROUTE validate.else',
      /no number/,
      /1000/,
    ],
    [
      'with one code for two names',
      () =>
        define({
          validate: [validate(A, (o) => [o.n.gt(0).else('X', 1000), o.n.gt(1).else('Y', 1000)])],
        }),
      'ERR_ROUTE validate.else',
      /'X' does not have/,
      /1000/,
    ],
    [
      'with two codes for one name',
      () =>
        define({
          validate: [validate(A, (o) => [o.n.gt(0).else('X', 1000), o.n.gt(1).else('X', 1001)])],
        }),
      'ERR_ROUTE validate.else',
      /has already, 1000/,
      /1001/,
    ],
    [
      'with an unknown threading model',
      () => define({ threading: 'many' as never }),
      'ERR_CONFIG router.threading',
      /'inline', 'shared'/,
      /many/,
    ],
    [
      'with a cpu for several workers',
      () => define({ threading: 'dedicated', cpu: 1 }),
      'ERR_CONFIG cpu',
      /'shared'/,
      /1/,
    ],
    [
      'with an endpoint without a worker',
      () => define({ threading: { workers: [{ name: 'w', endpoints: [a, a2, b] }] } }),
      'ERR_CONFIG threading.workers',
      /every endpoint/,
      /opaque/,
    ],
    [
      'with an endpoint of two workers',
      () =>
        define({
          threading: {
            workers: [
              { name: 'v', endpoints: [a, a2, b, opaque] },
              { name: 'w', endpoints: [a] },
            ],
          },
        }),
      'ERR_CONFIG threading.workers[1].endpoints',
      /v does not serve/,
      /a/,
    ],
    [
      'with an unknown idle strategy',
      () => define({ idle: 'sleep' as never }),
      'ERR_CONFIG router.idle',
      /'backoff'/,
      /sleep/,
    ],
    [
      'with a negative sample rate',
      () => define({ sampleEvery: -1 }),
      'ERR_CONFIG router.sampleEvery',
      /from 0/,
      /-1/,
    ],
  ];

  it.each(cases)('%s', (_name, body, option, expected, received) => {
    const error = refusal(body);
    expect(`${error.code} ${error.detail.option}`).toBe(option);
    expect(error.detail.expected).toMatch(expected);
    expect(String(error.detail.received)).toMatch(received);
    expect(error.detail.place?.file).toBe(import.meta.filename);
  });
});
