// Turns a checked configuration into a route image: the last pass of the compiler. Pure: the
// same configuration gives the same bytes.
import { rejectCodes } from '../codes.js';
import { optionError } from '../errors.js';
import { emitAction, emitRules } from './emit-actions.js';
import { emitChecks } from './emit-checks.js';
import {
  type CorrelationReport,
  emitCorrelations,
  emitLookup,
  type LookupReport,
} from './emit-correlations.js';
import { emitEndpoints, emitFamilies, schemaOf } from './emit-families.js';
import {
  type CheckName,
  imageBytesMax,
  noIndex,
  noRecord,
  type OpName,
  routeModes,
} from './emit-format.js';
import { emitMatchers, type MatchersReport } from './emit-matchers.js';
import { emitPools, type PoolReport } from './emit-pools.js';
import { ImageBuilder } from './emit-sections.js';
import { emitTransforms } from './emit-transforms.js';
import { emitViews, type Views, viewIndex } from './emit-views.js';
import type { RouteIr, RouterIr } from './ir.js';
import { checkRecordsMax } from './limits.js';
import { lowerRoute } from './lower.js';
import { pluginLibraries } from './plugins.js';

/** What the emitter chose for one route. */
export interface RouteReport extends MatchersReport {
  readonly route: string;
  readonly mode: 'first' | 'unique' | 'all';
  /** Kinds of the tests of `validate`, in the order in which the engine makes them. */
  readonly checks: readonly CheckName[];
  /** What is found before the rules are asked; null: nothing. */
  readonly lookup: LookupReport | null;
}

/** What the emitter chose for one transform. */
export interface TransformReport {
  readonly transform: string;
  readonly ops: readonly OpName[];
}

/** What an image consists of: which kind of table each part of the configuration became. */
export interface ImageReport {
  readonly imageBytes: number;
  readonly routes: readonly RouteReport[];
  readonly transforms: readonly TransformReport[];
  readonly pools: readonly PoolReport[];
  readonly correlations: readonly CorrelationReport[];
}

/**
 * The route image of a configuration that `check` has accepted. Synchronous and pure. Throws
 * HyperRouteError ERR_ROUTE_LIMIT, with the position of the rule, for what needs larger tables
 * than the format allows, and ERR_ROUTE or ERR_SCHEMA for what `check` would have refused.
 */
export function emit(ir: RouterIr): Uint8Array {
  return emitWithReport(ir).image;
}

/** As `emit`, with an account of the tables that were chosen. */
export function emitWithReport(ir: RouterIr): { image: Uint8Array; report: ImageReport } {
  const builder = new ImageBuilder(pluginLibraries(ir));
  for (const code of Object.values(rejectCodes)) builder.code(code);
  const views = emitViews(builder, ir);
  emitFamilies(builder, ir, views);
  const pools = emitPools(builder, ir);
  const correlations = emitCorrelations(builder, ir);
  const ops = emitTransforms(builder, ir, views);
  const transforms = ir.transforms.map(({ name: transform }, index) => ({
    transform,
    ops: ops[index] ?? [],
  }));
  const routes = ir.routes.map((route) => emitRoute(builder, ir, route, views));
  emitEndpoints(builder, ir);
  if (builder.imageBytes > imageBytesMax) {
    const expected = `an image of at most ${imageBytesMax} bytes`;
    throw optionError('ERR_ROUTE_LIMIT', ir.name, expected, builder.imageBytes, ir.position);
  }
  const image = builder.finish();
  const report = { imageBytes: image.length, routes, transforms, pools, correlations };
  return { image, report };
}

function emitRoute(builder: ImageBuilder, ir: RouterIr, given: RouteIr, views: Views): RouteReport {
  const { route, schema } = lowerRoute(
    given,
    given.schema === null ? null : schemaOf(ir, given.schema),
    viewIndex(views, given.schema),
  );
  const { actions, checks, routes } = builder.sections;
  const firstCheck = checks.count;
  const checkKinds = schema === null ? [] : emitChecks(builder, route.checks, schema, route.name);
  if (checkKinds.length > checkRecordsMax) {
    const expected = `checks with at most ${checkRecordsMax} conditions in all`;
    throw optionError('ERR_ROUTE_LIMIT', route.name, expected, checkKinds.length, route.position);
  }
  const lookup = emitLookup(builder, ir, route, schema);
  const checkCount = checks.count - firstCheck;
  const matchers = emitMatchers(builder, route, schema);
  const context = { builder, ir, route, schema };
  const firstAction = emitRules(context);
  const reject = route.reject === null ? noRecord : actions.count;
  if (route.reject !== null) emitAction(context, route.reject);
  routes
    .u16(route.schema ?? noIndex, viewIndex(views, route.schema))
    .u32(schema?.bytes ?? 0, firstCheck)
    .u16(checkCount, matchers.count)
    .u32(matchers.first, firstAction, route.rules.length, matchers.otherwise, reject)
    .u8(routeModes[route.mode ?? 'first'], 0)
    .u16(0);
  const mode = route.mode ?? 'first';
  return { route: route.name, mode, checks: checkKinds, lookup, ...matchers.report };
}
