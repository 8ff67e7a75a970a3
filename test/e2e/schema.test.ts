// Schemas in a process that forbids code generation.
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, it } from 'vitest';

const library = pathToFileURL(join(import.meta.dirname, '../../dist/index.js')).href;
const program = `
  import { layout, schema, t } from ${JSON.stringify(library)};
  let isForbidden = false;
  try { new Function('return 1')(); } catch { isForbidden = true; }
  const Sample = schema('Sample', 1, { n: t.u16, id: t.i64, side: t.enum('buy', 'sell') },
    { layout: layout.c('be') });
  const bytes = new Uint8Array(Sample.bytesMax).fill(0xff);
  Sample.encode({ n: 258, id: -1n, side: 'sell' }, bytes);
  const { n, id, side } = Sample.decode(bytes);
  const hex = Buffer.from(bytes).toString('hex');
  console.log(JSON.stringify({ isForbidden, hex, n, id: String(id), side }));
`;

it('a schema encodes and decodes where code generation is forbidden', () => {
  const flags = ['--disallow-code-generation-from-strings', '--input-type=module', '-e', program];
  const output = execFileSync(process.execPath, flags, { encoding: 'utf8' });
  expect(JSON.parse(output)).toEqual({
    isForbidden: true,
    hex: '0102000000000000ffffffffffffffff0100000000000000',
    n: 258,
    id: '-1',
    side: 'sell',
  });
});
