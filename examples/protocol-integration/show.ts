// The world around the router: two clients and a venue, each a process of its own. Shows how orders
// and their reports find each other.
//
//   node dist/examples/protocol-integration/show.js      while router.config.ts runs
import process from 'node:process';
import { expectThat, Program, sayMistakes, until } from '../common/world.js';
import type { Heard, Order } from './peers.js';

const port = Number(process.env.INTEGRATION_PORT ?? 9720);
const notCorrelated = 16;

/** A client or the venue, and what it has told. */
class Peer {
  readonly #program: Program;
  readonly #heard: Heard[] = [];

  private constructor(program: Program) {
    this.#program = program;
    program.listen((said) => this.#heard.push(said as Heard));
  }

  static async start(role: 'client' | 'venue', at: number): Promise<Peer> {
    return new Peer(await Program.start(new URL('./peers.js', import.meta.url), [role, at]));
  }

  tell(order: Order): void {
    this.#program.tell(order);
  }

  all(got: Heard['got']): readonly Heard[] {
    return this.#heard.filter((one) => one.got === got);
  }

  /** Waits until it has got so many messages of a kind. */
  async has(count: number, got: Heard['got']): Promise<readonly Heard[]> {
    await until(`${count} ${got}s`, () => this.all(got).length >= count);
    return this.all(got);
  }

  kill(): Promise<void> {
    return this.#program.kill();
  }
}

const ids = (heard: readonly Heard[]): string => heard.map(({ id }) => id).join(' ');

const venue = await Peer.start('venue', port + 1);
const [alice, bob] = await Promise.all([Peer.start('client', port), Peer.start('client', port)]);

for (const id of ['1001', '1002', '1003']) alice.tell({ send: 'order', id });
await venue.has(3, 'order');
for (const id of ['2001', '2002', '2003']) bob.tell({ send: 'order', id });
const orders = await venue.has(6, 'order');
const numbers = new Set(orders.map(({ id }) => id));
console.log('alice orders 1001 1002 1003, bob 2001 2002 2003, in 29 bytes each');
console.log(
  `the venue gets ${orders.length} orders of ${orders[0]?.bytes} bytes, ${numbers.size} numbers`,
);

console.log('it reports on each of them, the latest first');
for (const { id } of [...orders].reverse()) venue.tell({ send: 'report', id });
const [first] = await alice.has(3, 'report');
await bob.has(3, 'report');
console.log(`alice has reports of ${first?.bytes} bytes about ${ids(alice.all('report'))}`);
console.log(`bob has reports about ${ids(bob.all('report'))}`);

alice.tell({ send: 'replace', id: '1004', of: '1002' });
const [replace] = await venue.has(1, 'replace');
console.log(
  `alice replaces 1002 by 1004; the venue gets ${replace?.bytes} bytes about ${replace?.of}`,
);
venue.tell({ send: 'report', id: replace?.id ?? '', final: true });
const report = (await alice.has(4, 'report')).at(-1);
console.log(`it is done with it; alice has a report about ${report?.id}, which was ${report?.of}`);

// Behind what nobody waits for comes a report that somebody does wait for.
venue.tell({ send: 'report', id: replace?.id ?? '' });
venue.tell({ send: 'report', id: '12345' });
venue.tell({ send: 'report', id: orders.at(-1)?.id ?? '', final: true });
await bob.has(4, 'report');
const strays = alice.all('report').length + bob.all('report').length - 8;
console.log(`reports about what is done, or never was, reach ${strays === 0 ? 'nobody' : strays}`);

alice.tell({ send: 'replace', id: '1005', of: '1002' });
const [reject] = await alice.has(1, 'reject');
const why = reject?.code === notCorrelated ? 'NOT_CORRELATED' : reject?.code;
console.log(`alice replaces 1002 again: ${reject?.id} is rejected, ${why}`);

for (const peer of [alice, bob, venue]) await peer.kill();
expectThat('orders have numbers of their own', numbers.size === orders.length);
expectThat('nobody hears of what is done', strays === 0);
expectThat('what is done cannot be replaced', reject?.code === notCorrelated);
sayMistakes();
