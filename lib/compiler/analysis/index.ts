// Questions about routes that only a proof can answer, and the answers.
export {
  type CorrelationFault,
  type CorrelationStatement,
  type DecidingVerdict,
  findCorrelationFaults,
} from './correlations.js';
export { type CoverageReport, findUncovered } from './coverage.js';
export {
  findOverlaps,
  type Overlap,
  type OverlapDoubt,
  type OverlapOptions,
  type OverlapReport,
} from './overlaps.js';
export { type AnalysisOptions, budgetDefault, type Verdict } from './questions.js';
export { findShadowed, type Shadowed, type ShadowReport } from './shadowed.js';
export type { Doubt } from './solve.js';
export { holdsFor, readableValue, readableWitness, type Witness } from './witness.js';
