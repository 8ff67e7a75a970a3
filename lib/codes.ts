// Generated from native/codes.json by scripts/codes.mjs (npm run codes): do not edit.
// Error and reject codes shared with the native engine.

/** Why a message was rejected: built-in codes, 1 to 999. */
export const rejectCodes = {
  /** The bytes are not a valid frame or message of the source's format. */
  MALFORMED: 1,
  /** The discriminator names no message type of the source's protocol. */
  UNKNOWN_TYPE: 2,
  /** A frame announces more bytes than the source's limit. */
  FRAME_TOO_LARGE: 3,
  /** No rule of the route matches the message. */
  NO_ROUTE: 4,
  /** No member of the chosen pool is alive. */
  NO_DESTINATION: 5,
  /** The destination's queue is at its bound and its policy is to reject. */
  DESTINATION_FULL: 6,
  /** The return address names no connection, or one that takes other messages. */
  STALE_RETURN_ADDRESS: 7,
  /** A value does not fit its target field, or arithmetic overflowed. */
  OUT_OF_RANGE: 8,
  /** A field holds a value its enumeration does not name. */
  BAD_ENUM: 9,
  /** The message does not fit the destination's framing. */
  FRAME_SIZE: 10,
  /** An update removed the destination before the message left. */
  DESTINATION_REMOVED: 11,
  /** The destination's connection closed before the message left. */
  DESTINATION_GONE: 12,
  /** The destination is busy, and takes only messages of a higher priority. */
  SHED: 13,
  /** The destination has got as many messages as its rate allows. */
  RATE_LIMITED: 14,
  /** As many messages as the destination may have wait for its answer. */
  IN_FLIGHT_LIMIT: 15,
  /** The message belongs to none that the correlation remembers. */
  NOT_CORRELATED: 16,
  /** The correlation has no room to remember one more message. */
  CORRELATION_FULL: 17,
  /** A plug-in answered what no plug-in may answer. */
  PLUGIN_FAULT: 18,
} as const;

/** The smallest reject code a configuration may define for itself. */
export const rejectCodeUserMin = 1000;

/** The largest reject code there is: the engine counts rejects in a table by code. */
export const rejectCodeUserMax = 65_535;

/** The name of a built-in reject code. */
export type RejectCodeName = keyof typeof rejectCodes;

/** Numbers of the errors the native engine reports. */
export const statusCodes = {
  /** An option of the configuration has a value that cannot be used. */
  ERR_CONFIG: -1,
  /** A route image failed verification. */
  ERR_IMAGE_CORRUPT: -2,
  /** Another socket is already bound to the address. */
  ERR_ADDRESS_IN_USE: -3,
  /** The address cannot be parsed, or this host does not have it. */
  ERR_ADDRESS_INVALID: -4,
  /** The operating system refused for lack of permission. */
  ERR_PERMISSION: -5,
  /** A system call failed; the detail names it and its errno. */
  ERR_SYSTEM: -6,
  /** The CPU does not exist, or this process may not run on it. */
  ERR_CPU_UNAVAILABLE: -7,
  /** A named bound was reached. */
  ERR_LIMIT: -8,
  /** The object has been closed. */
  ERR_CLOSED: -9,
  /** The operation did not finish within its time limit. */
  ERR_TIMEOUT: -10,
  /** The native addon could not be loaded. */
  ERR_NATIVE_UNAVAILABLE: -11,
  /** Nothing of that name or id exists. */
  ERR_NOT_FOUND: -12,
  /** The operation is not allowed in the object's present state. */
  ERR_STATE: -13,
  /** The configuration file could not be read, parsed or run. */
  ERR_CONFIG_LOAD: -14,
  /** A message schema is contradictory or cannot be laid out. */
  ERR_SCHEMA: -15,
  /** A route refers to something that does not exist or does not fit. */
  ERR_ROUTE: -16,
  /** Two rules of a route match the same messages. */
  ERR_ROUTE_OVERLAP: -17,
  /** The configuration file did not finish within its time limit. */
  ERR_CONFIG_TIMEOUT: -18,
  /** The bytes are not a message of the schema. */
  ERR_MESSAGE: -19,
  /** A route needs more table space than a named bound allows. */
  ERR_ROUTE_LIMIT: -20,
  /** The change would move more of a pool's keys than its limit allows. */
  ERR_MOVED_LIMIT: -21,
  /** A host name could not be resolved to an address. */
  ERR_RESOLVE: -22,
  /** No library with the cryptography was found, or it failed its test. */
  ERR_CRYPTO_UNAVAILABLE: -23,
  /** A plug-in cannot be loaded, or cannot run here. */
  ERR_PLUGIN: -30,
  /** The file is no recording, or a damaged one. */
  ERR_RECORDING: -31,
} as const;

/** The `code` of every HyperRouteError. */
export type ErrorCode = keyof typeof statusCodes;

/** Negative results of offer and claim. */
export const offerCodes = {
  /** The queue is full now; offering again later may succeed. */
  BACK_PRESSURE: -1,
  /** Nothing is connected at the other end. */
  NOT_CONNECTED: -2,
  /** The queue or its router has been closed. */
  CLOSED: -3,
  /** The message is larger than the queue's largest record; it never fits. */
  TOO_LARGE: -4,
} as const;

/** The name of a negative result of offer or claim. */
export type OfferCodeName = keyof typeof offerCodes;

/** What is wrong with the bytes of a message; 0 stands for nothing. */
export const messageFaults = {
  /** The frame ends before the message's fixed block does. */
  TRUNCATED: 1,
  /** The frame is larger than any message. */
  TOO_LARGE: 2,
  /** The template id is that of another schema. */
  WRONG_TEMPLATE: 3,
  /** The version is 0, which no writer has. */
  BAD_VERSION: 4,
  /** A flag is set that has no meaning. */
  BAD_FLAGS: 5,
  /** The block length is not that of the version in the header. */
  BAD_BLOCK: 6,
  /** The fingerprint is that of another schema with the same template id. */
  WRONG_SCHEMA: 7,
  /** A variable field lies outside the message, out of order, or is absent and there. */
  BAD_SLOT: 8,
  /** The entries of a group do not have the size of their version. */
  BAD_STRIDE: 9,
  /** A variable field has more bytes or entries than the schema allows. */
  TOO_LONG: 10,
  /** A field holds a value that its type does not have. */
  BAD_VALUE: 11,
} as const;

/** The name of a fault of a message. */
export type MessageFaultName = keyof typeof messageFaults;
