// `hyperroute demo`: the order gateway of examples/order-gateway, which judges itself.
import type { Command, CommandInput } from './command.js';
import { wholeNumber } from './command.js';

export const demo: Command = {
  name: 'demo',
  usage: '',
  about: [
    'Starts TCP clients, UDP venues and a router between them on this machine, sends orders',
    'through it, and compares the records of clients and venues: every order must have gone to',
    'the right venue exactly once and every report back to the client that asked.',
    'Fails (exit code 1) if one order was lost, duplicated or misrouted.',
  ],
  options: {
    messages: { type: 'string', value: 'N', about: 'orders in all (200000)' },
    clients: { type: 'string', value: 'N', about: 'client processes (8)' },
    seed: { type: 'string', value: 'N', about: 'the same seed makes the same orders (random)' },
  },
  positionalsMin: 0,
  positionalsMax: 0,
  examples: ['hyperroute demo', 'hyperroute demo --json --messages 200000'],
  run,
};

/** The part of the example's module that this command uses. */
interface DemoModule {
  readonly runDemo: (options: {
    readonly messages?: number;
    readonly clients?: number;
    readonly seed?: number;
    readonly json: boolean;
    readonly signal: AbortSignal;
  }) => Promise<{ readonly passed: boolean }>;
}

const messagesMax = 10_000_000;
const clientsMax = 64;
const seedMax = 2 ** 32 - 1;

async function run(input: CommandInput): Promise<number> {
  const { values, io } = input;
  const options = {
    ...given(input, 'messages', 1, messagesMax),
    ...given(input, 'clients', 1, clientsMax),
    ...given(input, 'seed', 0, seedMax),
  };
  const stop = new AbortController();
  const interrupt = () => {
    if (stop.signal.aborted) process.exit(1);
    stop.abort();
  };
  process.on('SIGINT', interrupt).on('SIGTERM', interrupt);
  try {
    const { runDemo } = await demoModule();
    const summary = await runDemo({ ...options, json: values.json === true, signal: stop.signal });
    return summary.passed ? 0 : 1;
  } catch (error) {
    if (!stop.signal.aborted) throw error;
    io.err.line('the demo was interrupted');
    return 1;
  } finally {
    process.off('SIGINT', interrupt).off('SIGTERM', interrupt);
  }
}

function given(input: CommandInput, name: string, low: number, high: number) {
  if (input.values[name] === undefined) return {};
  return { [name]: wholeNumber(input, name, { low, high, otherwise: low }) };
}

/** The example is a program of its own beside the library, which the library never imports. */
async function demoModule(): Promise<DemoModule> {
  const url = new URL('../examples/order-gateway/demo.js', import.meta.url);
  return (await import(url.href)) as DemoModule;
}
