// Runs once before the first test that needs them: dist/ and the addon are current when it starts.
import { ensureBuilt } from './ensure-built.mjs';

export function setup() {
  if (!ensureBuilt(['dist', 'addon'])) throw new Error('the build failed; see above');
}
