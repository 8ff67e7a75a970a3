// Mistakes in a configuration, as who runs it sees them: the option, what was expected, what was
// given, and the place in the file. Nothing was opened.
import { afterEach, describe, expect, it } from 'vitest';
import { endAll } from '../helpers/foreign-programs.js';
import { failedStart, importLines, writeConfig } from '../helpers/foreign-router.js';

afterEach(endAll);

/** A mistake that the error places at the mark `^`. */
interface Mistake {
  readonly title: string;
  readonly text: string;
  readonly code?: string;
  readonly option: string;
  readonly expected: string | RegExp;
  readonly received: string;
}

const endpointMistakes: readonly Mistake[] = [
  {
    title: 'a port that is none',
    text: `const one = ^udp('one', { port: 70_000 });`,
    option: 'endpoints.one.port',
    expected: 'an integer from 0 to 65535',
    received: '70000',
  },
  {
    title: 'a port as text',
    text: `const one = tcp.^connect('one',
      { host: '::1', port: '90', framing: framing.fixed(4) });`,
    option: 'endpoints.one.port',
    expected: 'an integer from 1 to 65535',
    received: '"90"',
  },
  {
    title: 'a stream without a framing',
    text: `const one = tcp.^listen('one', { port: 0 });`,
    option: 'endpoints.one.framing',
    expected: /^framing\.lengthPrefix\(…\)/,
    received: 'undefined',
  },
  {
    title: 'a length field of nine bytes',
    text: `const one = framing.^lengthPrefix({ bytes: 9, includesHeader: true });`,
    option: 'framing.lengthPrefix.bytes',
    expected: 'an integer from 1 to 8',
    received: '9',
  },
  {
    title: 'a host name that would need a resolver',
    text: `const one = ^udp('one', { host: 'example.org', port: 0 });`,
    option: 'endpoints.one.host',
    expected: "an IPv4 or IPv6 address, or 'localhost'",
    received: '"example.org"',
  },
  {
    title: 'an address that other hosts reach, without being asked for',
    text: `const one = ^udp('one', { host: '0.0.0.0', port: 0 });`,
    option: 'endpoints.one.host',
    expected: /`exposed: true`/,
    received: '"0.0.0.0"',
  },
  {
    title: 'a listener that all of IPv6 reaches, without being asked for',
    text: `const one = tcp.^listen('one', { host: '::', port: 0, framing: framing.fixed(4) });`,
    option: 'endpoints.one.host',
    expected: /`exposed: true`/,
    received: '"::"',
  },
  {
    title: 'a misspelt option',
    text: `const one = ^udp('one', { port: 0, recieveBufferBytes: 1 });`,
    option: 'endpoints.one.recieveBufferBytes',
    expected: /^no such option; known are .*'receiveBufferBytes'/,
    received: '1',
  },
  {
    title: 'a queue policy that does not exist',
    text: `const one = ^udp('one', { port: 0, queue: { full: 'wait' } });`,
    option: 'endpoints.one.queue.full',
    expected: "one of 'reject', 'park', 'block', 'drop-oldest'",
    received: '"wait"',
  },
];

const schemas = `
const A = schema('A', 1, { type: t.u8, qty: t.u32 }, { layout: layout.packed('le') });
const B = schema('B', 2, { type: t.u8, qty: t.u16 }, { layout: layout.packed('le') });
const a = udp('a', { port: 0, messages: A });
const b = udp('b', { port: 0, messages: B });`;

const routeMistakes: readonly Mistake[] = [
  {
    title: 'a destination that does not carry the message',
    text: `export default defineRouter({ endpoints: [a, b],
      routes: [route.first(A, () => [otherwise.^to(b)])] });`,
    code: 'ERR_ROUTE',
    option: 'routes[0].rules[0].to',
    expected: 'a destination that carries A',
    received: '"b (B)"',
  },
  {
    title: 'conditions joined by &&',
    text: `export default defineRouter({ endpoints: [a], routes: [
      route.first(A, (m) => [when(m.qty.^gt(1) && m.qty.lt(5)).to(returnTo(source))])] });`,
    code: 'ERR_ROUTE',
    option: 'route A',
    expected: /^every condition to be used .*`&&`/,
    received: 'a condition that is built but not used',
  },
  {
    title: 'a value that may not fit its field',
    text: `const over = ^transform(A, B, (m) => ({ qty: m.qty }));`,
    code: 'ERR_ROUTE',
    option: 'transform A->B.qty',
    expected: /^a value of u16 \(0 to 65535\), or .* orReject$/,
    received: '"qty (u32)"',
  },
  {
    title: 'a reject code outside the user range',
    text: `const low = validate(A, (m) => [m.qty.gt(0).else^('LOW', 65_536)]);`,
    code: 'ERR_ROUTE',
    option: 'validate.else',
    expected: "a code from 1000 to 65535 for 'LOW'",
    received: '65536',
  },
  {
    title: 'a second type with the same id',
    text: `const C = schema('C', 1, { type: t.u8 }, { layout: layout.packed('le') });
      const U = ^union('U', { type: 'type' }, [A, C]);`,
    code: 'ERR_SCHEMA',
    option: 'union U.members[1]',
    expected: 'a template id that A does not have',
    received: '"C (1)"',
  },
  {
    title: 'an endpoint without a worker',
    text: `export default ^defineRouter({ endpoints: [a, b],
      routes: [route.first(A, () => [otherwise.to(discard)])],
      threading: { workers: [{ name: 'w', endpoints: [a] }] } });`,
    option: 'threading.workers',
    expected: 'a worker for every endpoint',
    received: '"none for b"',
  },
  {
    title: 'more dedicated workers than there can be',
    text: `const many = Array.from({ length: 17 }, (_, at) => udp('u' + at, { port: 0 }));
      export default ^defineRouter({ endpoints: many, threading: 'dedicated',
      routes: [route.first(raw, () => [otherwise.to(discard)])] });`,
    option: 'threading',
    expected: 'another model for more than 16 endpoints',
    received: `"'dedicated' for 17"`,
  },
];

describe('a mistake in a configuration names option, expectation, value and place', () => {
  it.each([...endpointMistakes, ...routeMistakes])('$title', async (mistake) => {
    const { option, expected, received, code = 'ERR_CONFIG' } = mistake;
    const whole = `${schemas}\n${mistake.text}`;
    const before = whole.slice(0, whole.indexOf('^')).split('\n');
    const line = importLines + before.length;
    const column = (before.at(-1) ?? '').length + 1;
    const path = writeConfig(whole.replace('^', ''));
    const error = await failedStart(path);
    expect(error).toMatchObject({ code, option, place: { file: path, line, column } });
    expect(error.expected).toEqual(
      typeof expected === 'string' ? expected : expect.stringMatching(expected),
    );
    const told = `${option}: expected ${error.expected}, received ${received}`;
    expect(error.message).toBe(`${path}:${line}:${column}: ${told}`);
  });
});
