// The bounds of a configuration. Each is checked by name; none is reached silently.

export const endpointCountMax = 250;
export const rulesPerRouteMax = 131_072;
/** Of the table that `decide` fills. */
export const tableCellsMax = 1_048_576;
export const tableFieldsMax = 64;
/** Conjunctions of all rules of a route. */
export const routeBoxesMax = 524_288;
export const routeCountMax = 4_096;
export const poolCountMax = 4_096;
export const poolMembersMax = 250;
/** A member's share of its pool's messages. */
export const memberWeightMax = 1_000;
export const schemaCountMax = 4_096;
export const transformCountMax = 16_384;
export const checksPerRouteMax = 1_024;
/** What the checks of a route become, where each may be a conjunction of many. */
export const checkRecordsMax = 65_535;
/** Each destination has a queue for every worker: the engine has room for so many. */
export const workerCountMax = 16;
/** Probes, breakers and limits of destinations. */
export const healthEveryMsMin = 10;
export const controlMsMax = 3_600_000;
export const healthCountMax = 1_000;
export const probeBytesMax = 1_024;
export const breakerConsecutiveMax = 1_000_000;
export const ratePerSecondMax = 10_000_000;
export const rateBurstMax = 1_000_000;
export const inFlightMax = 100_000_000;
/** 0 is the most important priority. */
export const priorityMax = 7;
/** Nesting of conditions and of arithmetic. */
export const nestingMax = 32;
/** Conditions and values in one `and`, `or` or `in`. */
export const termsMax = 65_535;
/** Conditions in one `validate`: its callback runs once for each of them to find stray `||`. */
export const conditionsPerValidateMax = 1_024;
/** Arithmetic is exact within signed 128 bits. */
export const wideLow = -(1n << 127n);
export const wideHigh = (1n << 127n) - 1n;

/** The most bytes of a view: native messages have up to 65,528 of fields, and a header. */
export const viewBytesMax = 65_536;

/** Messages of a correlation that wait at a time, and how long. */
export const correlationCapacityMax = 16_777_216;
export const correlationTimeoutMsMax = 86_400_000;
export const correlationCountMax = 64;
/** Words of 8 bytes: of a key, and of what is kept. */
export const correlationKeyWordsMax = 16;
export const correlationSavedWordsMax = 32;
/** Of one text, or of bytes, that is kept. */
export const correlationBytesMax = 256;

/** Copies of one message that leave, taps included. */
export const deliveriesMax = 64;
/** A tap takes one message in so many. */
export const tapEveryMax = 1_000_000_000;
