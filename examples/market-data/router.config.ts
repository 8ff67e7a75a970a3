// A market data router: ITCH in MoldUDP64 comes in, each kind of message goes where it is wanted.
//
//   hyperroute run examples/market-data/router.config.ts
//
// listens on MARKET_DATA_PORT (9100) and sends to the ports in MARKET_DATA_SUBSCRIBERS
// (9201,9202,9203: the book, trades, large orders), all on this host.
import process from 'node:process';
import { defineRouter, otherwise, route, udp, when } from 'hyperroute';
import { AddOrder, Itch, OrderCancel, OrderExecuted } from './itch.js';
import { moldBlocks } from './moldudp64.js';

/** Where the feed comes in, and where the book, the trades and the large orders go. */
export interface MarketDataOptions {
  readonly host: string;
  readonly feedPort: number;
  readonly subscriberPorts: readonly number[];
}

/** Orders of this many shares are large. */
export const largeSharesMin = 10_000;

/** The router's configuration for the given addresses. */
export function marketData({ host, feedPort, subscriberPorts }: MarketDataOptions) {
  const feed = udp('feed', {
    host,
    port: feedPort,
    messages: Itch,
    framing: moldBlocks,
    maxDatagramBytes: 1500,
    receiveBufferBytes: 4 << 20,
  });
  const subscriber = (name: string, index: number) =>
    udp(name, {
      host,
      port: 0,
      remote: { host, port: subscriberPorts[index] ?? 9201 + index },
      messages: Itch,
    });
  const [book, trades] = [subscriber('book', 0), subscriber('trades', 1)];
  const large = subscriber('large', 2);

  return defineRouter({
    name: 'market-data',
    endpoints: [feed, book, trades, large],
    routes: [
      route.first(AddOrder, (order) => [
        when(order.shares.gte(largeSharesMin)).to(large),
        otherwise.to(book),
      ]),
      route.first(OrderCancel, () => [otherwise.to(book)]),
      route.first(OrderExecuted, () => [otherwise.to(trades)]),
    ],
  });
}

export default marketData({
  host: '127.0.0.1',
  feedPort: Number(process.env.MARKET_DATA_PORT ?? 9100),
  subscriberPorts: (process.env.MARKET_DATA_SUBSCRIBERS ?? '9201,9202,9203').split(',').map(Number),
});
