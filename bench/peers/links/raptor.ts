// Raptor's stand-alone API with its defaults: one reliable ordered stream each way, encrypted.
import { raptor, raptorPublicKey } from 'hyperroute';
import type { Link, LinkOptions, OnMessage } from './link.js';

/** Fixed keys: nobody but the other end of the bench is to be kept out. */
const serverKeys = `raptor-private-${Buffer.alloc(32, 0x51).toString('base64url')}`;
const partsOfPermille = 1000;

async function open(options: LinkOptions, onMessage: OnMessage, poll: boolean): Promise<Link> {
  const { isServer, port } = options;
  const remote = { host: '127.0.0.1', port, serverKey: raptorPublicKey(serverKeys) };
  const loss = { perMillion: options.lossPermille * partsOfPermille, seed: options.seed };
  const ends = isServer ? { listen: { port }, keys: serverKeys } : { connect: remote };
  const node = raptor.open({ ...ends, poll, loss });
  const publication = node.publication('bench');
  node.subscription('bench', (batch) => {
    while (batch.next()) onMessage(batch.bytes, batch.offset, batch.length);
  });
  return {
    send: (message) => publication.offer(message) >= 0,
    flush: () => node.flush(),
    poll: poll ? () => node.poll() : undefined,
  };
}

/** Served by Node's event loop. */
export const openRaptor = (options: LinkOptions, onMessage: OnMessage) =>
  open(options, onMessage, false);

/** Served by a loop of the program's own. */
export const openRaptorPolled = (options: LinkOptions, onMessage: OnMessage) =>
  open(options, onMessage, true);
