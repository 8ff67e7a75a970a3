// The measuring end of a probe, shown: `ping HOST:PORT` and `perf HOST:PORT`.
import type { CommandInput } from './command.js';
import { type ProbeDone, type ProbeEvent, runProbe } from './probe.js';
import { addressText, type ProbePlan } from './probe-options.js';
import { progressLine, summaryLines } from './probe-text.js';
import { countText, nanosecondsText } from './text.js';

type Connected = Extract<ProbeEvent, { event: 'connected' }>;

/**
 * Runs the measurement and prints what came out. The exit code is 1 where messages of a reliable
 * mode are missing or twice there.
 */
export async function measure({ values, io }: CommandInput, plan: ProbePlan): Promise<number> {
  const isJson = values.json === true;
  let connected: Connected | undefined;
  let done: ProbeDone | undefined;
  const code = await runProbe(plan, (event) => {
    if (event.event === 'connected') {
      connected = event;
      if (!isJson) io.out.line(connectedLine(plan, event));
    } else if (event.event === 'progress') {
      if (io.err.isTerminal) io.err.line(progressLine(event));
    } else if (event.event === 'done') {
      done = event;
    }
  });
  if (done === undefined || connected === undefined) throw new Error('the probe told no result');
  if (isJson) {
    const { event: _connected, ...link } = connected;
    const { event: _done, ...figures } = done;
    io.json({ ok: code === 0, ...link, ...figures });
    return code;
  }
  for (const line of summaryLines(done)) io.out.line(line);
  if (code !== 0) {
    const counts = `sent ${countText(done.sent)}, received ${countText(done.received)}`;
    io.err.line(`hyperroute: messages are missing, twice there or out of order: ${counts}`);
  }
  return code;
}

function connectedLine(plan: ProbePlan, { secure, sameHost, handshakeNs }: Connected): string {
  const parts = [
    secure ? 'encrypted' : 'not encrypted',
    ...(sameHost ? ['both ends on this host'] : []),
    `handshake ${nanosecondsText(handshakeNs)}`,
  ];
  return `${plan.role} ${addressText(plan.address)}: ${parts.join(', ')}`;
}
