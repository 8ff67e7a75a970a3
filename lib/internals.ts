// What the benches, which are built apart, use of the package besides its API. Not for users: the
// package exports it to its own files alone, as `#internals`.
export { findProgram } from './cli/program.js';
export type { Condition, Refs } from './compiler/dsl/types.js';
export { emit } from './compiler/emit.js';
export { initialState, interpret } from './compiler/interpret.js';
export { native, packageRoot } from './native.js';
export { layoutImage } from './schema/layout-image.js';
