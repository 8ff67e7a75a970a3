// How processes and threads with a running router end: by themselves, by force, in mid-publish.
import { afterEach, describe, expect, it } from 'vitest';
import { Child, fixture } from '../helpers/router-child.js';

const children: Child[] = [];
afterEach(async () => {
  for (const child of children.splice(0)) await child.kill();
});

/** The exit code and what was said on stderr. */
async function end(mode: string): Promise<{ code: number | null; stderr: string }> {
  const child = new Child(fixture('router-ends.mjs'), [mode], { node: ['--expose-gc'] });
  children.push(child);
  return { code: await child.ended(), stderr: child.stderr };
}

const good = { code: 0, stderr: '' };

describe('a process', { timeout: 60_000 }, () => {
  it('ends by itself once its router is closed', async () => {
    expect(await end('closed')).toEqual(good);
  });

  it('ends by itself while an unreferenced router runs', async () => {
    expect(await end('unreferenced')).toEqual(good);
  });

  it('exits while wake-ups are in flight', async () => {
    for (let round = 0; round < 5; round++) expect(await end('exit')).toEqual(good);
  });

  it('survives worker threads that are terminated in mid-publish', async () => {
    expect(await end('terminate')).toEqual(good);
  });

  it('keeps a router that nothing refers to', async () => {
    expect(await end('forgotten')).toEqual(good);
  });

  it('gets the rest of a batch whose handler threw', async () => {
    expect(await end('thrown')).toEqual(good);
  });

  it('does not grow while it publishes and never yields', async () => {
    expect(await end('greedy')).toEqual(good);
  });
});
