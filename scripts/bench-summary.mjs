// Turns the JSON of `npm run -s bench -- --json` into Markdown tables for a job summary.
//
//   node scripts/bench-summary.mjs bench.json
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const columns = ['n', 'p50', 'p90', 'p99', 'p999', 'max', 'rate', 'bytes', 'allocations'];

const cell = (value) => {
  if (value === undefined || value === null) return '';
  if (typeof value !== 'number') return String(value).replaceAll('|', '\\|');
  return Number.isInteger(value) ? value.toLocaleString('en') : value.toPrecision(4);
};
const row = (cells) => `| ${cells.map(cell).join(' | ')} |`;
const table = (heads, rows) => [row(heads), `|${' --- |'.repeat(heads.length)}`, ...rows.map(row)];

/** Markdown for one bench's result, or for an array of them. */
export function summary(output) {
  const benches = Array.isArray(output) ? output : [output];
  return benches
    .flatMap(({ bench, commit, host, results, ratios = [] }) => {
      const used = columns.filter((name) => results.some((result) => result[name] !== undefined));
      const about = [
        host?.cpu,
        host?.cores && `${host.cores} cores`,
        host?.kernel,
        host?.node,
        commit,
      ];
      return [
        `## ${bench}`,
        '',
        about.filter((text) => text).join(' · '),
        '',
        ...table(
          ['case', 'subject', 'unit', ...used],
          results.map((result) => ['case', 'subject', 'unit', ...used].map((key) => result[key])),
        ),
        '',
        ...(ratios.length === 0
          ? []
          : table(
              ['case', 'against', 'value', 'target', 'better', 'holds'],
              ratios.map((r) => [
                r.case,
                r.against,
                r.value,
                r.target,
                r.better,
                r.holds ? 'yes' : 'no',
              ]),
            )),
        '',
      ];
    })
    .join('\n');
}

if (process.argv[1] && resolve(process.argv[1]) === fileURLToPath(import.meta.url)) {
  process.stdout.write(`${summary(JSON.parse(readFileSync(process.argv[2], 'utf8')))}\n`);
}
