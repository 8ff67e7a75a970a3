// A vitest reporter that writes what scripts/test.mjs needs and the built-in JSON leaves out: the
// reasons of skipped tests, and errors outside any test.
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

const outputPath = process.env.HYPERROUTE_VITEST_REPORT;

/** Sums a run up as { passed, failed, skipped, failures, skips }. */
export function summarise(modules, unhandled) {
  const result = { passed: 0, failed: 0, skipped: 0, failures: [], skips: [] };
  const fail = (title, errors) => {
    result.failed += 1;
    const text = errors.map((error) => error.stack ?? error.message ?? String(error)).join('\n');
    result.failures.push({ title, text });
  };
  for (const module of modules) {
    // A module or suite whose hooks or imports fail has tests that never ran.
    if (module.errors().length > 0) fail(module.relativeModuleId, module.errors());
    for (const suite of module.children.allSuites()) {
      if (suite.errors().length > 0) fail(suite.fullName, suite.errors());
    }
    for (const test of module.children.allTests()) {
      const { state, errors, note } = test.result();
      const title = `${module.relativeModuleId} > ${test.fullName}`;
      if (state === 'passed') result.passed += 1;
      else if (state === 'failed') fail(title, errors ?? []);
      else {
        result.skipped += 1;
        const reason = state === 'skipped' ? (note ?? `mode ${test.options.mode}`) : `never ran`;
        result.skips.push({ title, reason });
      }
    }
  }
  for (const error of unhandled) fail('an error outside any test', [error]);
  return result;
}

export default class SummaryReporter {
  onTestRunEnd(modules, unhandled) {
    if (outputPath === undefined) return;
    mkdirSync(dirname(outputPath), { recursive: true });
    writeFileSync(outputPath, JSON.stringify(summarise(modules, unhandled)));
  }
}
