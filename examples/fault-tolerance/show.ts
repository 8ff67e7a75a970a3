// The world around the router: eight servers, each a process, and a client. Kills, stops and breaks
// servers while it asks, brings them back, and shows who answers then.
//
//   node dist/examples/fault-tolerance/show.js      while router.config.ts runs
import process from 'node:process';
import { expectThat, Program, sayMistakes, sleep } from '../common/world.js';
import { Client } from './client.js';
import { serverNames } from './router.config.js';

const port = Number(process.env.TOLERANCE_PORT ?? 9640);
const accountCount = 1000;
const loadCount = 10_000;

type Outcomes = ReadonlyMap<number, number | string>;

const servers = new Map<string, Program>();

async function start(name: string): Promise<void> {
  const number = serverNames.indexOf(name) + 1;
  const url = new URL('./server.js', import.meta.url);
  servers.set(name, await Program.start(url, [port + number, number]));
}

function server(name: string): Program {
  const found = servers.get(name);
  if (found === undefined) throw new Error(`there is no ${name}`);
  return found;
}

function nameOf(outcome: number | string): string {
  return typeof outcome === 'string' ? outcome : (serverNames[outcome - 1] ?? '');
}

/** How many accounts met which end, in the order of the servers. */
function shares(outcomes: Outcomes): string {
  const counts = new Map<string, number>();
  for (const outcome of [...outcomes.values()].sort()) {
    counts.set(nameOf(outcome), (counts.get(nameOf(outcome)) ?? 0) + 1);
  }
  return [...counts].map(([name, count]) => `${name} ${count}`).join(', ');
}

await Promise.all(serverNames.map(start));
const client = await Client.open(port);

/** Asks once for each account. */
function round(kind: 'work' | 'entry' = 'work'): Promise<Outcomes> {
  return client.ask(accountCount, accountCount, kind);
}

/** Asks much, and lets something happen in the meantime. */
async function load(happening: string, happen: () => unknown): Promise<void> {
  client.answeredCount = 0;
  client.refusedCount = 0;
  client.againCount = 0;
  const asking = client.ask(loadCount, accountCount);
  await client.more(loadCount / 4);
  await happen();
  await asking;
  const { answeredCount, refusedCount } = client;
  expectThat(`all are answered while ${happening}`, answeredCount === loadCount);
  expectThat(`nothing is refused while ${happening}`, refusedCount === 0);
  console.log(`${happening} under load: ${loadCount} asked, ${answeredCount} answered`);
  console.log(`  asked again, for they were in its hands: (${client.againCount} this time)`);
}

/** Who moved, of whom, since `before`. */
function compare(before: Outcomes, after: Outcomes, name: string): void {
  const moved = [...after].filter(([account, outcome]) => before.get(account) !== outcome);
  const others = moved.filter(([account]) => nameOf(before.get(account) ?? '') !== name);
  const all = [...before.values()].filter((outcome) => nameOf(outcome) === name).length;
  expectThat(`only accounts of ${name} move`, others.length === 0 && moved.length === all);
  console.log(`  ${moved.length} accounts moved, ${others.length} of them from another server`);
}

function isSame(before: Outcomes, after: Outcomes): boolean {
  return [...before].every(([account, outcome]) => after.get(account) === outcome);
}

/** Waits until everybody has what they had before; prints how it came back. */
async function comesBack(before: Outcomes, name: string): Promise<void> {
  const number = serverNames.indexOf(name) + 1;
  const growing: number[] = [];
  let others = 0;
  const deadline = performance.now() + 5000;
  for (let after: Outcomes = new Map(); !isSame(before, after); await sleep(30)) {
    if (performance.now() > deadline) throw new Error(`waited in vain for ${name}`);
    after = await round();
    growing.push([...after.values()].filter((outcome) => outcome === number).length);
    others += [...after].filter(([account, outcome]) => {
      return outcome !== before.get(account) && before.get(account) !== number;
    }).length;
  }
  const [first = 0] = growing.filter((count) => count > 0);
  const last = growing.at(-1) ?? 0;
  const neverLess = growing.every((count, index) => count >= (growing[index - 1] ?? 0));
  expectThat(`${name} gets its accounts step by step`, neverLess && first < last && others === 0);
  console.log(`${name} is back: from (${first} this time) accounts to ${last}, never less again`);
  console.log('  and then everybody is where they were before');
}

/** Whether every account met the same end. */
function haveAll(outcomes: Outcomes, end: string): boolean {
  const all = [...outcomes.values()];
  return all.length === accountCount && all.every((one) => nameOf(one) === end);
}

/** Asks until everybody meets the same end. */
async function untilAll(outcome: string): Promise<void> {
  let last: Outcomes = new Map();
  for (let tries = 0; tries < 100 && !haveAll(last, outcome); tries += 1) last = await round();
  expectThat(`all get ${outcome}`, haveAll(last, outcome));
  console.log(`  ${shares(last)}`);
}

// The router tries their ports every 100 ms, and takes 600 ms to give them all they get.
await sleep(1000);
const before = await round();
console.log(`accounts: ${shares(before)}`);

await load('server3 is killed', () => server('server3').kill());
compare(before, await round(), 'server3');
await start('server3');
await comesBack(before, 'server3');

await load('server5 hangs', () => server('server5').signal('SIGSTOP'));
compare(before, await round(), 'server5');
server('server5').signal('SIGCONT');
await comesBack(before, 'server5');

await load('server6 breaks its connections', () => server('server6').ask('be sick'));
const broken = await server('server6').ask<number>('be sick');
expectThat('server6 is left out soon', broken < 30);
console.log(`  it was left out after (${broken} this time) connections, fewer than 30`);
await server('server6').ask('be well');
await comesBack(before, 'server6');

console.log('all six are killed');
await Promise.all(serverNames.slice(0, 6).map((name) => server(name).kill()));
await untilAll('reserve');
console.log('the reserve too');
await server('reserve').kill();
await untilAll('NO_DESTINATION');

console.log('the ledger breaks its connections, until its breaker opens');
await server('ledger').ask('be sick');
const entries = await round('entry');
const ledgerBroken = await server('ledger').ask<number>('be well');
expectThat(
  'the breaker opens',
  ledgerBroken < 30 && [...entries.values()].includes('NO_DESTINATION'),
);
console.log(`  ${shares(entries)}; (${ledgerBroken} this time) connections, fewer than 30`);
let trial: Outcomes = new Map([[0, '']]);
for (let tries = 0; tries < 200 && typeof trial.get(0) === 'string'; tries += 1) {
  trial = await client.ask(1, 1, 'entry');
  await sleep(20);
}
console.log('the ledger is well again, and its breaker tries it');
const atLast = await round('entry');
expectThat('the breaker closes', haveAll(atLast, 'ledger'));
console.log(`  ${shares(atLast)}`);

client.close();
for (const one of servers.values()) await one.kill();
sayMistakes();
