// What the fuzzers of test/fuzz start from: their inputs, made of the vectors that the other tests
// check, and the random layouts of the message fuzzer.
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { compileCodec } from '../../lib/schema/codec/index.js';
import type { SchemaModel } from '../../lib/schema/model.js';
import { layoutVectors } from './layout-vectors.js';
import { randomValues, randomVersions } from './random-models.js';
import { RandomValues } from './random-values.js';
import { frames } from './raptor-bytes.js';
import { raptorVectors } from './raptor-vectors.js';

const tests = join(import.meta.dirname, '..');
const folder = join(tests, 'fuzz/seeds');
const randomLayoutCount = 12;

/** Every version of each random layout, oldest first. */
const randomHistories = Array.from({ length: randomLayoutCount }, (_, index) =>
  randomVersions(new RandomValues(1000 + index)),
);

/** The newest version of each, whose image is checked in beside those of `layoutVectors`. */
export const randomLayouts: Readonly<Record<string, SchemaModel>> = Object.fromEntries(
  randomHistories.map((versions, index) => [
    `random-${index + 1}`,
    versions[versions.length - 1] as SchemaModel,
  ]),
);

/** In the order in which test/fuzz/message_fuzz.cc counts them. */
const layoutNames = [...Object.keys(layoutVectors), ...Object.keys(randomLayouts)];

/** The first byte that chooses a layout; of 16 values one says that the input is the layout. */
function choiceOf(layout: string): number {
  const index = layoutNames.indexOf(layout);
  return index % 16 === 15 ? index + layoutNames.length : index;
}

/** A message of `model` with random values, for the layout that reads it. */
function messageSeed(layout: string, model: SchemaModel, seed: number): Uint8Array {
  const codec = compileCodec({ model, header: new Map(), sizeField: null });
  const message = randomValues(new RandomValues(seed), model.block);
  const bytes = new Uint8Array(2 + codec.sizeOf(message));
  bytes[0] = choiceOf(layout);
  codec.encode(message, bytes, 2);
  return bytes;
}

const known: readonly (readonly [reader: string, writer: string, seed: number])[] = [
  ['new-order', 'new-order', 1],
  ['new-order', 'new-order', 2],
  ['everything-1', 'everything-1', 3],
  ['everything-1', 'everything-3', 4],
  ['everything-2', 'everything-2', 5],
  ['everything-3', 'everything-3', 6],
  ['everything-3', 'everything-3', 7],
  ['everything-3', 'everything-1', 8],
  ['everything-3', 'everything-2', 9],
  ['tick', 'tick', 10],
];

function* messageSeeds(): Generator<readonly [name: string, bytes: Uint8Array]> {
  for (const [reader, writer, seed] of known) {
    const model = layoutVectors[writer] as SchemaModel;
    yield [`${reader}-reads-${writer}-${seed}`, messageSeed(reader, model, seed)];
  }
  for (const [index, versions] of randomHistories.entries()) {
    const reader = `random-${index + 1}`;
    for (const model of new Set([versions[0], versions.at(-1)] as SchemaModel[])) {
      const name = `${reader}-reads-version-${model.version}`;
      yield [name, messageSeed(reader, model, 100 + index)];
    }
  }
}

/** In the order in which test/fuzz/image_fuzz.cc counts them. */
const messageImages = [
  'order-gateway',
  'every-kind',
  'trade',
  'texts',
  'every-pool',
  'fan-out',
  'matchers',
  'plugged',
  'readings',
  'correlated',
];
/** Small ones: of the others the fuzzer has copies of its own to damage. */
const wholeImages = ['relay', 'order-gateway', 'readings', 'plugged', 'fan-out', 'correlated'];

function* imageSeeds(): Generator<readonly [name: string, bytes: Uint8Array]> {
  // The input is the image.
  for (const name of wholeImages) {
    const image = readFileSync(join(tests, `vectors/${name}.image`));
    yield [`image-${name}`, Uint8Array.from([15, 0, ...image])];
  }
  for (const [index, name] of messageImages.entries()) {
    // An image as it is, then bytes of which messages are cut.
    for (const seed of [1, 2, 3]) {
      const bytes = new RandomValues(seed).bytes(400);
      yield [`messages-${name}-${seed}`, Uint8Array.from([index, 0, ...bytes])];
    }
  }
  // Native messages of each version, and one with a patch: source, alive, slot, version, patches.
  for (const version of [0, 1, 2]) {
    const whole = [0, 1, 0, version, 0];
    const damaged = [0, 1, 0, version, 1, 20 + version, 0xff];
    yield [`trade-version-${version + 1}`, Uint8Array.from([2, 0, ...whole, ...damaged])];
  }
}

const integerBytes: Readonly<Record<string, number>> = { u8: 1, u16: 2, u32: 4 };

/** The eight bytes of options that test/fuzz/blocks_fuzz.cc reads, of a rule of blocks.txt. */
function blocksOptions(rule: readonly string[]): number[] {
  const [, , header, offset, count = '', length = '', includes, empty] = rule;
  const flags =
    (count.endsWith('be') ? 1 : 0) | (length.endsWith('be') ? 2 : 0) | (includes === '1' ? 4 : 0);
  // The third of the counts is 65,535; those of four bytes cannot be told.
  const empties = empty === '-' ? [] : (empty ?? '').split(',').map(Number);
  const small = empties.filter((value) => value <= 0xff);
  const emptyCount = empties.includes(0xffff) ? 3 : small.length;
  const [first = 254, second = 255] = small;
  const bytesOf = (type: string) => integerBytes[type.replace(/[bl]e$/, '')] ?? 0;
  const place = [Number(header), Number(offset), bytesOf(count), bytesOf(length)];
  return [...place, flags, emptyCount, first, second];
}

function* blocksSeeds(): Generator<readonly [name: string, bytes: Uint8Array]> {
  const lines = readFileSync(join(tests, 'vectors/foreign/blocks.txt'), 'utf8').split('\n');
  let rule: readonly string[] = [];
  const longest = new Map<string, Uint8Array>();
  for (const line of lines) {
    const [word = '', datagram = ''] = line.split(' ');
    if (word === 'rule') rule = line.split(' ');
    if (word !== 'good' && word !== 'bad') continue;
    const name = `${rule[1]}-${word}`;
    const bytes = datagram === '-' ? [] : Buffer.from(datagram, 'hex');
    const seed = Uint8Array.from([...blocksOptions(rule), ...bytes]);
    const known = longest.get(name);
    if (known === undefined || seed.length > known.length) longest.set(name, seed);
  }
  yield* longest;
}

/** Every vector that is taken: datagrams and parameters, or frames; a record in one. */
function* raptorSeeds(): Generator<readonly [name: string, bytes: Uint8Array]> {
  for (const [index, { kind, bytes }] of raptorVectors.filter((each) => each.isGood).entries()) {
    const frame = kind === 'record' ? frames.stream(1, 0, bytes) : bytes;
    const choice = kind === 'packet' || kind === 'parameters' ? 0 : 1;
    yield [`${kind}-${index}`, Uint8Array.from([choice, ...frame])];
  }
}

/** The inputs of each fuzzer that has some, by name. */
export const fuzzSeeds: ReadonlyMap<string, ReadonlyMap<string, Uint8Array>> = new Map([
  ['blocks_fuzz', new Map(blocksSeeds())],
  ['image_fuzz', new Map(imageSeeds())],
  ['message_fuzz', new Map(messageSeeds())],
  ['raptor_frames_fuzz', new Map(raptorSeeds())],
]);

/** Those that are checked in. */
export function readFuzzSeeds(fuzzer: string): Map<string, Uint8Array> {
  const place = join(folder, fuzzer);
  const names = existsSync(place) ? readdirSync(place).sort() : [];
  return new Map(names.map((name) => [name, new Uint8Array(readFileSync(join(place, name)))]));
}

export function writeFuzzSeed(fuzzer: string, name: string, bytes: Uint8Array): void {
  mkdirSync(join(folder, fuzzer), { recursive: true });
  writeFileSync(join(folder, fuzzer, name), bytes);
}
