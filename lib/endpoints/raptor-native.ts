// What the addon opens a raptor endpoint with: keys as bytes, the key file read. Control path.
import { readFileSync } from 'node:fs';
import { HyperRouteError } from '../errors.js';
import { bytesOfKey, privateKeyInFile } from './raptor-keys.js';

type Options = Readonly<Record<string, unknown>>;

/** Whether endpoints of this kind need `nativeRaptorOptions`. */
export function isRaptor(kind: string): boolean {
  return kind === 'raptor-listen' || kind === 'raptor-connect';
}

/**
 * The options of an end as the addon takes them; `path` names them in errors. Reads the key file.
 * Throws ERR_CONFIG.
 */
export function nativeRaptorOptions(path: string, options: Options): Options {
  const { keys, keyFile, allow, serverKey, ...others } = options;
  const text = typeof keyFile === 'string' ? readKeyFile(path, keyFile) : keys;
  const allowed = ((allow as readonly string[] | undefined) ?? []).map((key) =>
    Buffer.from(bytesOfKey('public', key) ?? []),
  );
  return {
    ...others,
    insecure: options.insecure !== false,
    insecureExposed: options.insecure === 'exposed',
    privateKey: bytesOfKey('private', text),
    allow: allowed.length === 0 ? null : new Uint8Array(Buffer.concat(allowed)),
    serverKey: bytesOfKey('public', serverKey),
  };
}

/** Warns of a socket that writes its keys down; to be called once it is open. */
export function warnOfKeyLog(name: string, { keyLog }: Options): void {
  if (typeof keyLog !== 'string') return;
  const text = `${name} writes the keys of its sessions to ${keyLog}`;
  const detail = 'Whoever reads that file reads everything that the sessions carry.';
  process.emitWarning(text, { code: 'HYPERROUTE_KEY_LOG', detail });
}

function readKeyFile(optionsPath: string, path: string): string {
  const fault = (received: string, cause?: unknown): HyperRouteError => {
    const option = `${optionsPath}.keyFile`;
    const expected = 'a file with one private key, as `hyperroute keys generate` writes it';
    const message = `${option}: expected ${expected}, received ${received}`;
    return new HyperRouteError('ERR_CONFIG', message, { option, expected, received }, { cause });
  };
  let content: string;
  try {
    content = readFileSync(path, 'utf8');
  } catch (error) {
    const { code = 'unreadable' } = error as NodeJS.ErrnoException;
    throw fault(`${path} (${code})`, error);
  }
  const key = privateKeyInFile(content);
  if (key === null) throw fault(`${path}, which holds none, or more than one`);
  return key;
}
