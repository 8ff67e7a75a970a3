// `hyperroute schema`: shows message types, compares versions and guards their history.
import { type Command, type CommandInput, UsageError } from './command.js';
import { check, diff } from './schema-compare.js';
import { print, sizes } from './schema-print.js';

export const schema: Command = {
  name: 'schema',
  usage: 'ACTION FILE [NAME]',
  about: [
    'Shows the message types of a file, compares versions, and guards their history.',
    '',
    '  print FILE [NAME]      every field with its place; --json: canonical JSON, a schema a line',
    '  sizes FILE [NAME]      least and most bytes, the share of each field, padding',
    '  diff OLD NEW [NAME]    what changed, and who can read whose messages; with --mode: exit',
    '                         code 1 if that does not hold',
    '  check FILE [NAME] --against HISTORY    the newest versions against all earlier ones;',
    '                         exit code 1 if the mode does not hold or a schema is gone',
    '',
    'FILE, OLD and NEW are modules (.ts, .mts, .js, .mjs) that export schemas, unions or arrays of',
    'schemas, or JSON (.json, .jsonl): one schema, an array, or one a line. NAME is an export, a',
    'schema or a union. Modules run as configurations do; their types are not checked.',
  ],
  options: {
    mode: {
      type: 'string',
      value: 'MODE',
      about: 'BACKWARD, FORWARD or FULL, or one with _TRANSITIVE (check: FULL_TRANSITIVE)',
    },
    against: { type: 'string', value: 'HISTORY', about: 'check: JSON of all earlier versions' },
    write: {
      type: 'boolean',
      about: 'check: if all holds, add what is new to HISTORY, or begin it',
    },
  },
  positionalsMin: 2,
  positionalsMax: 4,
  examples: [
    'hyperroute schema print orders.ts Order',
    'hyperroute schema diff released.json orders.ts --mode FULL',
    'hyperroute schema check orders.ts --against orders.history.json --write',
  ],
  run,
};

const actions = { print, sizes, diff, check } as const;
/** Options of some actions only. */
const optionsOf: Readonly<Record<string, readonly string[]>> = {
  diff: ['mode'],
  check: ['mode', 'against', 'write'],
};

async function run(input: CommandInput): Promise<number> {
  const [name = ''] = input.positionals;
  if (!Object.hasOwn(actions, name)) {
    const known = Object.keys(actions).join(', ');
    throw new UsageError(`schema: expected one of ${known}, received ${JSON.stringify(name)}`);
  }
  for (const option of Object.keys(schema.options)) {
    if (input.values[option] === undefined || optionsOf[name]?.includes(option)) continue;
    throw new UsageError(`schema ${name}: unexpected option --${option}`);
  }
  if (name !== 'diff' && input.positionals.length > 3) {
    const last = JSON.stringify(input.positionals.at(-1));
    throw new UsageError(`schema ${name}: unexpected argument ${last}`);
  }
  return actions[name as keyof typeof actions](input);
}
