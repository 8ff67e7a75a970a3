// Messages with variable data, versions, optional fields and bits through the native engine, held
// against the interpreter: same decisions, same bytes, for sound and for broken messages.
import { isDeepStrictEqual } from 'node:util';
import { describe, expect, it } from 'vitest';
import { emitWithReport } from '../../lib/compiler/emit.js';
import { initialState, interpret } from '../../lib/compiler/interpret.js';
import type { RouterIr } from '../../lib/compiler/ir.js';
import {
  type AnySchema,
  type Condition,
  defineRouter,
  discard,
  memory,
  otherwise,
  route,
  schemaFromJson,
  union,
  when,
} from '../../lib/index.js';
import { schemaJson } from '../../lib/schema/canonical.js';
import { bindMessage } from '../../lib/schema/codec/index.js';
import { randomHistory } from '../helpers/evolution.js';
import { randomForeign, randomValues } from '../helpers/random-models.js';
import { randomTransform } from '../helpers/random-transform.js';
import { RandomValues } from '../helpers/random-values.js';
import { loadImage } from '../helpers/route-image.js';

const seedCount = Number(process.env.HYPERROUTE_DIFFERENTIAL_ROUTERS ?? 80) * 4;
const firstSeed = Number(process.env.HYPERROUTE_SEED ?? 1);
const messagesPerRouter = 60;
const timeout = 300_000;

interface Codec {
  encode(message: object, target: Uint8Array): number;
  sizeOf(message: object): number;
}

function foreignSchema(random: RandomValues): AnySchema {
  const json = schemaJson(randomForeign(random), { type: null, size: null });
  return schemaFromJson(JSON.parse(JSON.stringify(json))) as AnySchema;
}

/** Anything that a condition of a random field can be built from. */
type Refs = Readonly<Record<string, Record<string, (...values: unknown[]) => Condition>>>;

/** A condition on a field of the message, where it has one that can be asked. */
function conditionOn(random: RandomValues, { model }: AnySchema, refs: Refs): Condition | null {
  const field = random.pick(model.block.fields);
  // The rest of a message is nothing that a rule can name.
  if (field.type.kind === 'rest') return null;
  const ref = refs[field.name];
  if (ref === undefined) return null;
  if (field.presence !== null && random.chance(50)) return ref.present?.() ?? null;
  if (field.type.kind === 'enum') return ref.is?.(Object.keys(field.type.symbols)[0]) ?? null;
  if (field.type.kind === 'bool') return ref.is?.(true) ?? null;
  const isInteger = ['integer', 'decimal', 'timestamp', 'bits'].includes(field.type.kind);
  return isInteger ? (ref.gte?.(random.pick([1, 5, 100])) ?? null) : null;
}

function routerFor(random: RandomValues, from: AnySchema): { ir: RouterIr; to: AnySchema } {
  const { to, transform } = randomTransform(random, from);
  // A callback may run more than once; every run has to build the same.
  const seed = random.u32();
  const isNative = from.model.layout.kind === 'native';
  const messages = isNative && random.chance(50) ? union('In', {}, [from]) : from;
  const source = memory('in', { messages });
  const out = memory('out', { messages: to });
  const routes = [
    route.first(
      from as never,
      ((refs: Refs) => {
        const condition = conditionOn(new RandomValues(seed), from, refs);
        const rule = otherwise.via(transform as never).to(out as never);
        return condition === null ? [rule] : [when(condition).to(discard as never), rule];
      }) as never,
    ),
  ];
  return { ir: defineRouter({ endpoints: [source, out], routes }), to };
}

function messageFor(random: RandomValues, writer: AnySchema): Uint8Array {
  const codec = writer as unknown as Codec;
  const values = randomValues(random, writer.model.block);
  const bytes = new Uint8Array(codec.sizeOf(values));
  codec.encode(values, bytes);
  if (random.chance(70)) return bytes;
  if (random.chance(50)) return bytes.slice(0, random.below(bytes.length + 1));
  const bit = random.below(bytes.length * 8);
  bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7));
  return bytes;
}

interface Totals {
  readonly ops: Set<string>;
  readonly codes: Map<number, number>;
  delivered: number;
}

function compareOne(seed: number, totals: Totals): void {
  const random = new RandomValues(seed);
  const chain = random.chance(75) ? randomHistory(random) : [foreignSchema(random)];
  const reader = random.pick(chain);
  const { ir, to } = routerFor(random, reader);
  const { image, report } = emitWithReport(ir);
  for (const { ops } of report.transforms) for (const op of ops) totals.ops.add(op);
  const native = loadImage(image);
  const state = initialState(ir);
  for (let count = 0; count < messagesPerRouter; count++) {
    const message = messageFor(random, random.pick(chain));
    const expected = interpret(ir, state, 0, message, 0n);
    const actual = native.step(0, message, 0n);
    const { delivered, rejectCode } = expected;
    totals.codes.set(rejectCode, (totals.codes.get(rejectCode) ?? 0) + 1);
    const at = `seed ${seed}, message ${count}: ${Buffer.from(message).toString('hex')}`;
    if (!isDeepStrictEqual(actual, expected)) expect(actual, at).toEqual(expected);
    const [sent] = delivered;
    if (sent == null) continue;
    totals.delivered += 1;
    expect(sent.output.length, at).toBe(expected.decision.deliveries[0]?.outputBytes);
    if (to.model.layout.kind !== 'native') continue;
    expect(bindMessage(to.model)(sent.output, 0, sent.output.length), at).toBe(0);
  }
}

describe('messages of native and movable layouts in the engine', () => {
  const totals: Totals = { ops: new Set(), codes: new Map(), delivered: 0 };

  it('are routed and transformed as the interpreter does it', { timeout }, () => {
    for (let index = 0; index < seedCount; index++) compareOne(firstSeed + index, totals);
    expect(totals.delivered).toBeGreaterThan(seedCount * 10);
  });

  it('were compared with every op that they need', () => {
    const wanted = ['orPresence', 'orBits', 'guard', 'require', 'scale', 'floatWiden', 'map'];
    expect([...totals.ops]).toEqual(expect.arrayContaining(wanted));
    const userCodes = [...totals.codes.keys()].filter((code) => code >= 1000);
    expect(userCodes.length).toBeGreaterThanOrEqual(3);
    expect(totals.codes.get(1)).toBeGreaterThan(100);
  });
});
