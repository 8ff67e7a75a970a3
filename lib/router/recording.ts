// A recording that a running router writes: what its user sees of it. The bytes are the engine's
// affair (native/engine/recording.h); docs/recording.md describes them.

import { rejectCodes } from '../codes.js';
import type { RouterIr } from '../compiler/ir.js';
import { configError, isHyperRouteError } from '../errors.js';
import { type NativeRecordingReport, type NativeRouter, nativeCall } from '../native.js';
import { callerPlace } from '../schema/position.js';

export interface RecordOptions {
  /** The file to make. One that is there already is never written over. */
  readonly path: string;
  /** The most bytes of the file, from 65,536; 268,435,456 by default. What comes after is lost. */
  readonly bytes?: number;
}

/**
 * Why a recording has ended. `stopped`: by `stop()`, or because the router was closed. `full`: the
 * file has as many bytes as it may have. `overrun`: a worker was faster than the file could be
 * written. `too-large`: a message had more than 4,190,000 bytes. `failed`: the file could not be
 * written. `open-entries`: a correlation had been used before it was recorded. Up to that point the
 * recording is whole, whatever the reason.
 */
export type RecordingEnd =
  | ('stopped' | 'full' | 'overrun')
  | ('too-large' | 'failed' | 'open-entries');

export interface RecordingReport {
  readonly path: string;
  /** Of the file, by now. */
  readonly bytes: number;
  /** Messages that have been recorded. */
  readonly messages: number;
  /** Messages that have been routed since the recording ended, about; they are not in it. */
  readonly missed: number;
  /** null: it goes on. */
  readonly end: RecordingEnd | null;
}

const bytesDefault = 256 * 2 ** 20;
const bytesMin = 65_536;
const pollMs = 20;

/** A recording that a router writes, or has written. Made by `router.record`. */
export class Recording {
  readonly #native: NativeRouter;
  readonly #path: string;
  readonly #timer: NodeJS.Timeout;
  readonly #ended: Promise<RecordingReport>;
  #isStopped = false;
  /** Nothing of it changes any more, and the engine may be busy with another one. */
  #isFinal = false;
  #settle: (report: RecordingReport) => void = () => undefined;
  #last: RecordingReport;

  private constructor(router: NativeRouter, path: string) {
    this.#native = router;
    this.#path = path;
    this.#last = { path, bytes: 0, messages: 0, missed: 0, end: null };
    this.#ended = new Promise((settle) => {
      this.#settle = settle;
    });
    // What ends it is seen by asking; a process may end meanwhile.
    this.#timer = setInterval(() => this.#look(), pollMs).unref();
  }

  /** Internal: `HyperRoute.record` begins one. */
  static begin(router: NativeRouter, ir: RouterIr, options: RecordOptions): Recording {
    const { path, bytes = bytesDefault } = options;
    if (typeof path !== 'string' || path === '') {
      throw configError('record.path', 'the path of a file', path, callerPlace());
    }
    if (!Number.isSafeInteger(bytes) || bytes < bytesMin) {
      const expected = `a whole number of bytes from ${bytesMin}`;
      throw configError('record.bytes', expected, bytes, callerPlace());
    }
    const description = descriptionOf(ir);
    nativeCall(() => router.beginRecording({ path, bytes, description }));
    return new Recording(router, path);
  }

  /** How it stands. Allocates. */
  report(): RecordingReport {
    if (this.#isFinal) return this.#last;
    this.#last = this.#read();
    if (this.#last.end !== null) {
      clearInterval(this.#timer);
      this.#isFinal ||= this.#isStopped;
      this.#settle(this.#last);
    }
    return this.#last;
  }

  /** Resolves when it has ended, for whatever reason; the file is complete then. */
  get ended(): Promise<RecordingReport> {
    return this.#ended;
  }

  /**
   * Ends it: messages that are routed from now on are not recorded, nor counted as missed. Resolves
   * when the file is complete. Idempotent; one that has ended by itself stays as it is. Rejects
   * with ERR_LIMIT if a worker has too many commands waiting: it goes on then.
   */
  async stop(): Promise<RecordingReport> {
    try {
      if (!this.#isStopped) nativeCall(() => this.#native.endRecording());
    } catch (error) {
      if (!isHyperRouteError(error, 'ERR_CLOSED')) throw error;
    }
    this.#isStopped = true;
    if (this.report().end === null) this.#timer.ref();
    return this.#ended;
  }

  #look(): void {
    try {
      this.report();
    } catch {
      // Nobody is there to be told; whoever asks is told the same.
    }
  }

  #read(): RecordingReport {
    let native: NativeRecordingReport | null;
    try {
      native = nativeCall(() => this.#native.readRecording());
    } catch (error) {
      if (!isHyperRouteError(error, 'ERR_CLOSED')) throw error;
      // The router completed the file as it was closed.
      this.#isFinal = true;
      return { ...this.#last, end: this.#last.end ?? 'stopped' };
    }
    if (native === null) return this.#last;
    const { bytes, messages, missed, end } = native;
    return { path: this.#path, bytes, messages, missed, end };
  }
}

/** What a recording says of an image: names, for those who read a replay. */
export function descriptionOf(ir: RouterIr): string {
  const codes = Object.entries({ ...rejectCodes, ...ir.rejectCodes });
  return JSON.stringify({
    name: ir.name,
    endpoints: ir.endpoints.map(({ name }) => name),
    routes: ir.routes.map(({ name, rules }) => ({ name, rules: rules.map((rule) => rule.name) })),
    rejects: Object.fromEntries(codes.map(([name, code]) => [code, name])),
  });
}
