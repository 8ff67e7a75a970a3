// Asks an endpoint whether it works: connects, sends the probe's bytes, looks at how the answer
// begins. Control path; sockets and timers keep no process alive.
import { createSocket } from 'node:dgram';
import { connect, isIP } from 'node:net';
import type { EndpointIr, HealthIr } from '../../compiler/ir-destinations.js';

export interface ProbeAddress {
  readonly host: string;
  readonly port: number;
}

/** One question. */
export interface Probe {
  readonly over: HealthIr['kind'];
  readonly address: ProbeAddress;
  readonly timeoutMs: number;
  readonly probe: Buffer;
  readonly expect: Buffer;
}

/** Where an endpoint sends to; null where that is nowhere in particular. */
function destinationOf({ kind, options }: EndpointIr): ProbeAddress | null {
  if (kind === 'tcp-connect') return options as unknown as ProbeAddress;
  return kind === 'udp' ? (options.remote as ProbeAddress | null) : null;
}

/** The question that an endpoint's health option asks; null where it has none. */
export function probeOf(endpoint: EndpointIr): Probe | null {
  const { health } = endpoint.control ?? {};
  const address = health?.address ?? destinationOf(endpoint);
  if (health === undefined || address === null) return null;
  return {
    over: health.kind,
    address: { host: address.host, port: address.port },
    timeoutMs: health.timeoutMs,
    probe: Buffer.from(health.probe, 'hex'),
    expect: Buffer.from(health.expect, 'hex'),
  };
}

/** Whether the answer was the expected one, in time. Never rejects; an abort is no. */
export function ask(probe: Probe, signal: AbortSignal): Promise<boolean> {
  return new Promise((resolve) => {
    const end = probe.over === 'tcp' ? askTcp(probe, settle) : askUdp(probe, settle);
    const timer = setTimeout(() => settle(false), probe.timeoutMs).unref();
    const abort = (): void => settle(false);
    signal.addEventListener('abort', abort, { once: true });
    let isSettled = false;
    function settle(isGood: boolean): void {
      if (isSettled) return;
      isSettled = true;
      clearTimeout(timer);
      signal.removeEventListener('abort', abort);
      end();
      resolve(isGood);
    }
  });
}

/** Starts to ask; returns what ends it. `settle` is never called before this returns. */
function askTcp({ address, probe, expect }: Probe, settle: (isGood: boolean) => void): () => void {
  const socket = connect({ host: address.host, port: address.port, noDelay: true });
  let answer = Buffer.alloc(0);
  socket.unref();
  socket.on('connect', () => {
    if (probe.length > 0) socket.write(probe);
    if (expect.length === 0) settle(true);
  });
  socket.on('data', (bytes) => {
    // No more than what is compared is kept.
    answer = Buffer.concat([answer, bytes.subarray(0, expect.length - answer.length)]);
    if (answer.length >= expect.length) settle(answer.equals(expect));
  });
  socket.on('error', () => settle(false));
  socket.on('end', () => settle(false));
  return () => socket.destroy();
}

/** Over a socket of its own, so that no late answer to the last question counts for this one. */
function askUdp({ address, probe, expect }: Probe, settle: (isGood: boolean) => void): () => void {
  const socket = createSocket(isIP(address.host) === 6 ? 'udp6' : 'udp4');
  socket.unref();
  socket.on('error', () => settle(false));
  socket.on('message', (answer) => settle(answer.subarray(0, expect.length).equals(expect)));
  // Connected: answers of others are not seen, and a closed port is known at once.
  socket.connect(address.port, address.host, () => socket.send(probe));
  return () => {
    socket.removeAllListeners('message');
    socket.close();
  };
}
