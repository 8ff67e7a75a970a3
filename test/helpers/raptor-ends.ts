// Two Raptor ends in processes of their own with a lossy proxy between them: a listener that
// answers every message with itself, and a client that numbers what it sends and checks what comes.
import { generateRaptorKeys } from 'hyperroute';
import type { Impairments } from './lossy-path.js';
import { LossyProxy } from './lossy-proxy.js';
import { testSeed } from './random.js';
import { Child, fixture, portIn } from './router-child.js';
import { freePort } from './router-lines.js';

const script = fixture('raptor-end.mjs');

/** What the fixture prints after each order. */
export interface EndState {
  readonly sent: number;
  readonly received: number;
  /** Numbers that were passed over, messages that came again or too late, or with other content. */
  readonly missing: number;
  readonly repeated: number;
  readonly wrong: number;
  readonly connection?: { readonly state: string; readonly reason: string };
  readonly counters: Readonly<Record<string, number>>;
  /** When it was so, by the machine's monotonic clock. */
  readonly atNs: number;
}

export interface RaptorEndsOptions {
  /** Of both ends. */
  readonly shared?: Readonly<Record<string, unknown>>;
  readonly listen?: Readonly<Record<string, unknown>>;
  readonly connect?: Readonly<Record<string, unknown>>;
  readonly isInsecure?: boolean;
  readonly impairments?: Partial<Impairments>;
  readonly clientsMax?: number;
  /** The client's counters file; the listener has none. */
  readonly countersPath?: string;
  /** The client sends to the listener itself. */
  readonly isDirect?: boolean;
}

const server = generateRaptorKeys();
const client = generateRaptorKeys();

export class RaptorEnds {
  readonly seed = testSeed();
  readonly #options: RaptorEndsOptions;
  readonly #children = new Set<Child>();
  #proxy: LossyProxy | undefined;
  #listener: Child | undefined;
  #client: Child | undefined;
  #port = 0;

  /** `onEnd`: where what was started is to be ended. */
  static async start(
    options: RaptorEndsOptions,
    onEnd: (cleanup: () => Promise<void>) => void,
  ): Promise<RaptorEnds> {
    const ends = new RaptorEnds(options);
    onEnd(() => ends.#close());
    ends.#port = await freePort();
    const { impairments = {}, clientsMax = 8 } = options;
    const given = { serverPort: ends.#port, seed: ends.seed, impairments, clientsMax };
    ends.#proxy = await LossyProxy.open(given);
    await ends.startListener();
    await ends.startClient();
    return ends;
  }

  private constructor(options: RaptorEndsOptions) {
    this.#options = options;
  }

  get proxy(): LossyProxy {
    return started(this.#proxy);
  }

  get listener(): Child {
    return started(this.#listener);
  }

  get serverKey(): string {
    return server.publicKey;
  }

  get client(): Child {
    return started(this.#client);
  }

  async startListener(): Promise<void> {
    const { isInsecure = false, shared, listen } = this.#options;
    const keys = isInsecure ? { insecure: true } : { keys: server.privateKey };
    const options = { port: this.#port, ...keys, ...shared, ...listen };
    [this.#listener] = await this.#start({ listen: options });
  }

  async startClient(): Promise<void> {
    const { isInsecure = false, isDirect = false, shared, connect } = this.#options;
    const keys = isInsecure
      ? { insecure: true }
      : { keys: client.privateKey, serverKey: server.publicKey };
    const port = isDirect ? this.#port : this.proxy.port;
    const reconnect = { minMs: 20, maxMs: 500 };
    const options = { host: '127.0.0.1', port, ...keys, reconnect, ...shared, ...connect };
    const { countersPath } = this.#options;
    [this.#client] = await this.#start({ connect: options, countersPath });
  }

  /** An order to the client, and how it stands then. */
  async ask(order: string): Promise<EndState> {
    return (await this.client.ask(order)) as unknown as EndState;
  }

  async askListener(order: string): Promise<EndState> {
    return (await this.listener.ask(order)) as unknown as EndState;
  }

  /** Sends so many messages of these sizes and waits until all of them have been answered. */
  async exchange(count: number, fromBytes: number, toBytes: number): Promise<EndState> {
    const { sent, received } = await this.ask(`send ${count} ${fromBytes} ${toBytes}`);
    return this.ask(`answers ${Math.max(sent, received)}`);
  }

  /** The same, where earlier messages may have been lost: waits for the answer to the last. */
  async untilLast(count: number, fromBytes: number, toBytes: number): Promise<EndState> {
    const { sent } = await this.ask(`send ${count} ${fromBytes} ${toBytes}`);
    return this.ask(`number ${sent - 1}`);
  }

  async #start(given: object): Promise<[Child, number]> {
    const child = new Child(script, [JSON.stringify(given)]);
    this.#children.add(child);
    return [child, portIn(await child.next(), 'end')];
  }

  async #close(): Promise<void> {
    for (const child of this.#children) await child.kill();
    this.#proxy?.close();
  }
}

function started<Thing>(thing: Thing | undefined): Thing {
  if (thing === undefined) throw new Error('the ends are not started');
  return thing;
}
