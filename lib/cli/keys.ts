// `hyperroute keys`: makes identities of Raptor endpoints.
import { readFileSync, writeFileSync } from 'node:fs';
import { generateRaptorKeys, privateKeyInFile, raptorPublicKey } from '../endpoints/raptor-keys.js';
import { HyperRouteError } from '../errors.js';
import { type Command, type CommandInput, UsageError } from './command.js';

export const keys: Command = {
  name: 'keys',
  usage: 'ACTION [FILE]',
  about: [
    'Makes the keys by which Raptor endpoints know each other.',
    '',
    '  generate FILE    writes a new private key to FILE, which only its owner can read, and',
    '                   prints the public key; FILE must not be there yet',
    '  generate         prints both keys',
    '  public FILE      prints the public key that belongs to the private key in FILE; `-`: on',
    '                   standard input',
    '',
    'A private key is for one end alone (option keyFile or keys); its public key is for those who',
    'connect to it (serverKey) and for lists of who may connect (allow).',
  ],
  options: {},
  positionalsMin: 1,
  positionalsMax: 2,
  examples: [
    'hyperroute keys generate server.key',
    'hyperroute keys public server.key',
    'hyperroute keys generate --json',
  ],
  run,
};

const ownerOnly = 0o600;

async function run({ positionals, values, io }: CommandInput): Promise<number> {
  const [action = '', file] = positionals;
  const print = (lines: Readonly<Record<string, string>>): number => {
    if (values.json === true) io.json(lines);
    else for (const line of Object.values(lines)) io.out.line(line);
    return 0;
  };
  if (file === '') throw new UsageError(`keys ${action}: expected a FILE, received ""`);
  if (action === 'generate' && file === undefined) return print({ ...generateRaptorKeys() });
  if (action === 'generate' && file !== undefined) return print({ publicKey: generate(file) });
  if (action !== 'public') {
    const received = JSON.stringify(action);
    throw new UsageError(`keys: expected one of generate, public, received ${received}`);
  }
  if (file === undefined) throw new UsageError('keys public: expected a FILE, or -');
  return print({ publicKey: publicOf(file) });
}

/** Writes a new private key; gives its public half. */
function generate(file: string): string {
  const { privateKey, publicKey } = generateRaptorKeys();
  const content = `# The private key of ${publicKey}\n${privateKey}\n`;
  try {
    // A file that is there may be an identity that others know: it is never written over.
    writeFileSync(file, content, { flag: 'wx', mode: ownerOnly });
  } catch (error) {
    throw fault(`writing ${file}`, error);
  }
  return publicKey;
}

function publicOf(file: string): string {
  let content: string;
  try {
    content = readFileSync(file === '-' ? 0 : file, 'utf8');
  } catch (error) {
    throw fault(`reading ${file}`, error);
  }
  const key = privateKeyInFile(content);
  if (key !== null) return raptorPublicKey(key);
  const option = 'keys public';
  const expected = 'a file with one private key, as `hyperroute keys generate` writes it';
  const received = `${file}, which holds none, or more than one`;
  const message = `${option}: expected ${expected}, received ${received}`;
  throw new HyperRouteError('ERR_CONFIG', message, { option, expected, received });
}

function fault(context: string, error: unknown): HyperRouteError {
  const { message, errno } = error as NodeJS.ErrnoException;
  const detail = errno === undefined ? { context } : { context, errno };
  return new HyperRouteError('ERR_SYSTEM', `${context}: ${message}`, detail, { cause: error });
}
