// The public API of the package.
export {
  type ErrorCode,
  type OfferCodeName,
  offerCodes,
  type RejectCodeName,
  rejectCodes,
  rejectCodeUserMax,
  rejectCodeUserMin,
} from './codes.js';
export { type Applied, compileTransform } from './compiler/apply.js';
export type { ChangedRule, PoolDiff, RouteDiff, RuleDiff, RuleReference } from './compiler/diff.js';
export {
  type Balancing,
  defineStrategy,
  type HashOptions,
  type KeyReference,
  type LoadOptions,
  lb,
  type PluginPickOptions,
  type Strategy,
  type StrategyContext,
  type StrategyDefinition,
  type StrategyTable,
} from './compiler/dsl/balancing.js';
export { correlate } from './compiler/dsl/correlate.js';
export type * from './compiler/dsl/correlate-types.js';
export { decide } from './compiler/dsl/decide.js';
export type * from './compiler/dsl/decide-types.js';
export type * from './compiler/dsl/expression-types.js';
export { and, not, or } from './compiler/dsl/expressions.js';
export {
  defineMatcher,
  type MatchedField,
  type Matcher,
  type Matches,
} from './compiler/dsl/matchers.js';
export type * from './compiler/dsl/output-types.js';
export type * from './compiler/dsl/own-types.js';
export {
  type Plugin,
  type PluginUseOptions,
  plugin,
  type ShownField,
} from './compiler/dsl/plugin.js';
export {
  type EjectOptions,
  type PoolOptions,
  pool,
  type Weighted,
  weighted,
} from './compiler/dsl/pools.js';
export {
  always,
  type LookupOptions,
  otherwise,
  type Route,
  type RouteOptions,
  route,
  via,
  when,
} from './compiler/dsl/route.js';
export type * from './compiler/dsl/rule-types.js';
export {
  type AcceptedBy,
  type AnyEndpoint,
  type CarriedBy,
  discard,
  type Endpoint,
  type EndpointOf,
  type Messages,
  type Pool,
  returnTo,
  source,
} from './compiler/dsl/targets.js';
export type * from './compiler/dsl/text-types.js';
export { rejectCode, returnAddress, sequence, transform } from './compiler/dsl/transform.js';
export type * from './compiler/dsl/types.js';
export { type Validation, validate } from './compiler/dsl/validate.js';
export type { RouterIr } from './compiler/ir.js';
export type {
  CommonOptions,
  FullPolicy,
  QueueOptions,
  RemoteAddress,
  ResolveOptions,
} from './endpoints/common.js';
export type {
  BreakerOptions,
  ControlOptions,
  HealthOptions,
  LimitOptions,
  OverloadOptions,
  ShedOptions,
} from './endpoints/control.js';
export { type Framing, framing, type LengthPrefixOptions } from './endpoints/framing.js';
export { type MemoryOptions, memory } from './endpoints/memory.js';
export { type BatchHandler, MemoryEndpoint } from './endpoints/memory-endpoint.js';
export type {
  RaptorCongestion,
  RaptorConnectOptions,
  RaptorListenOptions,
  RaptorMode,
} from './endpoints/raptor.js';
export { generateRaptorKeys, type RaptorKeys, raptorPublicKey } from './endpoints/raptor-keys.js';
export type { RingConsumer, RingProducer } from './endpoints/ring.js';
export { type SlowOptions, slow } from './endpoints/slow.js';
export { type TcpConnectOptions, type TcpListenOptions, tcp } from './endpoints/tcp.js';
export { type UdpOptions, udp } from './endpoints/udp.js';
export {
  type ConfigErrorDetail,
  type ErrorDetail,
  HyperRouteError,
  isHyperRouteError,
  type NativeErrorDetail,
  type SourcePlace,
  type SystemErrorDetail,
} from './errors.js';
export { RaptorBatch } from './raptor/batch.js';
export type {
  ConnectFailed,
  NodeEvents,
  ReceiverLost,
  SessionEnded,
  SessionOpened,
} from './raptor/events.js';
export type { RaptorLabel } from './raptor/label.js';
export type {
  RaptorNodeCounters,
  RaptorPublicationCounters,
  RaptorSessionCounters,
} from './raptor/native.js';
export { RaptorNode } from './raptor/node.js';
export type { RaptorListen, RaptorNodeOptions, RaptorRemote } from './raptor/options.js';
export { type PublicationOptions, RaptorPublication } from './raptor/publication.js';
export { raptor } from './raptor/raptor.js';
export type { RaptorEndReason } from './raptor/reasons.js';
export type { RaptorSession } from './raptor/sessions.js';
export {
  type RaptorBatchHandler,
  type RaptorMessage,
  RaptorSubscription,
} from './raptor/subscription.js';
export type { EndpointHealth } from './router/control/controller.js';
export type { EndpointState } from './router/control/states.js';
export type { ControlReport } from './router/control-requests.js';
export {
  defineRouter,
  type RouterOptions,
  type ThreadingOptions,
  type WorkerOptions,
} from './router/define.js';
export type { LatencySummary } from './router/histogram.js';
export { HyperRoute } from './router/hyperroute.js';
export type { Connection, ConnectionReason } from './router/links.js';
export type { NewMember } from './router/live.js';
export type { ResolvedName } from './router/live-router.js';
export type {
  CloseOptions,
  DrainReport,
  RunningEndpoint,
  StartOptions,
} from './router/options.js';
export type {
  Recording,
  RecordingEnd,
  RecordingReport,
  RecordOptions,
} from './router/recording.js';
export type { SessionRow, SessionState } from './router/session-rows.js';
export type {
  SlowCounts,
  SlowFunction,
  SlowHandle,
  SlowReply,
  SlowRunOptions,
} from './router/slow.js';
export type {
  RouterStatus,
  RunningMember,
  RunningPool,
  StatusEndpoint,
} from './router/status.js';
export type { CountersSummary, Metrics } from './router/summary.js';
export type { UpdateOptions, UpdateReport } from './router/update.js';
export {
  type BlocksFraming,
  type BlocksInteger,
  type BlocksOptions,
  splitBlocks,
} from './schema/blocks.js';
export {
  type Change,
  type Compatibility,
  type CompatibilityMode,
  checkCompatibility,
  compatibilityModes,
  type Finding,
  type Verdict,
} from './schema/compatibility.js';
export { t } from './schema/fields.js';
export type * from './schema/infer.js';
export { type MessageJson, messageFromJson, messageToJson } from './schema/json.js';
export { type Layout, layout } from './schema/layout.js';
export { layoutImage } from './schema/layout-of-schema.js';
export { schemaFromJson } from './schema/load.js';
export type * from './schema/model.js';
export type { Duration } from './schema/options.js';
export type { FieldReference, FieldReferences, ReferenceKind } from './schema/references.js';
export {
  type AnySchema,
  type InferInput,
  type InferMessage,
  type Schema,
  type SchemaOptions,
  schema,
} from './schema/schema.js';
export type { EnumSpec, FieldSpec, Fields } from './schema/spec.js';
export type { EnumBase, EnumOptions } from './schema/symbols.js';
export { type Raw, raw, type Union, union } from './schema/union.js';
