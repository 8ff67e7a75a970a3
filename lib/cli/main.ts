#!/usr/bin/env node
// The `hyperroute` program: finds the command, shows help, turns errors into exit codes.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { errorJson } from '../errors.js';
import { packageRoot } from '../native.js';
import { type Command, columns, helpOf, parseCommand, UsageError } from './command.js';
import { createIo, type Io } from './io.js';
import { reportError } from './report.js';

interface Entry {
  readonly name: string;
  readonly summary: string;
  /** Loads the command's module: one command does not pay for the others. */
  readonly load: () => Promise<Command>;
}

const commands: readonly Entry[] = [
  {
    name: 'run',
    summary: 'run the router of a configuration',
    load: async () => (await import('./run.js')).run,
  },
  {
    name: 'check',
    summary: 'check a configuration and say what it holds',
    load: async () => (await import('./check.js')).check,
  },
  {
    name: 'prove',
    summary: 'prove that every message has a rule and every rule a message, or show one without',
    load: async () => (await import('./prove.js')).prove,
  },
  {
    name: 'explain',
    summary: 'say where one message goes, and why',
    load: async () => (await import('./explain.js')).explain,
  },
  {
    name: 'simulate',
    summary: 'say where the messages of a file would go',
    load: async () => (await import('./simulate.js')).simulate,
  },
  {
    name: 'diff',
    summary: 'compare two configurations by what they mean',
    load: async () => (await import('./diff.js')).diff,
  },
  {
    name: 'replay',
    summary: 'decide the messages of a recording again and compare',
    load: async () => (await import('./replay.js')).replay,
  },
  {
    name: 'schema',
    summary: 'show message types, compare versions, guard their history',
    load: async () => (await import('./schema.js')).schema,
  },
  {
    name: 'demo',
    summary: 'route orders between TCP clients and UDP venues, and verify every one',
    load: async () => (await import('./demo.js')).demo,
  },
  {
    name: 'stat',
    summary: 'show the counters of a running router',
    load: async () => (await import('./stat.js')).stat,
  },
  {
    name: 'ctl',
    summary: 'change a running router: drain, add and remove members, reload',
    load: async () => (await import('./ctl.js')).ctl,
  },
  {
    name: 'keys',
    summary: 'make the keys by which Raptor endpoints know each other',
    load: async () => (await import('./keys.js')).keys,
  },
  {
    name: 'ping',
    summary: 'measure round trips over Raptor to another host',
    load: async () => (await import('./ping.js')).ping,
  },
  {
    name: 'perf',
    summary: 'measure throughput over Raptor, or be the other end of ping and perf',
    load: async () => (await import('./perf.js')).perf,
  },
  {
    name: 'bench',
    summary: 'measure the router on this machine',
    load: async () => (await import('./bench.js')).bench,
  },
  {
    name: 'build',
    summary: 'compile the native engine where there is no prebuilt one',
    load: async () => (await import('./build.js')).build,
  },
];

const exitDone = 0;
const exitFailed = 1;
const exitUsage = 2;

async function main(args: readonly string[], io: Io): Promise<number> {
  const [first, ...rest] = args;
  if (first === undefined) {
    io.err.write(overview());
    return exitUsage;
  }
  if (first === '--version' || first === '-v') {
    if (rest.includes('--json')) io.json({ version: version(), node: process.versions.node });
    else io.out.line(version());
    return exitDone;
  }
  const isHelp = first === '--help' || first === '-h' || first === 'help';
  if (isHelp && rest[0] === undefined) {
    io.out.write(overview());
    return exitDone;
  }
  const name = isHelp ? rest[0] : first;
  const entry = commands.find((candidate) => candidate.name === name);
  if (entry === undefined) {
    const known = commands.map((command) => command.name).join(', ');
    return usage(io, `unknown command ${JSON.stringify(name)}: expected one of ${known}`, '');
  }
  return runEntry(entry, isHelp ? ['--help'] : rest, io);
}

async function runEntry(entry: Entry, args: readonly string[], io: Io): Promise<number> {
  try {
    const command = await entry.load();
    const { values, positionals } = parseCommand(command, args);
    if (values.help === true) {
      io.out.write(helpOf(command));
      return exitDone;
    }
    return await command.run({ values, positionals, io });
  } catch (error) {
    if (error instanceof UsageError) return usage(io, error.message, `${entry.name} `);
    if (args.includes('--json')) io.json({ ok: false, error: errorJson(error) });
    else reportError(io, error);
    return exitFailed;
  }
}

function usage(io: Io, problem: string, command: string): number {
  io.err.line(`hyperroute: ${problem}`);
  io.err.line(`hyperroute ${command}--help says how to use it.`);
  return exitUsage;
}

function overview(): string {
  return [
    'Usage: hyperroute COMMAND [options]',
    '',
    'A message router: schemas and routes in TypeScript, executed by a native engine.',
    '',
    'Commands:',
    ...columns(commands.map(({ name, summary }) => [name, summary])),
    '',
    'Options:',
    ...columns([
      ['-h, --help', 'show this help; after a command: its own'],
      ['-v, --version', 'print the version'],
    ]),
    '',
  ].join('\n');
}

function version(): string {
  const manifest = readFileSync(join(packageRoot(), 'package.json'), 'utf8');
  return String((JSON.parse(manifest) as { version?: unknown }).version);
}

// Whoever reads the output may stop before its end (`| head`): that is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit(exitDone);
});

process.exitCode = await main(
  process.argv.slice(2),
  createIo(process.stdout, process.stderr, process.env),
);
