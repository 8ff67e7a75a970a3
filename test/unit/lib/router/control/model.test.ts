// Control as a whole in virtual time: what it sees of endpoints and which share it gives them.
import { beforeEach, describe, expect, it } from 'vitest';
import type { EndpointControlIr, EndpointIr, PoolIr } from '../../../../../lib/compiler/ir.js';
import type { Observation } from '../../../../../lib/router/control/endpoint-control.js';
import { ControlModel, type Standing } from '../../../../../lib/router/control/model.js';
import { shareAll, shareNone, shareTrial } from '../../../../../lib/router/control/ramp.js';
import { Random, testSeed } from '../../../../helpers/random.js';

const position = { file: 'test', line: 1, column: 1 };
const health = {
  kind: 'tcp',
  address: null,
  everyMs: 1000,
  timeoutMs: 500,
  probe: '',
  expect: '',
  rise: 2,
  fall: 3,
} as const;

function endpoint(
  name: string,
  control?: EndpointControlIr,
  kind: EndpointIr['kind'] = 'udp',
): EndpointIr {
  const parts = { name, kind, family: 0, options: {}, position };
  return control === undefined ? parts : { ...parts, control };
}

function pool(count: number, options: Partial<PoolIr>): PoolIr {
  const members = Array.from({ length: count }, (_, at) => ({ endpoint: at, weight: 1 }));
  return { name: 'p', strategy: { kind: 'round-robin' }, members, position, ...options };
}

/** Endpoints as the model sees them. */
class World {
  readonly model = new ControlModel();
  nowMs = 0;
  readonly seen = new Map<string, { -readonly [Key in keyof Observation]: Observation[Key] }>();

  of(name: string) {
    const found = this.seen.get(name);
    if (found !== undefined) return found;
    const made = {
      slot: 0,
      isLive: true,
      failuresInRow: 0,
      failures: 0,
      sent: 0,
      outstanding: 0,
      unansweredInRow: 0,
      unanswered: 0,
    };
    this.seen.set(name, made);
    return made;
  }

  fail(name: string, count: number): void {
    const seen = this.of(name);
    seen.failuresInRow += count;
    seen.failures += count;
  }

  send(name: string, count = 1): void {
    const seen = this.of(name);
    seen.failuresInRow = 0;
    seen.sent += count;
  }

  tick(ms = 20): readonly Standing[] {
    this.nowMs += ms;
    return this.model.tick(this.nowMs, (name) => ({ ...this.of(name) }));
  }

  standing(name: string): Standing {
    const found = this.model.standings().find((one) => one.name === name);
    if (found === undefined) throw new Error(`no standing of ${name}`);
    return found;
  }
}

let world: World;
beforeEach(() => {
  world = new World();
});

describe('control', () => {
  it('says nothing more while nothing changes', () => {
    world.model.configure({ endpoints: [endpoint('a'), endpoint('b')], pools: [] });
    expect(world.tick().map(({ name, state, share }) => [name, state, share])).toEqual([
      ['a', 'up', shareAll],
      ['b', 'up', shareAll],
    ]);
    for (let tick = 0; tick < 100; tick++) expect(world.tick()).toEqual([]);
  });

  it('leaves out an endpoint whose probes fail, until they succeed', () => {
    world.model.configure({ endpoints: [endpoint('a', { health })], pools: [] });
    for (let probe = 0; probe < 3; probe++) world.model.probed('a', false);
    world.tick();
    expect(world.standing('a')).toMatchObject({ state: 'unhealthy', share: shareNone });
    expect(world.standing('a')).toMatchObject({ probesFailed: 3, sinceMs: 20 });
    expect(world.standing('a').reason).toBe('3 probes in a row failed');
    for (let probe = 0; probe < 2; probe++) world.model.probed('a', true);
    world.tick();
    expect(world.standing('a')).toMatchObject({ state: 'up', share: shareAll, reason: '' });
  });

  it('gives one that is back a share that grows, while another gets all of its own', () => {
    const ir = {
      endpoints: [endpoint('a', { health }), endpoint('b')],
      pools: [pool(2, { slowStartMs: 1000 })],
    };
    world.model.configure(ir);
    for (let probe = 0; probe < 3; probe++) world.model.probed('a', false);
    world.tick();
    for (let probe = 0; probe < 2; probe++) world.model.probed('a', true);
    world.tick();
    expect(world.standing('a')).toMatchObject({ state: 'ramp', share: shareTrial });
    world.tick(500);
    expect(world.standing('a')).toMatchObject({ state: 'ramp', share: 128 });
    world.tick(500);
    expect(world.standing('a')).toMatchObject({ state: 'up', share: shareAll });
    expect(world.standing('b')).toMatchObject({ state: 'up', share: shareAll, sinceMs: 20 });
  });

  it('lets nobody ramp where no other member can take the rest', () => {
    const endpoints = [endpoint('a', { health }), endpoint('b', { health })];
    world.model.configure({ endpoints, pools: [pool(2, { slowStartMs: 1000 })] });
    for (const name of ['a', 'b']) {
      for (let probe = 0; probe < 3; probe++) world.model.probed(name, false);
    }
    world.tick();
    for (let probe = 0; probe < 2; probe++) world.model.probed('a', true);
    world.tick();
    expect(world.standing('a')).toMatchObject({ state: 'up', share: shareAll, reason: '' });
    expect(world.standing('b')).toMatchObject({ state: 'unhealthy', share: shareNone });
  });

  it('has a connection that comes back start small, before the next tick sees it', () => {
    const endpoints = [
      endpoint('a', undefined, 'tcp-connect'),
      endpoint('b', undefined, 'tcp-connect'),
    ];
    world.model.configure({ endpoints, pools: [pool(2, { slowStartMs: 1000 })] });
    world.tick();
    world.of('a').isLive = false;
    world.tick();
    expect(world.standing('a')).toMatchObject({ state: 'down', share: shareTrial });
    world.of('a').isLive = true;
    world.tick();
    expect(world.standing('a')).toMatchObject({ state: 'ramp', share: shareTrial });
    world.tick(1000);
    expect(world.standing('a').state).toBe('up');
  });

  it('lets those that start with the router have all from their first connection on', () => {
    const names = ['a', 'b', 'c'];
    const endpoints = names.map((name) => endpoint(name, undefined, 'tcp-connect'));
    world.model.configure({ endpoints, pools: [pool(3, { slowStartMs: 1000 })] });
    for (const name of names) world.of(name).isLive = false;
    world.tick();
    // What its worker gives it when the connection is up, before the next tick.
    expect(world.standing('a')).toMatchObject({ state: 'down', share: shareAll });
    for (const name of names) {
      world.of(name).isLive = true;
      world.tick(5000);
      expect(world.standing(name)).toMatchObject({ state: 'up', share: shareAll });
    }
    world.of('b').isLive = false;
    world.tick();
    world.of('b').isLive = true;
    world.tick();
    expect(world.standing('b')).toMatchObject({ state: 'ramp', share: shareTrial });
  });

  it('lets those that join a running router start small, whatever connects them', () => {
    const options = { slowStartMs: 1000 };
    const [a, b] = [endpoint('a'), endpoint('b')];
    world.model.configure({ endpoints: [a, b], pools: [pool(2, options)] });
    world.tick();
    const [c, d] = [endpoint('c'), endpoint('d', undefined, 'tcp-connect')];
    world.of('d').isLive = false;
    world.model.configure({ endpoints: [a, b, c, d], pools: [pool(4, options)] });
    world.tick();
    expect(world.standing('c')).toMatchObject({ state: 'ramp', share: shareTrial });
    expect(world.standing('d')).toMatchObject({ state: 'down', share: shareTrial });
    world.tick(500);
    expect(world.standing('c')).toMatchObject({ state: 'ramp', share: 128 });
    world.of('d').isLive = true;
    world.tick(500);
    expect(world.standing('c')).toMatchObject({ state: 'up', share: shareAll });
    expect(world.standing('d')).toMatchObject({ state: 'ramp', share: shareTrial });
    expect(world.standing('a')).toMatchObject({ state: 'up', share: shareAll });
  });

  it('opens a breaker, tries with a small share and closes it', () => {
    const breaker = { consecutive: 3, forMs: 1000 };
    const endpoints = [endpoint('a', { breaker }), endpoint('b')];
    world.model.configure({ endpoints, pools: [pool(2, {})] });
    world.tick();
    world.fail('a', 3);
    world.tick();
    expect(world.standing('a')).toMatchObject({ state: 'open', share: shareNone, trips: 1 });
    world.tick(1000);
    expect(world.standing('a')).toMatchObject({ state: 'half-open', share: shareTrial });
    world.tick(1000);
    expect(world.standing('a').state).toBe('half-open');
    world.send('a');
    world.tick();
    expect(world.standing('a').state).toBe('half-open');
    world.tick(1000);
    expect(world.standing('a')).toMatchObject({ state: 'up', share: shareAll });
  });

  it('opens a breaker again when its trial fails, and for requests without answers too', () => {
    const breaker = { consecutive: 3, forMs: 1000 };
    world.model.configure({ endpoints: [endpoint('a', { breaker })], pools: [] });
    Object.assign(world.of('a'), { unansweredInRow: 3, unanswered: 3 });
    world.tick();
    expect(world.standing('a').state).toBe('open');
    world.tick(1000);
    expect(world.standing('a').state).toBe('half-open');
    Object.assign(world.of('a'), { unansweredInRow: 4, unanswered: 4, sent: 1 });
    world.tick();
    expect(world.standing('a')).toMatchObject({ state: 'open', trips: 2 });
  });

  it('leaves out failing members within the cap and takes them back', () => {
    const names = Array.from({ length: 10 }, (_, at) => `m${at}`);
    const eject = { consecutive: 5, forMs: 1000, maxShare: 0.3 };
    const endpoints = names.map((name) => endpoint(name));
    world.model.configure({ endpoints, pools: [pool(10, { eject })] });
    for (const name of names.slice(0, 5)) world.fail(name, 5);
    world.tick();
    const out = () => names.filter((name) => world.standing(name).state === 'ejected');
    expect(out()).toEqual(['m0', 'm1', 'm2']);
    world.tick(1000);
    // Those that have been out are not judged by old failures; the others now have their turn.
    expect(out()).toEqual(['m3', 'm4']);
    world.tick(1000);
    expect(out()).toEqual([]);
    expect(world.standing('m0').ejections).toBe(1);
  });

  it('counts failures of a new socket from zero', () => {
    const breaker = { consecutive: 3, forMs: 1000 };
    world.model.configure({ endpoints: [endpoint('a', { breaker })], pools: [] });
    world.fail('a', 3);
    world.tick();
    world.tick(1000);
    expect(world.standing('a').state).toBe('half-open');
    Object.assign(world.of('a'), { slot: 1, failures: 1, failuresInRow: 1 });
    world.tick();
    expect(world.standing('a').state).toBe('open');
  });

  it('drains before anything else, and keeps that over a change of the configuration', () => {
    world.model.configure({ endpoints: [endpoint('a', { health })], pools: [] });
    expect(world.model.setDraining('a', true)).toBe(true);
    expect(world.model.setDraining('nobody', true)).toBe(false);
    world.tick();
    world.model.configure({ endpoints: [endpoint('b'), endpoint('a')], pools: [] });
    world.tick();
    expect(world.standing('a')).toMatchObject({ state: 'draining', share: shareNone });
    world.model.setDraining('a', false);
    world.tick();
    expect(world.standing('a').state).toBe('up');
  });

  it('keeps the state of an endpoint when its configuration changes elsewhere', () => {
    const breaker = { consecutive: 3, forMs: 1000 };
    world.model.configure({ endpoints: [endpoint('a', { breaker, health })], pools: [] });
    world.fail('a', 3);
    world.tick();
    world.model.configure({
      endpoints: [endpoint('a', { breaker: { ...breaker }, health: { ...health } })],
      pools: [pool(1, {})],
    });
    world.tick();
    expect(world.standing('a')).toMatchObject({ state: 'open', trips: 1, sinceMs: 20 });
    world.model.configure({ endpoints: [endpoint('a')], pools: [] });
    world.tick();
    expect(world.standing('a')).toMatchObject({ state: 'up', trips: 1 });
  });

  it('always gives everything back in the end, whatever happened', () => {
    const seed = testSeed();
    const random = new Random(seed);
    for (let round = 0; round < 30; round++) {
      world = new World();
      const count = 1 + random.below(6);
      const breaker = { consecutive: 1 + random.below(5), forMs: 1 + random.below(1000) };
      const eject = { consecutive: 1 + random.below(5), forMs: 500, maxShare: 0.5 };
      const endpoints = Array.from({ length: count }, (_, at) =>
        endpoint(`e${at}`, { breaker, health }, random.below(2) === 0 ? 'udp' : 'tcp-connect'),
      );
      world.model.configure({ endpoints, pools: [pool(count, { eject, slowStartMs: 300 })] });
      const names = endpoints.map(({ name }) => name);
      for (let step = 0; step < 300; step++) {
        const name = names[random.below(count)] ?? '';
        const what = random.below(6);
        if (what === 0) world.fail(name, 1 + random.below(6));
        if (what === 1) world.send(name);
        if (what === 2) world.model.probed(name, random.below(2) === 0);
        if (what === 3) world.of(name).isLive = random.below(2) === 0;
        if (what === 4) world.model.setDraining(name, random.below(2) === 0);
        world.tick(random.below(200));
        const outCount = names.filter((one) => world.standing(one).state === 'ejected').length;
        expect(outCount, `seed ${seed}`).toBeLessThanOrEqual(Math.max(1, Math.floor(count / 2)));
      }
      for (let step = 0; step < 200; step++) {
        for (const name of names) {
          world.of(name).isLive = true;
          world.model.setDraining(name, false);
          world.model.probed(name, true);
          world.send(name);
        }
        world.tick(200);
      }
      for (const name of names) {
        expect(world.standing(name), `seed ${seed}`).toMatchObject({ state: 'up', share: 255 });
      }
    }
  });
});
