// How the test runner reads what GoogleTest and vitest report, and how benches become Markdown.
import { describe, expect, it } from 'vitest';
import { summary } from '../../../scripts/bench-summary.mjs';
import { readReport } from '../../../scripts/native-tests.mjs';
import { summarise } from '../../../scripts/vitest-reporter.mjs';

describe('the test runner', () => {
  it('counts passed, failed, skipped and disabled GoogleTest tests, with reasons', () => {
    const test = (name: string, rest: object) => ({ name, status: 'RUN', ...rest });
    const report = {
      testsuites: [
        {
          name: 'Ring',
          testsuite: [
            test('wraps', { result: 'COMPLETED' }),
            test('fills', { result: 'COMPLETED', failures: [{ failure: 'a.cc:1\nValue of: x' }] }),
            test('needs_root', { result: 'SKIPPED' }),
            test('DISABLED_slow', { status: 'NOTRUN', result: 'SUPPRESSED' }),
          ],
        },
      ],
    };
    const output = 'a.cc:7: Skipped\nneeds root\n\n[  SKIPPED ] Ring.needs_root (0 ms)\n';
    expect(readReport(report, output)).toEqual({
      passed: 1,
      failed: 1,
      skipped: 2,
      failures: [{ title: 'Ring.fills', text: 'a.cc:1\nValue of: x' }],
      skips: [
        { title: 'Ring.needs_root', reason: 'needs root' },
        { title: 'Ring.DISABLED_slow', reason: 'disabled' },
      ],
    });
  });

  it('counts vitest tests, failing modules and errors outside any test', () => {
    const test = (fullName: string, result: object) => ({
      fullName,
      options: { mode: 'run' },
      result: () => result,
    });
    const module = (errors: Error[], tests: object[]) => ({
      relativeModuleId: 'a.test.ts',
      errors: () => errors,
      children: { allSuites: () => [], allTests: () => tests },
    });
    const tests = [
      test('works', { state: 'passed' }),
      test('breaks', { state: 'failed', errors: [{ message: 'expected 1' }] }),
      test('waits', { state: 'skipped', note: 'socat is missing' }),
    ];
    const modules = [module([], tests), module([new Error('import failed')], [])];
    const result = summarise(modules, [new Error('late')]);
    expect([result.passed, result.failed, result.skipped]).toEqual([1, 3, 1]);
    expect(result.skips).toEqual([{ title: 'a.test.ts > waits', reason: 'socat is missing' }]);
    expect(result.failures.map(({ title }: { title: string }) => title)).toEqual([
      'a.test.ts > breaks',
      'a.test.ts',
      'an error outside any test',
    ]);
  });

  it('turns bench results into Markdown tables with only the columns in use', () => {
    const markdown = summary({
      bench: 'ring',
      commit: 'abc',
      host: { cpu: 'X', cores: 2 },
      results: [{ case: 'rtt', subject: 'ours', unit: 'ns', n: 1000, p50: 80.25 }],
      ratios: [
        { case: 'rtt', against: 'bare', value: 1.1, target: 1.2, better: 'lower', holds: true },
      ],
    });
    expect(markdown).toContain('X · 2 cores · abc');
    expect(markdown).toContain('| case | subject | unit | n | p50 |\n');
    expect(markdown).toContain('| rtt | ours | ns | 1,000 | 80.25 |\n');
    expect(markdown).toContain('| rtt | bare | 1.100 | 1.200 | lower | yes |\n');
  });
});
