// A process that does nothing: Node alone, with the package imported, or with an end of a Raptor
// session as users have it, stand-alone or in a router. Says its port when it is there, a
// connecting end when the session is.
//
//   node raptor-end.js bare | imported | node|router listen | node|router connect PORT
import { setTimeout as sleep } from 'node:timers/promises';

/** Fixed keys: nobody but the other end of the bench is to be kept out. */
const serverKeys = `raptor-private-${Buffer.alloc(32, 0x51).toString('base64url')}`;
const host = '127.0.0.1';
const checkMs = 10;
const minute = 60_000;

const [kind, role, port = '0'] = process.argv.slice(2);

async function openNode(): Promise<number> {
  const { raptor, raptorPublicKey } = await import('hyperroute');
  if (role === 'listen') {
    const node = raptor.open({ listen: { port: 0 }, keys: serverKeys });
    node.publication('idle');
    node.subscription('idle', () => undefined);
    return node.port;
  }
  const serverKey = raptorPublicKey(serverKeys);
  const node = raptor.open({ connect: { host, port: Number(port), serverKey } });
  node.publication('idle');
  node.subscription('idle', () => undefined);
  await node.connected();
  return node.port;
}

async function openRouter(): Promise<number> {
  const { defineRouter, HyperRoute, otherwise, raptor, route, ...more } = await import(
    'hyperroute'
  );
  const end =
    role === 'listen'
      ? raptor.listen('end', { port: 0, keys: serverKeys })
      : raptor.connect('end', {
          host,
          port: Number(port),
          serverKey: more.raptorPublicKey(serverKeys),
        });
  const back = () => [otherwise.to(more.returnTo(more.source))];
  const routes = [route.first(more.raw, back, { from: end })];
  const router = await HyperRoute.start(defineRouter({ name: 'idle', endpoints: [end], routes }));
  const status = () => router.endpoints()[0];
  while (role === 'connect' && status()?.connection?.state !== 'connected') await sleep(checkMs);
  return Number(status()?.address?.split(':').at(-1) ?? 0);
}

const ends: Readonly<Record<string, () => Promise<number>>> = {
  bare: () => Promise.resolve(0),
  imported: () => import('hyperroute').then(() => 0),
  node: openNode,
  router: openRouter,
};

async function main(): Promise<void> {
  // The runner is gone.
  process.once('disconnect', () => process.exit(0));
  // What is watched does not depend on this: a process without anything to do would end.
  setInterval(() => undefined, minute);
  process.send?.({ port: await ends[kind ?? '']?.() });
}

main().catch((error: unknown) => {
  process.send?.({ error: String(error) });
  process.exitCode = 1;
});
