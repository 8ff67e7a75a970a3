// Builds the addon from source with node-gyp into build/Release/hyperroute.node.
// Also works in an installed package, where node-gyp and node-addon-api (only needed to build)
// are fetched into build/tools first.
//
//   node scripts/build-addon.mjs                  configure if the source list changed, then build
//   node scripts/build-addon.mjs --program        the program of `ping`, `perf` and `bench` as well
//   node scripts/build-addon.mjs --print-include  the folder of node-addon-api's headers
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { run, say } from './exec.mjs';
import { coreFolders, root, sourcesOf, sourcesOfProgram } from './sources.mjs';

const toolsFolder = join(root, 'build', 'tools');
const toolVersions = { 'node-gyp': '12.4.0', 'node-addon-api': '8.9.2' };

function findTool(file) {
  for (const base of [root, toolsFolder]) {
    try {
      return createRequire(join(base, 'package.json')).resolve(file);
    } catch {}
  }
  return undefined;
}

/**
 * Settings that let node-gyp use headers this machine already has, instead of downloading them:
 * beside the running Node (official archives), else the system's.
 */
export function headerEnv() {
  const { npm_config_nodedir: nodedir } = process.env;
  if (nodedir) return { npm_config_nodedir: nodedir };
  for (const prefix of [resolve(dirname(process.execPath), '..'), '/usr']) {
    if (existsSync(join(prefix, 'include/node/node_api.h'))) return { npm_config_nodedir: prefix };
  }
  return {};
}

function fetchTools() {
  say('hyperroute: fetching node-gyp and node-addon-api into build/tools');
  mkdirSync(toolsFolder, { recursive: true });
  writeFileSync(join(toolsFolder, 'package.json'), '{"private":true}\n');
  const wanted = Object.entries(toolVersions).map(([name, version]) => `${name}@${version}`);
  const flags = ['--prefix', toolsFolder, '--no-save', '--ignore-scripts', '--no-audit'];
  return run('npm', ['install', ...flags, ...wanted]) === 0;
}

/**
 * Builds build/Release/hyperroute.node, and with `hasProgram` build/Release/hyperroute-bench.
 * Returns whether it worked; output goes to stderr.
 */
export function buildAddon({ hasProgram = false } = {}) {
  const present = () => findTool('node-gyp/bin/node-gyp.js') && findTool('node-addon-api/napi.h');
  if (!present() && !fetchTools()) return false;
  const gyp = findTool('node-gyp/bin/node-gyp.js');
  const jobs = String(availableParallelism());
  const env = { ...headerEnv(), HYPERROUTE_PROGRAM: hasProgram ? '1' : '0' };
  const node = (step) => run(process.execPath, [gyp, '--loglevel=warn', ...step], { env });

  // gyp evaluates the source list only when it configures, so a new file means a new configure.
  const listPath = join(root, 'build', '.gyp-inputs');
  const inputs = JSON.stringify([
    sourcesOf([...coreFolders, 'addon']),
    hasProgram ? sourcesOfProgram() : [],
    readFileSync(join(root, 'binding.gyp'), 'utf8'),
    process.env.HYPERROUTE_WERROR ?? '',
    env,
    process.version,
  ]);
  const known = existsSync(listPath) ? readFileSync(listPath, 'utf8') : undefined;
  if (known !== inputs || !existsSync(join(root, 'build', 'Makefile'))) {
    if (node(['configure', '--release']) !== 0) return false;
    writeFileSync(listPath, inputs);
  }
  return node(['build', '--release', '--jobs', jobs]) === 0;
}

if (process.argv[1] && resolve(process.argv[1]) === fileURLToPath(import.meta.url)) {
  if (process.argv[2] === '--print-include') {
    const header = findTool('node-addon-api/napi.h');
    if (header === undefined) {
      say('node-addon-api is not installed: run npm ci');
      process.exit(1);
    }
    process.stdout.write(`${dirname(header)}\n`);
  } else {
    process.exit(buildAddon({ hasProgram: process.argv[2] === '--program' }) ? 0 : 1);
  }
}
