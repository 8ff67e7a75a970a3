// Builds a plug-in as its author would: by the header that the package ships.
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';

const root = join(import.meta.dirname, '../..');

/** Compiles a source to a library. `more`: further words for the compiler. */
export function buildPlugin(source: string, library: string, ...more: readonly string[]): void {
  const flags = ['-std=c++20', '-O1', '-shared', '-fPIC', '-fno-exceptions', '-fno-rtti'];
  const warnings = ['-Wall', '-Wextra', '-Wconversion', '-Werror'];
  const include = ['-I', join(root, 'native/include')];
  execFileSync('g++', [...flags, ...warnings, ...include, source, '-o', library, ...more]);
}
