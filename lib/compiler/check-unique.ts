// Checks of routes whose rules must never hold together.
import { Words } from '../errors.js';
import { findOverlaps, readableWitness, type Witness } from './analysis/index.js';
import type { Findings } from './findings.js';
import type { RouterIr, SourcePosition } from './ir.js';

/** Overlaps of one route that are reported. */
const overlapsMax = 10;

/** Needs a configuration without errors. */
export function checkUnique(ir: RouterIr, findings: Findings): void {
  for (const [index, route] of ir.routes.entries()) {
    if (route.mode !== 'unique') continue;
    const { overlaps, undecided } = findOverlaps(ir, index, { limit: overlapsMax });
    const option = (rule: number): string => `routes[${index}].rules[${rule}]`;
    for (const { rules, witness } of overlaps) {
      const [first, second] = rules;
      const where = placeText(route.rules[first]?.position);
      const expected = `a condition that never holds together with that of rules[${first}]${where}`;
      findings.add(
        'ERR_ROUTE_OVERLAP',
        option(second),
        expected,
        new Words(witnessText(witness)),
        route.rules[second]?.position,
      );
    }
    for (const { rules, doubt } of undecided) {
      const [first, second] = rules ?? [null, null];
      const partner = first === null ? 'each other' : `rules[${first}]`;
      const expected = `rules of which it can be proved that none holds together with ${partner}`;
      const at = second === null ? `routes[${index}].rules` : option(second);
      const position = second === null ? route.position : route.rules[second]?.position;
      findings.add('ERR_ROUTE_OVERLAP', at, expected, new Words(doubtTexts[doubt]), position);
    }
  }
}

const doubtTexts = {
  budget: 'conditions that are too many or too entangled for a proof',
  arithmetic: 'arithmetic that is beyond a proof',
  text: 'patterns of texts that are beyond a proof',
  message: 'conditions of which it is unknown whether a message fulfils them',
} as const;

function placeText(position: SourcePosition | undefined): string {
  return position === undefined ? '' : ` (line ${position.line})`;
}

function witnessText(witness: Witness): string {
  const fields = readableWitness(witness);
  return fields === '' ? 'any message' : fields;
}
