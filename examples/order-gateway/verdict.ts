// Decides what was lost, doubled or sent astray, from what clients and venues wrote down and
// nothing else: no counter of the router and no line of its configuration is looked at.
import { messageType } from './protocol.js';
import { type ClientRecords, orderRow, strayRow, type VenueRecords, venueRow } from './records.js';
import {
  answerTimeoutMs,
  blockVenueIndex,
  breaksLimit,
  clOrdIdHigh,
  isBlock,
  notionalCode,
  ownerOf,
} from './rules.js';

export interface Verdict {
  /** Orders without the answer they should have had in time, sent or given up. */
  readonly lost: number;
  /** Orders that reached venues more than once, or were answered more than once. */
  readonly duplicated: number;
  /** Orders and answers that arrived where they do not belong. */
  readonly misrouted: number;
  /** Orders, answers and sequence numbers with contents that nobody sent. */
  readonly corrupted: number;
  /** Orders of one client that overtook each other on the way to one venue. */
  readonly reordered: number;
  /** Orders that should have been executed and were rejected; they are among the lost. */
  readonly refused: number;
  /** Orders that clients gave up before sending them; they are among the lost. */
  readonly unsent: number;
  /** Orders each venue received, by venue. */
  readonly venueCounts: readonly number[];
  /** Rejects the clients received, by code. */
  readonly rejectCounts: ReadonlyMap<number, number>;
  /** Time from order to report, and from order to reject, of those answered in time. */
  readonly reportLatencyNs: Float64Array;
  readonly rejectLatencyNs: Float64Array;
}

/** What is known of an order, as flags; one with an answer elsewhere is misrouted, not lost. */
const flag = { lost: 1, duplicated: 2, misplaced: 4, answeredElsewhere: 8 } as const;
const misrouted = flag.misplaced | flag.answeredElsewhere;
const answerTimeoutNs = answerTimeoutMs * 1e6;

/**
 * Compares the records. `plannedCount` is how many orders the clients were asked for.
 *
 * An order is counted once under each heading, however many copies of it there are. An order whose
 * answer turned up at another client is misrouted, not lost.
 */
export function judge(
  clients: readonly ClientRecords[],
  venues: readonly VenueRecords[],
  plannedCount: number,
): Verdict {
  return new Judgement(clients, venues).verdict(plannedCount);
}

class Judgement {
  readonly #clients: readonly ClientRecords[];
  readonly #venues: readonly VenueRecords[];
  /** Flags of every client's orders, and how many venues' rows there are of each. */
  readonly #flags: readonly Uint8Array[];
  readonly #arrivals: readonly Uint8Array[];
  #corrupted = 0;
  #reordered = 0;
  #refused = 0;
  #astray = 0;

  constructor(clients: readonly ClientRecords[], venues: readonly VenueRecords[]) {
    this.#clients = clients;
    this.#venues = venues;
    this.#flags = clients.map(({ sentCount }) => new Uint8Array(sentCount));
    this.#arrivals = clients.map(({ sentCount }) => new Uint8Array(sentCount));
  }

  verdict(plannedCount: number): Verdict {
    this.#venues.forEach((venue, index) => void this.#judgeVenue(venue, index));
    this.#clients.forEach((client, index) => void this.#judgeClient(client, index));
    // Answers that went astray explain what looked lost, so they come last.
    this.#clients.forEach((client, index) => void this.#judgeStrays(client, index));
    const sentCount = this.#clients.reduce((sum, client) => sum + client.sentCount, 0);
    const unsent = plannedCount - sentCount;
    const lost = this.#count(
      (flags) => (flags & (flag.lost | flag.answeredElsewhere)) === flag.lost,
    );
    const duplicated = this.#count((flags) => (flags & flag.duplicated) !== 0);
    const astray = this.#count((flags) => (flags & misrouted) !== 0) + this.#astray;
    return {
      lost: lost + unsent,
      duplicated,
      misrouted: astray + this.#unevenShare(lost + duplicated + astray),
      corrupted: this.#corrupted,
      reordered: this.#reordered,
      refused: this.#refused,
      unsent,
      venueCounts: this.#venues.map((venue) => venue.orderCount + venue.unrecordedCount),
      rejectCounts: this.#rejectCounts(),
      reportLatencyNs: this.#latencies(orderRow.reports),
      rejectLatencyNs: this.#latencies(orderRow.rejects),
    };
  }

  /** Every order at a venue was sent by a client, belongs there and arrived in turn. */
  #judgeVenue(venue: VenueRecords, venueIndex: number): void {
    this.#corrupted += venue.malformedCount + venue.sequenceErrors;
    // The venue stops writing at twice the planned number: all beyond are copies.
    this.#astray += venue.unrecordedCount;
    const lastRows = new Int32Array(this.#clients.length).fill(-1);
    for (let index = 0; index < venue.orderCount; index += 1) {
      const start = index * venueRow.words;
      const price = venue.orders[start + venueRow.price] ?? 0;
      const qty = venue.orders[start + venueRow.qty] ?? 0;
      const owner = ownerOf(price, this.#clients.length);
      const row = this.#rowOfVenue(venue, start);
      if (row < 0) {
        this.#corrupted += 1;
        continue;
      }
      const isRightPlace = isBlock(qty) === (venueIndex === blockVenueIndex);
      if (breaksLimit(price, qty) || !isRightPlace) this.#mark(owner, row, flag.misplaced);
      const arrivals = this.#arrivals[owner];
      if (arrivals === undefined) continue;
      const earlier = arrivals[row] ?? 0;
      if (earlier > 0) this.#mark(owner, row, flag.duplicated);
      arrivals[row] = Math.min(earlier + 1, 255);
      const last = lastRows[owner] ?? -1;
      if (earlier === 0 && row < last) this.#reordered += 1;
      lastRows[owner] = Math.max(last, row);
    }
  }

  /** Every order of a client was answered once, in time, as it should be. */
  #judgeClient(client: ClientRecords, clientIndex: number): void {
    this.#corrupted += client.sequenceErrors + client.fieldErrors;
    for (let row = 0; row < client.sentCount; row += 1) {
      const start = row * orderRow.words;
      const price = client.orders[start + orderRow.price] ?? 0;
      const qty = client.orders[start + orderRow.qty] ?? 0;
      const reports = client.orders[start + orderRow.reports] ?? 0;
      const rejects = client.orders[start + orderRow.rejects] ?? 0;
      const isLate = (client.latencyNs[row] ?? 0) > answerTimeoutNs;
      const isBad = breaksLimit(price, qty);
      const isAnswered = isBad ? rejects > 0 : reports > 0;
      if (!isAnswered || isLate) this.#mark(clientIndex, row, flag.lost);
      if (isBad) this.#judgeRejected(client, clientIndex, row);
      else this.#judgeExecuted(client, clientIndex, row);
    }
  }

  #judgeRejected(client: ClientRecords, clientIndex: number, row: number): void {
    const start = row * orderRow.words;
    const rejects = client.orders[start + orderRow.rejects] ?? 0;
    if (rejects > 0 && client.orders[start + orderRow.code] !== notionalCode) this.#corrupted += 1;
    if (rejects > 1) this.#mark(clientIndex, row, flag.duplicated);
    if ((client.orders[start + orderRow.reports] ?? 0) > 0) {
      this.#mark(clientIndex, row, flag.answeredElsewhere);
    }
  }

  #judgeExecuted(client: ClientRecords, clientIndex: number, row: number): void {
    const start = row * orderRow.words;
    const reports = client.orders[start + orderRow.reports] ?? 0;
    if (reports > 1) this.#mark(clientIndex, row, flag.duplicated);
    if (reports > 0) this.#judgeReport(client, clientIndex, row);
    if ((client.orders[start + orderRow.rejects] ?? 0) === 0) return;
    // A limit reject without a cause may be another client's, which then still waits for it.
    const isNotional = client.orders[start + orderRow.code] === notionalCode;
    if (isNotional && this.#markWaitingForReject(clientIndex, row)) return;
    if (reports > 0) this.#mark(clientIndex, row, flag.duplicated);
    else this.#refused += 1;
  }

  /** The report came from the venue that has this very order, under the same ordId. */
  #judgeReport(client: ClientRecords, clientIndex: number, row: number): void {
    const start = row * orderRow.words;
    const execIdLow = client.orders[start + orderRow.execId] ?? 0;
    const execIdHigh = client.orders[start + orderRow.execId + 1] ?? 0;
    const venue = this.#venues[execIdHigh - 1];
    if (venue === undefined || execIdLow < 1 || execIdLow > venue.orderCount) {
      this.#corrupted += 1;
      return;
    }
    const venueStart = (execIdLow - 1) * venueRow.words;
    const price = venue.orders[venueStart + venueRow.price] ?? 0;
    const isSameOrder =
      ownerOf(price, this.#clients.length) === clientIndex &&
      this.#rowOfVenue(venue, venueStart) === row;
    if (!isSameOrder) {
      this.#mark(clientIndex, row, flag.misplaced);
      return;
    }
    for (const word of [0, 1]) {
      const sent = venue.orders[venueStart + venueRow.ordId + word];
      if (client.orders[start + orderRow.ordId + word] !== sent) {
        this.#corrupted += 1;
        return;
      }
    }
  }

  /** Answers that fit no order of the client that got them: whose are they? */
  #judgeStrays(client: ClientRecords, clientIndex: number): void {
    const written = client.strays.length / strayRow.words;
    this.#astray += client.strayCount - written;
    for (let index = 0; index < written; index += 1) {
      const start = index * strayRow.words;
      const price = client.strays[start + strayRow.price] ?? 0;
      const qty = client.strays[start + strayRow.qty] ?? 0;
      const isReport = client.strays[start + strayRow.type] === messageType.execReport;
      const row = (client.strays[start + strayRow.clOrdId] ?? 0) - 1;
      const isOurs = client.strays[start + strayRow.clOrdId + 1] === clOrdIdHigh;
      const owner = ownerOf(price, this.#clients.length);
      if (isOurs && isReport && this.#isOrder(owner, row, price, qty)) {
        this.#mark(owner, row, flag.answeredElsewhere);
      } else if (!isOurs || isReport || !this.#markWaitingForReject(clientIndex, row)) {
        this.#corrupted += 1;
      }
    }
  }

  /** Marks the order of another client that has this id and lacks its reject; false if none has. */
  #markWaitingForReject(exceptClient: number, row: number): boolean {
    const start = row * orderRow.words;
    for (const [index, { orders, sentCount }] of this.#clients.entries()) {
      if (index === exceptClient || row < 0 || row >= sentCount) continue;
      const price = orders[start + orderRow.price] ?? 0;
      const isBad = breaksLimit(price, orders[start + orderRow.qty] ?? 0);
      const isMarked = ((this.#flags[index]?.[row] ?? 0) & flag.answeredElsewhere) !== 0;
      if (!isBad || isMarked || (orders[start + orderRow.rejects] ?? 0) > 0) continue;
      this.#mark(index, row, flag.answeredElsewhere);
      return true;
    }
    return false;
  }

  /** The row of the order that a venue wrote down, at its owner; -1 if nobody sent it. */
  #rowOfVenue(venue: VenueRecords, start: number): number {
    const price = venue.orders[start + venueRow.price] ?? 0;
    const qty = venue.orders[start + venueRow.qty] ?? 0;
    const row = (venue.orders[start + venueRow.clOrdId] ?? 0) - 1;
    if (venue.orders[start + venueRow.clOrdId + 1] !== clOrdIdHigh) return -1;
    return this.#isOrder(ownerOf(price, this.#clients.length), row, price, qty) ? row : -1;
  }

  #isOrder(clientIndex: number, row: number, price: number, qty: number): boolean {
    const client = this.#clients[clientIndex];
    if (client === undefined || row < 0 || row >= client.sentCount) return false;
    const start = row * orderRow.words;
    return (
      client.orders[start + orderRow.price] === price && client.orders[start + orderRow.qty] === qty
    );
  }

  #mark(clientIndex: number, row: number, bits: number): void {
    const flags = this.#flags[clientIndex];
    if (flags !== undefined) flags[row] = (flags[row] ?? 0) | bits;
  }

  #count(accept: (flags: number) => boolean): number {
    let count = 0;
    for (const flags of this.#flags) for (const bits of flags) if (accept(bits)) count += 1;
    return count;
  }

  /** The venues of the pool take turns: beyond one order, a difference needs another cause. */
  #unevenShare(otherFaults: number): number {
    const counts = this.#venues.slice(0, blockVenueIndex).map(({ orderCount }) => orderCount);
    const spread = Math.max(...counts) - Math.min(...counts);
    return Math.max(0, spread - 1 - otherFaults);
  }

  #rejectCounts(): Map<number, number> {
    const counts = new Map<number, number>();
    for (const { orders, sentCount } of this.#clients) {
      for (let start = 0; start < sentCount * orderRow.words; start += orderRow.words) {
        const rejects = orders[start + orderRow.rejects] ?? 0;
        const code = orders[start + orderRow.code] ?? 0;
        if (rejects > 0) counts.set(code, (counts.get(code) ?? 0) + rejects);
      }
    }
    return counts;
  }

  #latencies(answerWord: number): Float64Array {
    const total = this.#clients.reduce((sum, { sentCount }) => sum + sentCount, 0);
    const latenciesNs = new Float64Array(total);
    let count = 0;
    for (const { orders, latencyNs, sentCount } of this.#clients) {
      for (let row = 0; row < sentCount; row += 1) {
        const isAnswered = (orders[row * orderRow.words + answerWord] ?? 0) > 0;
        const elapsedNs = latencyNs[row] ?? 0;
        if (isAnswered && elapsedNs <= answerTimeoutNs) {
          latenciesNs[count] = elapsedNs;
          count += 1;
        }
      }
    }
    return latenciesNs.slice(0, count);
  }
}
