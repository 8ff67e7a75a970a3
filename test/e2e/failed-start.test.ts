// A router that cannot start leaves nothing that keeps the process alive.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { defineRouter, HyperRoute, memory, otherwise, raw, route } from 'hyperroute';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'hyperroute-start-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

function timers(): number {
  return process.getActiveResourcesInfo().filter((resource) => resource === 'Timeout').length;
}

describe('a start that fails', () => {
  it.each([
    ['a recording that exists', () => ({ record: { path: join(folder, 'taken') } })],
    ['a control socket in no folder', () => ({ controlPath: join(folder, 'none', 'x.control') })],
  ])('for %s leaves no timer behind', async (_name, options) => {
    writeFileSync(join(folder, 'taken'), 'something');
    const from = memory('from');
    const to = memory('to');
    const ir = defineRouter({
      endpoints: [from, to],
      routes: [route.first(raw, () => [otherwise.to(to)], { from })],
    });
    const before = timers();
    await expect(HyperRoute.start(ir, options())).rejects.toMatchObject({ code: 'ERR_SYSTEM' });
    expect(timers()).toBe(before);
    // Its addresses are free again, and so is its name.
    const router = await HyperRoute.start(ir);
    await router.close();
  });
});
