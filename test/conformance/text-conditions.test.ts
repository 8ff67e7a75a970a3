// Conditions on strings, padded text, bits and counts through the native engine, held against the
// interpreter: many patterns that begin like each other, and texts that just meet them or do not.
import { describe, expect, it } from 'vitest';
import { emitWithReport } from '../../lib/compiler/emit.js';
import { initialState, interpret } from '../../lib/compiler/interpret.js';
import type {
  ConditionIr,
  FieldIr,
  RouterIr,
  TextTest,
  TopicStyle,
} from '../../lib/compiler/ir.js';
import { defineRouter, memory, otherwise, route, schema, t } from '../../lib/index.js';
import { hexOf, randomPattern, randomTopic, textsNear } from '../helpers/random-text.js';
import { RandomValues } from '../helpers/random-values.js';
import { loadImage } from '../helpers/route-image.js';

const firstSeed = Number(process.env.HYPERROUTE_SEED ?? 1);
const routerCount = Number(process.env.HYPERROUTE_DIFFERENTIAL_ROUTERS ?? 80);
const messagesPerRouter = 200;
const timeout = 300_000;

const First = schema('Text', 7, {
  code: t.ascii(20),
  wide: t.ascii(12),
  topic: t.string.max(60),
  note: t.string.max(60).optional(),
  items: t.group({ n: t.u8 }).max(5),
});
const Second = First.extend({ added: t.string.max(60), mask: t.u32.default(5) });

/** The endpoints, and a route whose rules are replaced. */
function base(): RouterIr {
  const [source, out] = [memory('in', { messages: Second }), memory('out', { messages: Second })];
  return defineRouter({
    endpoints: [source, out],
    routes: [route.first(Second, () => [otherwise.to(out)], { from: source })],
  });
}

interface Asked {
  readonly field: string;
  readonly texts: string[];
}

function textCondition(
  random: RandomValues,
  fields: readonly FieldIr[],
  asked: Asked[],
  count: number,
): ConditionIr {
  const name = random.pick(['code', 'topic', 'note', 'added', 'wide']);
  const index = fields.findIndex((field) => field.name === name);
  const field = fields[index] as FieldIr;
  const test = random.pick<TextTest>(['is', 'prefix', 'topic']);
  const style = random.pick<TopicStyle>(['mqtt', 'nats']);
  const patterns = Array.from({ length: count }, () => randomPattern(random, field, test, style));
  const texts = patterns.slice(0, 20).flatMap((text) => textsNear(random, text, style));
  asked.push({ field: name, texts });
  return {
    ...{ kind: 'text', field: index, test },
    ...(test === 'topic' ? { style } : {}),
    patterns: [...new Set(patterns.map(hexOf))],
  };
}

function condition(random: RandomValues, fields: readonly FieldIr[], asked: Asked[]): ConditionIr {
  const kind = random.below(10);
  const of = (name: string): number => fields.findIndex((field) => field.name === name);
  const text = () => textCondition(random, fields, asked, random.chance(85) ? 1 : 200);
  if (kind < 5) return text();
  if (kind === 5) return { kind: 'not', term: text() };
  if (kind === 6) return { kind: random.pick(['and', 'or'] as const), terms: [text(), text()] };
  if (kind === 7) {
    const mask = BigInt(random.u32()) | 1n;
    return { kind: 'bits', field: of('mask'), mask, equal: BigInt(random.u32()) & mask };
  }
  const value = { kind: 'count', field: of(random.pick(['topic', 'items', 'added'])) } as const;
  const low = BigInt(random.below(6));
  const test: ConditionIr = { kind: 'in', value, intervals: [[low, low + 2n]] };
  // With arithmetic, text is asked by a program.
  const sum = { kind: 'add', left: value, right: { kind: 'const', value: 1n } } as const;
  const compared: ConditionIr = { kind: 'compare', op: 'gt', left: sum, right: value };
  return kind === 8 ? test : { kind: 'and', terms: [text(), compared] };
}

function messageFor(random: RandomValues, asked: readonly Asked[]): Uint8Array {
  const textFor = (field: string, most: number): string => {
    const near = asked.filter((other) => other.field === field).flatMap(({ texts }) => texts);
    const style = random.pick<TopicStyle>(['mqtt', 'nats']);
    const isNear = near.length > 0 && random.chance(85);
    return (isNear ? random.pick(near) : randomTopic(random, style, false)).slice(0, most);
  };
  const ascii = (text: string): string => text.replace(/[^ -~]/g, 'a').trimEnd();
  const values = {
    code: ascii(textFor('code', 20)),
    wide: ascii(textFor('wide', 12)),
    topic: latin1AsText(textFor('topic', 60)),
    ...(random.chance(70) ? { note: latin1AsText(textFor('note', 60)) } : {}),
    items: Array.from({ length: random.below(6) }, (_unused, n) => ({ n })),
  };
  const added = {
    added: latin1AsText(textFor('added', 60)),
    mask: random.u32(),
  };
  const bytes = new Uint8Array(512);
  const count = random.chance(30)
    ? First.encode(values, bytes)
    : Second.encode({ ...values, ...added }, bytes);
  return bytes.slice(0, count);
}

/** Bytes as they are, where they are UTF-8. */
function latin1AsText(text: string): string {
  const read = Buffer.from(text, 'latin1').toString('utf8');
  return read.includes('\ufffd') ? text.replace(/[^ -~]/g, 'é').slice(0, 20) : read;
}

/** So many patterns of topics of up to so many shapes. */
const shapedCount = 1_100;
const shapesMax = 6;

/** Which levels are wildcards, and whether the last stands for all that are left. */
interface Shape {
  readonly isNamed: readonly boolean[];
  readonly goesOn: boolean;
}

function shapedTopic(random: RandomValues, style: TopicStyle, { isNamed, goesOn }: Shape): string {
  const [separator, one, rest] = style === 'mqtt' ? ['/', '+', '#'] : ['.', '*', '>'];
  const levels = isNamed.map((named) => {
    if (!named) return one;
    if (random.chance(4)) return random.pick(['', 'a'.repeat(random.between(7, 40))]);
    return `${random.pick(['a', 'aa', 'b', '\xe9'])}${random.below(40)}`;
  });
  return [...levels, ...(goesOn ? [rest] : [])].join(separator);
}

function shapedRules(random: RandomValues, field: number, asked: Asked[]): ConditionIr[] {
  const style = random.pick<TopicStyle>(['mqtt', 'nats']);
  const shapes = Array.from({ length: random.between(1, shapesMax) }, (): Shape => {
    const isNamed = Array.from({ length: random.between(1, 6) }, () => random.chance(65));
    return { isNamed, goesOn: random.chance(30) };
  });
  // One that has enough of them, whatever else there is.
  const all = [{ isNamed: [true, true, true], goesOn: false }, ...shapes.slice(1)];
  const patterns = new Set<string>();
  while (patterns.size < shapedCount) {
    patterns.add(shapedTopic(random, style, random.pick([all[0] as Shape, ...all])));
  }
  const chosen = Array.from({ length: 40 }, () => random.pick([...patterns]));
  asked.push({ field: 'topic', texts: chosen.flatMap((text) => textsNear(random, text, style)) });
  return [...patterns].map((text) => {
    return { kind: 'text', field, test: 'topic', style, patterns: [hexOf(text)] };
  });
}

/** A router whose route has these rules, and then its own; and its image, loaded. */
function routerOf(conditions: readonly ConditionIr[], checked: readonly ConditionIr[] = []) {
  const ir = base();
  const [first] = ir.routes;
  const last = first?.rules[0];
  if (first === undefined || last === undefined) throw new Error('no route');
  const made = conditions.map((when, index) => ({ ...last, name: `${index}`, when }));
  const { position } = first;
  const checks = checked.map((condition) => ({ condition, code: 1000, position }));
  const built: RouterIr = { ...ir, routes: [{ ...first, checks, rules: [...made, last] }] };
  const { image, report } = emitWithReport(built);
  return { built, native: loadImage(image), route: report.routes[0] };
}

/** Tells `decided` which rule each of many messages comes to, here as in the interpreter. */
function compareMessages(
  { built, native }: ReturnType<typeof routerOf>,
  { seed, random, asked }: { seed: number; random: RandomValues; asked: readonly Asked[] },
  decided: (rule: number) => void,
): void {
  const state = initialState(built);
  for (let index = 0; index < messagesPerRouter; index += 1) {
    const message = messageFor(random, asked);
    const expected = interpret(built, state, 0, message, 0n);
    const at = `seed ${seed}, message ${Buffer.from(message).toString('hex')}`;
    expect(native.step(0, message, 0n), at).toEqual(expected);
    decided(expected.decision.rule ?? -1);
  }
}

const fieldsOf = (): readonly FieldIr[] => base().schemas[0]?.fields ?? [];
const indexOf = (name: string): number => fieldsOf().findIndex((field) => field.name === name);

/** Adds to `rules` how often a rule of each hundred has decided. */
function compareShapes(seed: number, rules: Map<number, number>): number {
  const random = new RandomValues(seed);
  const asked: Asked[] = [];
  const router = routerOf(shapedRules(random, indexOf('topic'), asked));
  expect(router.route?.matcher, `seed ${seed}`).toBe('text');
  compareMessages(router, { seed, random, asked }, (rule) => {
    const hundred = Math.floor(rule / 100);
    rules.set(hundred, (rules.get(hundred) ?? 0) + 1);
  });
  return router.route?.fields.length ?? 0;
}

/** Enough rules of each of these for a table of their own. */
const kindsOfRules: readonly (readonly [string, TextTest])[] = [
  ['topic', 'prefix'],
  ['note', 'is'],
  ['code', 'prefix'],
  ['added', 'topic'],
];
const rulesOfKind = 24;

/** Adds to `kinds` how often a rule over each kind of text has decided. */
function compareMixed(seed: number, kinds: Map<string, number>): void {
  const random = new RandomValues(seed);
  const asked: Asked[] = [];
  const made: { kind: string; when: ConditionIr }[] = [];
  for (const [name, test] of random.shuffled(kindsOfRules)) {
    const field = fieldsOf()[indexOf(name)] as FieldIr;
    const style = random.pick<TopicStyle>(['mqtt', 'nats']);
    for (let index = 0; index < rulesOfKind; index += 1) {
      const pattern = randomPattern(random, field, test, style);
      asked.push({ field: name, texts: textsNear(random, pattern, style) });
      const styled = test === 'topic' ? { style } : {};
      const patterns = [hexOf(pattern)];
      const when = { kind: 'text', field: indexOf(name), test, ...styled, patterns } as const;
      made.push({ kind: `${name} ${test}`, when });
    }
  }
  const rules = random.shuffled(made);
  const router = routerOf(rules.map(({ when }) => when));
  const texts = router.route?.matchers.filter(({ matcher }) => matcher === 'text') ?? [];
  expect(
    texts.map(({ fields }) => fields.length >= 3),
    `seed ${seed}`,
  ).toEqual([true]);
  compareMessages(router, { seed, random, asked }, (rule) => {
    const kind = rules[rule]?.kind ?? 'none';
    kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
  });
}

function compareOne(seed: number, rules: Map<number, number>): void {
  const random = new RandomValues(seed);
  const fields = fieldsOf();
  const asked: Asked[] = [];
  const count = random.chance(20) ? random.between(65, 120) : random.between(1, 12);
  const made = Array.from({ length: count }, () => condition(random, fields, asked));
  const checks = random.chance(30) ? [condition(random, fields, asked)] : [];
  compareMessages(routerOf(made, checks), { seed, random, asked }, (rule) => {
    const early = Math.min(rule, 20);
    rules.set(early, (rules.get(early) ?? 0) + 1);
  });
}

describe('conditions on text, bits and counts in the engine', () => {
  it('hold for the messages for which they hold in the interpreter', { timeout }, () => {
    const rules = new Map<number, number>();
    for (let index = 0; index < routerCount; index += 1) compareOne(firstSeed + index, rules);
    // Rejected by checks, decided by early rules, by late ones.
    for (const rule of [-1, 0, 1, 2, 5, 20]) expect(rules.get(rule), `${rule}`).toBeGreaterThan(50);
  });

  it('hold for a great many topics of a few shapes', { timeout }, () => {
    const rules = new Map<number, number>();
    const tables = new Set<number>();
    for (let index = 0; index < routerCount / 4; index += 1) {
      tables.add(compareShapes(firstSeed + index, rules));
    }
    for (let hundred = 0; hundred <= 11; hundred += 1) {
      expect(rules.get(hundred), `${hundred}`).toBeGreaterThan(10);
    }
    expect(tables.size).toBeGreaterThan(3);
  });

  it('hold for rules over several texts, whose tables are asked together', { timeout }, () => {
    const kinds = new Map<string, number>();
    for (let index = 0; index < routerCount / 2; index += 1) compareMixed(firstSeed + index, kinds);
    for (const [name, test] of kindsOfRules) {
      expect(kinds.get(`${name} ${test}`), `${name} ${test}`).toBeGreaterThan(50);
    }
    expect(kinds.get('none')).toBeGreaterThan(50);
  });
});
