// What a router is started and closed with, and what it says of its endpoints.
import type { RouterIr } from '../compiler/ir.js';
import type { ControlReport } from './control-requests.js';
import type { Connection } from './links.js';
import type { RecordOptions } from './recording.js';

export interface StartOptions {
  /** Closes the router when aborted. */
  readonly signal?: AbortSignal;
  /** The counters file to make, which `hyperroute stat` reads; none by default. */
  readonly countersPath?: string;
  /** How often control looks at endpoints with health, breaker, ejection or slow start; 20. */
  readonly controlEveryMs?: number;
  /** The Unix socket to make, at which `hyperroute ctl` asks; none by default. */
  readonly controlPath?: string;
  /**
   * Told of each operation that the control socket was asked for, `status` apart, after it was done
   * or refused. Called once for each, soon after and on the thread that started the router; nothing
   * waits for it. What it throws is an uncaught exception of that thread and changes no answer.
   */
  readonly onControl?: (report: ControlReport) => void;
  /** Records from the first message on, as `router.record` does; see `router.recording`. */
  readonly record?: RecordOptions;
  /**
   * Loads what `reload` installs: the configuration of that file, or of the one it was started
   * from. Without it `reload` is refused.
   */
  readonly load?: (file: string | undefined) => Promise<RouterIr>;
}

/** An endpoint of a running router. */
export interface RunningEndpoint {
  readonly name: string;
  readonly kind: string;
  /** `host:port` it is bound to, or null for memory. Port 0 has become a real one. */
  readonly address: string | null;
  /** What the kernel granted, for udp and raptor. */
  readonly receiveBufferBytes: number | null;
  /** For raptor.connect: how it stands with its listener. */
  readonly connection?: Connection;
}

/** What `drain` came to. */
export interface DrainReport {
  readonly endpoint: string;
  /** Whether everything that was queued for it has left. */
  readonly flushed: boolean;
}

export interface CloseOptions {
  /** How long queued messages may still leave; default: the configuration's `drainTimeoutMs`. */
  readonly drainTimeoutMs?: number;
}
