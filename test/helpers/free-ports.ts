// Ports side by side for programs that count them up from the first.
import { once } from 'node:events';
import { createServer } from 'node:net';
import { freePort } from './router-lines.js';

const attemptsMax = 50;

async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  server.on('error', () => undefined);
  server.listen(port, '127.0.0.1');
  const [outcome] = await Promise.race([
    once(server, 'listening').then(() => [true]),
    once(server, 'close').then(() => [false]),
    once(server, 'error').then(() => [false]),
  ]);
  server.close();
  return outcome === true;
}

/** The first of `count` ports of this host that nobody listens on. */
export async function freePorts(count: number): Promise<number> {
  for (let attempt = 0; attempt < attemptsMax; attempt += 1) {
    const first = await freePort();
    if (first + count > 65_535) continue;
    const free = await Promise.all(
      Array.from({ length: count }, (_none, at) => isFree(first + at)),
    );
    if (free.every(Boolean)) return first;
  }
  throw new Error(`no ${count} free ports side by side`);
}
