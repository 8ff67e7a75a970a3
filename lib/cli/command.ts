// What a command of the `hyperroute` program is, its arguments, and the help made from them.
import { parseArgs } from 'node:util';
import type { Io } from './io.js';

/** A flag of a command. */
export interface CommandOption {
  readonly type: 'boolean' | 'string';
  readonly short?: string;
  /** What stands for the value in the help: `SECONDS`. */
  readonly value?: string;
  /** One line for the help; it names the default. */
  readonly about: string;
}

/** What a command was called with. */
export interface CommandInput {
  readonly values: Readonly<Record<string, string | boolean | undefined>>;
  readonly positionals: readonly string[];
  readonly io: Io;
}

export interface Command {
  readonly name: string;
  /** The words after the name in the usage line: `FILE`, `[NAME]`. */
  readonly usage: string;
  /** Paragraphs of the help, each a line or more. */
  readonly about: readonly string[];
  /** Without --help and --json, which every command has. */
  readonly options: Readonly<Record<string, CommandOption>>;
  readonly positionalsMin: number;
  readonly positionalsMax: number;
  readonly examples: readonly string[];
  /** Returns the exit code: 0 done, 1 failed. Throws UsageError for what parsing cannot see. */
  readonly run: (input: CommandInput) => Promise<number>;
}

/** A command line that cannot be obeyed: exit code 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

const commonOptions: Readonly<Record<string, CommandOption>> = {
  json: { type: 'boolean', about: 'print JSON on stdout instead of text' },
  help: { type: 'boolean', short: 'h', about: 'show this help' },
};

/** The arguments of a command. Throws UsageError. */
export function parseCommand(
  command: Command,
  args: readonly string[],
): Pick<CommandInput, 'values' | 'positionals'> {
  const options: Record<string, { type: 'boolean' | 'string'; short?: string }> = {};
  for (const [name, { type, short }] of Object.entries({ ...command.options, ...commonOptions })) {
    options[name] = short === undefined ? { type } : { type, short };
  }
  const { values, positionals } = parse([...args], options);
  if (values.help === true) return { values, positionals };
  if (positionals.length < command.positionalsMin) {
    const received = positionals.length === 0 ? 'nothing' : positionals.join(' ');
    throw new UsageError(`expected ${command.usage}, received ${received}`);
  }
  if (positionals.length > command.positionalsMax) {
    throw new UsageError(`unexpected argument ${JSON.stringify(positionals.at(-1))}`);
  }
  return { values, positionals };
}

function parse(
  args: string[],
  options: Record<string, { type: 'boolean' | 'string'; short?: string }>,
): { values: Record<string, string | boolean | undefined>; positionals: string[] } {
  try {
    const { values, positionals } = parseArgs({ args, options, allowPositionals: true });
    return { values: { ...values }, positionals };
  } catch (error) {
    const code = error instanceof TypeError ? String(Reflect.get(error, 'code')) : '';
    if (!(error instanceof TypeError) || !code.startsWith('ERR_PARSE')) throw error;
    const problem = error.message.replace(/\. To specify a positional.*$/s, '');
    if (code !== 'ERR_PARSE_ARGS_UNKNOWN_OPTION') throw new UsageError(problem);
    const known = Object.keys(options).map((name) => `--${name}`);
    throw new UsageError(`${problem}: expected one of ${known.join(', ')}`);
  }
}

/** An option that holds a whole number within bounds, or its default. Throws UsageError. */
export function wholeNumber(
  { values }: Pick<CommandInput, 'values'>,
  name: string,
  { low, high, otherwise }: { low: number; high: number; otherwise: number },
): number {
  const given = values[name];
  if (given === undefined) return otherwise;
  const value = Number(given);
  if (/^\d+$/.test(String(given)) && value >= low && value <= high) return value;
  throw new UsageError(
    `--${name}: expected a whole number from ${low} to ${high}, received ${JSON.stringify(given)}`,
  );
}

/** The help of one command. */
export function helpOf(command: Command): string {
  const options = { ...command.options, ...commonOptions };
  const flags = Object.entries(options).map(([name, option]) => {
    const short = option.short === undefined ? '    ' : `-${option.short}, `;
    return [`${short}--${name}${option.value ? ` ${option.value}` : ''}`, option.about] as const;
  });
  const examples = command.examples.flatMap((example) => [`  ${example}`]);
  return [
    `Usage: hyperroute ${[command.name, '[options]', command.usage].filter(Boolean).join(' ')}`,
    '',
    ...command.about,
    '',
    'Options:',
    ...columns(flags),
    '',
    'Examples:',
    ...examples,
    '',
    'Exit code: 0 done, 1 failed, 2 wrong usage.',
    '',
  ].join('\n');
}

/** Two columns, indented by two. */
export function columns(rows: readonly (readonly [string, string])[]): string[] {
  const width = Math.max(...rows.map(([left]) => left.length));
  return rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`);
}
