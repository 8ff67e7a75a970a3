// The C++ example of docs/raptor.md is the one that a test compiles and runs.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';

const root = join(import.meta.dirname, '../../../..');
const read = (path: string) => readFileSync(join(root, path), 'utf8');

it('the C++ example stands in the test that runs it, line by line', () => {
  const [, example = ''] = /^```cpp\n([\s\S]*?)^```$/m.exec(read('docs/raptor.md')) ?? [];
  const tested = read('test/unit/native/io/raptor_node_example_test.cc');
  expect(example).not.toBe('');
  const indented = example.trimEnd().replace(/^(?=.)/gm, '  ');
  expect(tested).toContain(`  // As in docs/raptor.md.\n${indented}\n}`);
});
