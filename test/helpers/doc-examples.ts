// The examples of a page of documentation, written out as files that can be run.
//
// A fenced block whose first line is `// name.ts` or `# name.py` is that file; a `text` block after
// a line `prints` is what the file before it prints. Ports are replaced by free ones.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from './router-lines.js';

export const root = join(import.meta.dirname, '../..');

export interface Example {
  readonly file: string;
  /** The configuration that stands before it on its page. */
  readonly config: string | null;
  /** What it prints, if the page says so. */
  readonly output: string | null;
}

export interface ExamplePage {
  readonly folder: string;
  readonly examples: readonly Example[];
  /** Where `tsc -p` compiles to. */
  readonly compiled: string;
  remove(): void;
}

interface Block extends Example {
  readonly text: string;
}

const fence = /(?:^(prints)\n\n)?^```(\w*)\n([\s\S]*?)^```$/gm;
const fileName = /^(?:\/\/|#) (\S+\.(?:ts|py))\n/;
const heredoc = /^python3 - <<'PYTHON'\n([\s\S]*?)^PYTHON$/m;
const portNumber = /\b9[0-4]\d\d\b/g;

/** The blocks of a page that are files. */
export function examplesOf(page: string, firstConfig: string | null = null): readonly Block[] {
  const blocks: Block[] = [];
  let config = firstConfig;
  for (const [, prints, , text = ''] of page.matchAll(fence)) {
    const last = blocks.at(-1);
    if (prints !== undefined && last !== undefined) {
      blocks[blocks.length - 1] = { ...last, output: text };
      continue;
    }
    const script = heredoc.exec(text)?.[1];
    const file = script === undefined ? fileName.exec(text)?.[1] : 'script.py';
    if (file === undefined) continue;
    if (file.endsWith('.config.ts')) config = file;
    blocks.push({ file, config, output: null, text: script ?? text });
  }
  return blocks;
}

/** Text with every port replaced by a free one, the same one for the same port. */
function withPorts(text: string, ports: ReadonlyMap<string, number>): string {
  return text.replace(portNumber, (port) => String(ports.get(port)));
}

/**
 * Writes the examples of a page to a folder in which `hyperroute` is this package. `more`: files of
 * the repository that the page speaks of, which lie beside them.
 */
export async function writePage(path: string, more: readonly string[] = []): Promise<ExamplePage> {
  const given = more.map((file) => readFileSync(join(root, file), 'utf8'));
  const names = more.map((file) => file.split('/').at(-1) ?? file);
  const config = names.find((name) => name.endsWith('.config.ts')) ?? null;
  const blocks = examplesOf(readFileSync(join(root, path), 'utf8'), config);
  const all = [...blocks.map(({ text }) => text), ...given].join('\n');
  const ports = new Map<string, number>();
  for (const port of new Set(all.match(portNumber))) {
    let free = await freePort();
    while ([...ports.values()].includes(free)) free = await freePort();
    ports.set(port, free);
  }
  const folder = mkdtempSync(join(tmpdir(), 'hyperroute-docs-'));
  mkdirSync(join(folder, 'node_modules'));
  symlinkSync(root, join(folder, 'node_modules', 'hyperroute'));
  symlinkSync(join(root, 'node_modules/@types'), join(folder, 'node_modules/@types'));
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(typescriptOptions));
  for (const [index, text] of given.entries()) {
    writeFileSync(join(folder, names[index] ?? ''), withPorts(text, ports));
  }
  for (const { file, text } of blocks) writeFileSync(join(folder, file), withPorts(text, ports));
  return {
    folder,
    examples: blocks,
    compiled: join(folder, 'out'),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

const typescriptOptions = {
  compilerOptions: {
    strict: true,
    module: 'NodeNext',
    target: 'ES2022',
    types: ['node'],
    outDir: 'out',
    rootDir: '.',
  },
  include: ['*.ts'],
};
