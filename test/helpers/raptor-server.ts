// A router with a raptor listener in a process of its own, for one test (raptor-server.mjs).
import { onTestFinished } from 'vitest';
import { Child, fixture, portIn } from './router-child.js';

/** Started with these options of the listener; resolves with the port it is at. */
export async function raptorServer(
  kind: 'echo' | 'slow',
  options: object,
): Promise<readonly [Child, number]> {
  const given = JSON.stringify({ port: 0, ...options });
  const child = new Child(fixture('raptor-server.mjs'), [kind, given]);
  onTestFinished(() => child.kill());
  return [child, portIn(await child.next(), 'listener')];
}
