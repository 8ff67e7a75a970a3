// Where a command writes: text with or without colour, JSON one value a line.
import { styleText } from 'node:util';

type Style = Parameters<typeof styleText>[0];

/** A stream a command writes text to. */
export interface Output {
  /** Writes a line. */
  line(text?: string): void;
  /** Writes text as it is. */
  write(text: string): void;
  /** The text in a style, if this output shows styles. */
  style(style: Style, text: string): string;
  /** Whether a person watches: the screen may be redrawn. */
  readonly isTerminal: boolean;
  /** Lines of the terminal; 24 where there is none. */
  readonly rows: number;
}

export interface Io {
  readonly out: Output;
  readonly err: Output;
  readonly env: NodeJS.ProcessEnv;
  /** Writes one JSON value on a line of `out`; bigints become decimal strings. */
  json(value: unknown): void;
}

type Stream = NodeJS.WritableStream & {
  readonly isTTY?: boolean;
  readonly rows?: number;
};

/** The Io of a process. NO_COLOR, FORCE_COLOR and TERM=dumb are obeyed. */
export function createIo(stdout: Stream, stderr: Stream, env: NodeJS.ProcessEnv): Io {
  const out = outputOf(stdout, env);
  return {
    out,
    err: outputOf(stderr, env),
    env,
    json: (value) => out.line(JSON.stringify(value, decimal)),
  };
}

/** A replacer for JSON.stringify: bigints become decimal strings. */
export function decimal(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? value.toString() : value;
}

function outputOf(stream: Stream, env: NodeJS.ProcessEnv): Output {
  const isTerminal = stream.isTTY === true;
  const coloured = showsColour(isTerminal, env);
  return {
    line: (text = '') => void stream.write(`${text}\n`),
    write: (text) => void stream.write(text),
    style: (style, text) => (coloured ? styleText(style, text, { validateStream: false }) : text),
    isTerminal,
    get rows() {
      // A terminal of unknown size says 0.
      return stream.rows || 24;
    },
  };
}

function showsColour(isTerminal: boolean, env: NodeJS.ProcessEnv): boolean {
  if (env.NO_COLOR) return false;
  if (env.FORCE_COLOR) return env.FORCE_COLOR !== '0';
  return isTerminal && env.TERM !== 'dumb';
}
