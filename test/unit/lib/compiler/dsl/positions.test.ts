// Positions of builder calls.
import { describe, expect, it } from 'vitest';
import { defineRouter, discard, otherwise, raw, route, udp } from '../../../../../lib/index.js';
import { callerPlace } from '../../../../../lib/schema/position.js';

describe('a position', () => {
  it("is the line of the call in the user's file", () => {
    const endpoint = udp('in', { port: 0 });
    const ir = defineRouter({
      endpoints: [endpoint],
      routes: [route.first(raw, () => [otherwise.to(discard)])],
    });
    const lines = [ir.endpoints[0], ir, ir.routes[0], ir.routes[0]?.rules[0]].map(
      (node) => node?.position.line,
    );
    const first = lines[0] as number;
    expect(lines).toEqual([first, first + 1, first + 3, first + 3]);
    expect(ir.routes[0]?.position.file).toBe(import.meta.filename);
  });

  it('leaves Error as it was, whatever formatter and limit are set', () => {
    const [formatter, limit] = [Error.prepareStackTrace, Error.stackTraceLimit];
    const own = () => 'own';
    try {
      Error.prepareStackTrace = own;
      Error.stackTraceLimit = 0;
      expect(callerPlace().file).toBe(import.meta.filename);
      expect([Error.prepareStackTrace, Error.stackTraceLimit]).toEqual([own, 0]);
    } finally {
      Error.prepareStackTrace = formatter as NonNullable<typeof formatter>;
      Error.stackTraceLimit = limit;
    }
  });
});
