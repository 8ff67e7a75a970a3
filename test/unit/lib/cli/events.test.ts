// What `run` prints of a router's life.
import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { eventsOf } from '../../../../lib/cli/events.js';
import { createIo } from '../../../../lib/cli/io.js';
import type { UpdateReport } from '../../../../lib/router/update.js';

/** What is printed, as lines. */
function printed(isJson: boolean, say: (events: ReturnType<typeof eventsOf>) => void): string[] {
  const out = new PassThrough();
  const io = createIo(out as never, out as never, { NO_COLOR: '1' });
  say(eventsOf(io, isJson));
  return String(out.read()).trimEnd().split('\n');
}

const router = { name: 'r', countersPath: null, controlPath: null, endpoints: [] };
const nothing = { added: [], removed: [], changed: [], moved: [] };
const report: UpdateReport = {
  ...nothing,
  kept: ['a', 'b'],
  pools: [
    {
      ...{ pool: 'venues', change: 'changed', movedShare: 0.5 },
      ...{ added: ['b'], removed: [], reweighted: [] },
    },
  ],
  routes: [{ route: 'Order', change: 'changed', parts: ['checks'], rules: nothing }],
  movedShareMax: 0.5,
};

describe('what run prints', () => {
  it('of a reload is what changed of endpoints, pools and routes', () => {
    expect(printed(false, (events) => events.reloaded(router, report))).toEqual([
      'reloaded r  same endpoints',
      '  endpoint  kind  address',
      '  pool   venues  changed  +b  50 % of it moved',
      '  route  Order  changed  checks',
    ]);
  });

  it('of a request is what was asked, and what it changed or why it was refused', () => {
    const request = { pool: 'venues', weights: { a: 3 } };
    const error = new Error('no such member');
    expect(
      printed(false, (events) => {
        events.controlled({ op: 'reweight', request, result: { ...report, routes: [] } });
        events.controlled({ op: 'drain', request: { endpoint: 'b' }, result: { flushed: true } });
        events.controlled({ op: 'remove', request: { pool: 'venues', endpoint: 'x' }, error });
      }),
    ).toEqual([
      'control reweight venues {"a":3}',
      '  endpoints  same endpoints',
      '  pool   venues  changed  +b  50 % of it moved',
      'control drain b',
      'control remove venues x  refused: no such member',
    ]);
  });

  it('of an endpoint is its state, the one before, its share and why', () => {
    const counts = { ejections: 1, trips: 0, probesFailed: 0 };
    const back = { endpoint: 'b', before: 'ejected', state: 'ramp', share: 0.1 } as const;
    const out = { endpoint: 'b', before: 'up', state: 'up', share: 1, reason: '' } as const;
    expect(
      printed(false, (events) => {
        events.healthChanged({ ...back, reason: 'back', ...counts });
        events.healthChanged({ ...out, ...counts });
        events.leftOut(1200);
      }),
    ).toEqual([
      'health b  ramp (was ejected, 10 % of its share): back',
      'health b  up (once more)',
      '1,200 more changes within that second',
    ]);
  });

  it('as JSON is a line for each, with its time', () => {
    const request = { endpoint: 'b' };
    const lines = printed(true, (events) => {
      events.controlled({ op: 'drain', request, result: null });
      events.controlled({ op: 'drain', request, error: new Error('no') });
      events.leftOut(2);
    });
    const at = expect.stringMatching(/^\d{4}-\d\d-\d\dT/);
    expect(lines.map((line) => JSON.parse(line) as object)).toEqual([
      { event: 'controlled', at, op: 'drain', request, result: null },
      {
        event: 'refused',
        at,
        op: 'drain',
        request,
        error: { code: 'ERR_INTERNAL', message: 'no' },
      },
      { event: 'left-out', at, count: 2 },
    ]);
  });
});
