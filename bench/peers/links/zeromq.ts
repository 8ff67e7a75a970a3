// npm's zeromq: a PAIR of sockets on TCP, event-driven. ZeroMQ has an I/O thread of its own.
import { Pair } from 'zeromq';
import type { Link, LinkOptions, OnMessage } from './link.js';

/** Longer messages are sent from where they lie, which the caller writes the next one to. */
const copiedBytesMax = 128;

export async function openZeromq(options: LinkOptions, onMessage: OnMessage): Promise<Link> {
  const socket = new Pair({ linger: 0 });
  const address = `tcp://127.0.0.1:${options.port}`;
  if (options.isServer) await socket.bind(address);
  else socket.connect(address);
  const receive = async (): Promise<void> => {
    for await (const [message] of socket) {
      if (message !== undefined) onMessage(message, 0, message.length);
    }
  };
  void receive();
  const send = (message: Uint8Array): boolean => {
    try {
      const bytes = message.length > copiedBytesMax ? Buffer.from(message) : message;
      // Taken at once, or the one message that waits for room; only then the next one is refused.
      void socket.send(bytes);
      return true;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EBUSY') return false;
      throw error;
    }
  };
  return { send, flush: () => undefined, poll: undefined };
}
