// The checked-in route images and the configurations they were emitted from.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { RouterIr } from '../../lib/compiler/ir.js';
import { deserialize, serialize } from '../../lib/compiler/serialize.js';

const folder = join(dirname(fileURLToPath(import.meta.url)), '../vectors');

/**
 * `order-gateway`: the example. `every-kind`: each kind of check and op. `relay`: raw bytes.
 * `matchers`: each kind of matcher and class map.
 * `readings`: native messages with versions, variable data and optional fields, bits and places
 * that depend on a field. `plugged`: functions of plug-ins. `every-pool`: pools of every
 * strategy. `fan-out`: several copies of a message. `correlated`: entries of
 * correlations.
 */
export const imageVectors = [
  'order-gateway',
  'every-kind',
  'relay',
  'readings',
  'matchers',
  'plugged',
  'every-pool',
  'texts',
  'fan-out',
  'correlated',
] as const;
export type ImageVector = (typeof imageVectors)[number];

export function readVectorIr(name: ImageVector): RouterIr {
  return deserialize(readFileSync(join(folder, `${name}.ir.json`), 'utf8'));
}

export function readVectorImage(name: ImageVector): Uint8Array {
  const path = join(folder, `${name}.image`);
  return existsSync(path) ? new Uint8Array(readFileSync(path)) : new Uint8Array(0);
}

export function writeVectorIr(name: ImageVector, ir: RouterIr): void {
  writeFileSync(join(folder, `${name}.ir.json`), `${serialize(ir)}\n`);
}

export function writeVectorImage(name: ImageVector, image: Uint8Array): void {
  writeFileSync(join(folder, `${name}.image`), image);
}
