// The two messages of the codec bench as plain values, which are the same for every subject, and
// what a subject has to offer.

/** An order: nine fields, one of them a string of 16 characters and one a group of two entries. */
export interface NewOrder {
  readonly id: bigint;
  readonly price: number;
  readonly qty: number;
  readonly side: (typeof sides)[number];
  readonly orderType: (typeof orderTypes)[number];
  readonly symbol: string;
  readonly sentAt: bigint;
  readonly account: string;
  readonly legs: readonly Leg[];
}

export interface Leg {
  readonly qty: number;
  readonly price: number;
}

/** A sensor's report: floats, flags, an optional string, and a group of four entries. */
export interface Reading {
  readonly device: bigint;
  readonly takenAt: bigint;
  readonly samples: readonly number[];
  /** One bit for each name of `statusFlags`. */
  readonly status: number;
  readonly unit: string | undefined;
  readonly channels: readonly Channel[];
}

export interface Channel {
  readonly channel: number;
  readonly value: number;
}

export interface Messages {
  readonly NewOrder: NewOrder;
  readonly Reading: Reading;
}

export const sides = ['buy', 'sell'] as const;
export const orderTypes = ['market', 'limit', 'stop'] as const;
export const statusFlags = ['fault', 'stale', 'calibrated', 'charging'] as const;
export const symbols = ['AAPL', 'MSFT', 'NVDA', 'EURUSD', 'BTC-USD', 'ESZ6', 'GOOGL', 'TSLA'];

/** A power of two, so that a loop finds the next one with a mask. */
export const poolCount = 64;
const sampleCount = 8;
const channelCount = 4;
const legCount = 2;

/** What a subject does with messages of one type. */
export interface Codec<Value> {
  /** The value as the subject's own users hold it, with its integers and enumerations. */
  readonly natural: (value: Value) => object;
  /** The value again, from what `decode` returned. */
  readonly plain: (decoded: object) => Value;
  /** Timed: the message into bytes; returns them, or their number where they lie in `target`. */
  readonly encode: (message: object) => Uint8Array | number;
  readonly target?: Uint8Array;
  /** Timed: bytes into a whole object. */
  readonly decode: (received: Received) => object;
  /** Timed: puts each field of the message into an array, the shortest way there is. */
  readonly read: (received: Received) => void;
}

/**
 * An encoded message among others in one memory, as a stream or a ring delivers them. A subject
 * takes it from there, or as the array of its own that is made before the clock starts.
 */
export interface Received {
  readonly memory: Buffer;
  readonly offset: number;
  readonly end: number;
  readonly bytes: Buffer;
}

/** One library, or one way to use it. */
export interface CodecSubject {
  readonly subject: string;
  /** False where integers beyond 2^53 are lost: such a subject counts for no target. */
  readonly keepsAllBits: boolean;
  /** Encodes as another subject does, which is measured in its place. */
  readonly onlyReceives?: boolean;
  readonly codecs: { readonly [Name in keyof Messages]: Codec<Messages[Name]> };
}

/** Repeatable random numbers (Marsaglia's xorshift with 32 bits). */
function randomWords(seed: number): () => number {
  let state = seed;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
}

const word = randomWords(0x2545f491);
const below = (limit: number): number => word() % limit;
const wide = (): bigint => (BigInt(word()) << 32n) | BigInt(word());
const instant = (): bigint => 1_780_000_000_000_000_000n + BigInt(word());
const one = <Item>(items: readonly Item[]): Item => items[below(items.length)] as Item;
const many = <Item>(count: number, make: () => Item): Item[] => Array.from({ length: count }, make);
/** The string as one piece: joined ones would cost whoever encodes them an extra step. */
const flat = (text: string): string => Buffer.from(text, 'latin1').toString('latin1');
const float = (): number => Math.fround(below(100_000) / 997);

function newOrder(): NewOrder {
  return {
    id: wide(),
    price: 1_000_000 + below(1_000_000),
    qty: 1 + below(10_000),
    side: one(sides),
    orderType: one(orderTypes),
    symbol: one(symbols),
    sentAt: instant(),
    account: flat(`ACC-${String(below(1e9)).padStart(9, '0')}-${below(9)}A`),
    legs: many(legCount, () => ({ qty: 1 + below(10_000), price: 1_000_000 + below(1_000_000) })),
  };
}

function reading(): Reading {
  return {
    device: wide(),
    takenAt: instant(),
    samples: many(sampleCount, float),
    status: below(1 << statusFlags.length),
    unit: 'degC',
    channels: many(channelCount, () => ({ channel: below(60_000), value: float() })),
  };
}

/** The values that every subject encodes, decodes and reads, over and over. */
export const pools: { readonly [Name in keyof Messages]: readonly Messages[Name][] } = {
  NewOrder: many(poolCount, newOrder),
  Reading: many(poolCount, reading),
};
