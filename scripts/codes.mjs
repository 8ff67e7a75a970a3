// Generates native/include/hyperroute/codes.h and lib/codes.ts from native/codes.json, so that C++
// and TypeScript can never disagree on a number. Both files are checked in; tidy fails when stale.
//
//   node scripts/codes.mjs          writes both files
//   node scripts/codes.mjs --check  exits 1 and names the stale file
import { readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { root } from './sources.mjs';

const source = 'native/codes.json';
const notice = `Generated from ${source} by scripts/codes.mjs (npm run codes): do not edit.`;

const pascal = (name) =>
  name.toLowerCase().replace(/(^|_)([a-z0-9])/g, (_match, _start, letter) => letter.toUpperCase());
const statusName = (name) => `k${pascal(name.replace(/^ERR_/, ''))}`;

/** The table's rows as { name, value, meaning }, after checking that they make sense. */
export function readTable(tables, key, accepts) {
  const rows = Object.entries(tables[key]).map(([name, [value, meaning]]) => ({
    name,
    value,
    meaning,
  }));
  const seen = new Set();
  for (const { name, value, meaning } of rows) {
    const where = `${source}: ${key}.${name}`;
    if (!/^[A-Z][A-Z0-9_]*$/.test(name)) throw new Error(`${where}: name is not UPPER_CASE`);
    if (!accepts(value, name)) throw new Error(`${where}: ${value} is outside the table's range`);
    if (seen.has(value)) throw new Error(`${where}: ${value} is used twice`);
    if (!/^[A-Z].*\.$/.test(meaning)) throw new Error(`${where}: the meaning is not a sentence`);
    if (meaning.length > 92) throw new Error(`${where}: the meaning is longer than a line`);
    seen.add(value);
  }
  return rows;
}

export function readTables(text) {
  const tables = JSON.parse(text);
  const negative = (value) => Number.isInteger(value) && value < 0;
  return {
    reject: readTable(tables, 'rejectCodes', (v) => Number.isInteger(v) && v >= 1 && v <= 999),
    status: readTable(tables, 'statusCodes', (v, name) => negative(v) && /^ERR_/.test(name)),
    offer: readTable(tables, 'offerCodes', negative),
    fault: readTable(tables, 'messageFaults', (v) => Number.isInteger(v) && v >= 1 && v <= 255),
  };
}

function cppEnum(type, base, rows, constant) {
  const lines = rows.map((row) => `  // ${row.meaning}\n  ${constant(row.name)} = ${row.value},`);
  return `enum class ${type} : ${base} {\n${lines.join('\n')}\n};\n`;
}

function cppNames(type, rows, constant, spelling) {
  const cases = rows.map(
    ({ name }) => `    case ${type}::${constant(name)}:\n      return "${spelling(name)}";`,
  );
  return `// The code's name; "UNKNOWN" for a number outside the table.
constexpr const char* name_of(${type} code) noexcept {
  switch (code) {
${cases.join('\n')}
  }
  return "UNKNOWN";
}
`;
}

export function cppText({ reject, status, offer, fault }) {
  const ok = { name: 'ERR_OK', value: 0, meaning: 'Success.' };
  const none = { name: 'NONE', value: 0, meaning: 'The message is sound.' };
  const same = (name) => name;
  const plain = (name) => `k${pascal(name)}`;
  return `// ${notice}
// Error and reject codes shared with TypeScript. Constants only: any thread, any path.
#pragma once

#include <cstdint>

namespace hyperroute {

// Why a message was rejected; travels on the wire, in counters and to reject destinations.
// Built-in codes are 1 to 999, those of a configuration kRejectCodeUserMin to kRejectCodeUserMax.
${cppEnum('RejectCode', 'uint32_t', reject, plain)}
inline constexpr uint32_t kRejectCodeUserMin = 1000;
// The engine counts rejects in a table by code.
inline constexpr uint32_t kRejectCodeUserMax = 65535;
inline constexpr uint32_t kRejectCodeMax = ${Math.max(...reject.map((row) => row.value))};

${cppNames('RejectCode', reject, plain, same)}
// Outcome of a control-plane call; TypeScript turns it into a HyperRouteError of the same name.
${cppEnum('StatusCode', 'int32_t', [ok, ...status], statusName)}
${cppNames('StatusCode', [ok, ...status], statusName, (name) => name.replace('ERR_OK', 'OK'))}
// Negative results of offer and claim; what is not negative is a position.
${cppEnum('OfferCode', 'int32_t', offer, plain)}
${cppNames('OfferCode', offer, plain, same)}
// What is wrong with the bytes of a message; 0: nothing.
${cppEnum('MessageFault', 'uint8_t', [none, ...fault], plain)}
${cppNames('MessageFault', [none, ...fault], plain, same)}
}  // namespace hyperroute
`;
}

function tsTable(name, doc, rows) {
  const lines = rows.map((row) => `  /** ${row.meaning} */\n  ${row.name}: ${row.value},`);
  return `/** ${doc} */\nexport const ${name} = {\n${lines.join('\n')}\n} as const;\n`;
}

export function tsText({ reject, status, offer, fault }) {
  return `// ${notice}
// Error and reject codes shared with the native engine.

${tsTable('rejectCodes', 'Why a message was rejected: built-in codes, 1 to 999.', reject)}
/** The smallest reject code a configuration may define for itself. */
export const rejectCodeUserMin = 1000;

/** The largest reject code there is: the engine counts rejects in a table by code. */
export const rejectCodeUserMax = 65_535;

/** The name of a built-in reject code. */
export type RejectCodeName = keyof typeof rejectCodes;

${tsTable('statusCodes', 'Numbers of the errors the native engine reports.', status)}
/** The \`code\` of every HyperRouteError. */
export type ErrorCode = keyof typeof statusCodes;

${tsTable('offerCodes', 'Negative results of offer and claim.', offer)}
/** The name of a negative result of offer or claim. */
export type OfferCodeName = keyof typeof offerCodes;

${tsTable(
  'messageFaults',
  'What is wrong with the bytes of a message; 0 stands for nothing.',
  fault,
)}
/** The name of a fault of a message. */
export type MessageFaultName = keyof typeof messageFaults;
`;
}

/** The generated files as [path, text]. */
export function generated() {
  const tables = readTables(readFileSync(join(root, source), 'utf8'));
  return [
    ['native/include/hyperroute/codes.h', cppText(tables)],
    ['lib/codes.ts', tsText(tables)],
  ];
}

/** Paths whose checked-in text differs from what native/codes.json gives. */
export function stale() {
  return generated()
    .filter(([path, text]) => {
      try {
        return readFileSync(join(root, path), 'utf8') !== text;
      } catch {
        return true;
      }
    })
    .map(([path]) => path);
}

if (process.argv[1] && resolve(process.argv[1]) === fileURLToPath(import.meta.url)) {
  if (process.argv[2] === '--check') {
    for (const path of stale()) {
      process.stderr.write(`${path} is stale: run npm run codes\n`);
      process.exitCode = 1;
    }
  } else {
    for (const [path, text] of generated()) writeFileSync(join(root, path), text);
  }
}
