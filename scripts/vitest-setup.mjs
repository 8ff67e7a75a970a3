// Runs once before vitest's first test: dist/ and the addon are current when tests start.
import { ensureBuilt } from './ensure-built.mjs';

export function setup() {
  if (!ensureBuilt(['dist', 'addon'])) throw new Error('the build failed; see above');
}
