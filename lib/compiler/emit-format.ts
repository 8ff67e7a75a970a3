// The constants of the route image's format, as docs/route-image.md specifies them. The native
// side of each is native/route/image_format.h; the format version rises with any change.

export const imageMagic = 0x4d495248; // "HRIM" in memory.
export const imageFormatVersion = 4;
export const imageHeaderBytes = 64;
export const imageCrcStart = 16;
export const imageBytesMax = 64 * 1024 * 1024;

export const noIndex = 0xffff;
export const noRecord = 0xffffffff;

// Bounds of the format; beyond them a configuration is refused by name.
export const messageBytesMax = 65_535;
/** As many as a return address can name. */
export const imageEndpointsMax = 256;
export const termsMax = 16_384;
export const wordTermsMax = 64;
export const groupWords = 64;
export const matchFieldsMax = 64;
/** Of one route. */
export const matchersMax = 8;
export const keyWordsMax = 4;
export const programStackMax = 40;
/** Of both factors of a pair check: their product fits 128 bits. */
export const pairFactorBytesMax = 15;
export const programInstructionsMax = 65_535;

export const poolSlotsMax = 65_537;
export const poolRanksMax = 8;
export const keyFieldsMax = 16;
/** Fills up the slots of pools. */
export const noMember = 0xff;

/** Sections in the order of the section table, with the bytes of one record. */
export const sectionRecordBytes = {
  endpoints: 8,
  endpointRoutes: 2,
  families: 24,
  members: 16,
  routes: 40,
  checks: 24,
  matchFields: 32,
  terms: 12,
  actions: 20,
  pools: 32,
  poolMembers: 4,
  carriers: 40,
  transforms: 32,
  ops: 16,
  instructions: 8,
  bounds: 8,
  slots: 2,
  words: 8,
  groups: 16,
  wides: 16,
  bytes: 1,
  views: 32,
  viewOps: 16,
  variables: 32,
  layouts: 8,
  matchers: 40,
  cells: 4,
  keyFields: 8,
  plugins: 64,
  pluginFields: 16,
  textMaps: 56,
  topicStates: 16,
  extras: 12,
  taps: 8,
  correlations: 20,
  lookups: 12,
  openings: 12,
  keptFields: 8,
} as const;

export type SectionName = keyof typeof sectionRecordBytes;

export const familyKinds = { raw: 0, single: 1, direct: 2, search: 3 } as const;
export const matcherKinds = { word: 0, aggregated: 1, table: 2, exact: 3, text: 4 } as const;
export const checkKinds = {
  range: 0,
  search: 1,
  pair: 2,
  program: 3,
  set: 4,
  plugin: 5,
  lookup: 6,
} as const;
export const classMapKinds = {
  direct: 0,
  search: 1,
  directWide: 2,
  buckets: 3,
  keyPart: 4,
  text: 5,
  tree: 6,
} as const;
export const textMapKinds = { exact: 0, prefix: 1, topic: 2, levels: 3 } as const;
export const textSources = { fixed: 0, zeros: 1, spaces: 2, slot: 3 } as const;
export const actionKinds = {
  endpoint: 0,
  pool: 1,
  returnSource: 2,
  returnField: 3,
  discard: 4,
  broadcast: 5,
  correlatedSource: 6,
  correlatedDestination: 7,
} as const;

export const poolKinds = {
  'round-robin': 0,
  weighted: 1,
  failover: 2,
  'least-loaded': 3,
  'two-choices': 4,
  hash: 5,
  sticky: 6,
  table: 7,
  broadcast: 8,
  plugin: 9,
} as const;
export const poolPanics = { reject: 0, spread: 1, park: 2 } as const;
export const loadMeasures = { queue: 0, outstanding: 1 } as const;
export const keyFieldKinds = { integer: 0, bytes: 1, slot: 2 } as const;
export const routeModes = { first: 0, unique: 0, all: 1 } as const;
export const lookupKinds = { id: 0, key: 1 } as const;
export const keptKinds = { number: 0, bytes: 1 } as const;
/** Flag of an action: left out where it cannot be sent. */
export const bestEffortFlag = 1;

export const viewKinds = { native: 0, foreign: 1 } as const;
export const viewOpKinds = { section: 0, bits: 1 } as const;
export const variableKinds = { bytes: 0, group: 1 } as const;

export const opKinds = {
  copy1: 0,
  copy2: 1,
  copy4: 2,
  copy8: 3,
  copy16: 4,
  copyMany: 5,
  const1: 6,
  const2: 7,
  const4: 8,
  const8: 9,
  const16: 10,
  constMany: 11,
  swap2: 12,
  swap4: 13,
  swap8: 14,
  widen: 15,
  narrowChecked: 16,
  map: 17,
  returnAddress: 18,
  rejectCode: 19,
  orPresence: 20,
  orBits: 21,
  guard: 22,
  require: 23,
  scale: 24,
  floatWiden: 25,
  plugin: 26,
  restore: 27,
  fitText: 28,
  shuffle: 29,
  shuffleMore: 30,
  mapByte: 31,
  correlationId: 32,
  fromSaved: 33,
} as const;

export const opcodes = {
  pushField: 0,
  pushConst: 1,
  add: 2,
  sub: 3,
  mul: 4,
  eq: 5,
  ne: 6,
  lt: 7,
  lte: 8,
  gt: 9,
  gte: 10,
  in: 11,
  not: 12,
  setFlag: 13,
  jumpIfFalse: 14,
  jumpIfTrue: 15,
  plugin: 16,
  pushText: 17,
} as const;

export type MatcherName = keyof typeof matcherKinds;
export type CheckName = keyof typeof checkKinds;
export type ClassMapName = keyof typeof classMapKinds;
export type OpName = keyof typeof opKinds;
