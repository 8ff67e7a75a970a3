// Runs once before the first test that needs them: dist/ and the addon are current when it starts.
// HYPERROUTE_NO_BUILD=1 leaves them as they are, for work on a tree that does not build just now.
import { ensureBuilt } from './ensure-built.mjs';

export function setup() {
  if (process.env.HYPERROUTE_NO_BUILD === '1') return;
  if (!ensureBuilt(['dist', 'addon'])) throw new Error('the build failed; see above');
}
