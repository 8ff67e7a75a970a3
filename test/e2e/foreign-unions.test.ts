// Families of foreign messages: the type field of any width, order and place, members of different
// sizes. The router and the schemas tell them apart in the same way.
import {
  type AnySchema,
  defineRouter,
  HyperRoute,
  isHyperRouteError,
  layout,
  memory,
  otherwise,
  route,
  schema,
  t,
  union,
} from 'hyperroute';
import { afterEach, describe, expect, it } from 'vitest';
import { Random, testSeed } from '../helpers/random.js';

const routers: HyperRoute[] = [];

afterEach(async () => {
  for (const router of routers.splice(0)) await router.close();
});

const types = ['u8', 'i8', 'u16', 'u32', 'i32', 'u64', 'i64'] as const;
const highs = { u8: 255n, i8: 127n, u16: 65_535n, u32: 2n ** 32n - 1n, i32: 2n ** 31n - 1n };
const orders = ['le', 'be'] as const;
/** A type that no member has: this byte, as many times as the type field has bytes. */
const unknownByte = 0x5a;
const unknownTypes = [1, 2, 4, 8].map((bytes) => BigInt(`0x${'5a'.repeat(bytes)}`));

interface Shape {
  readonly type: (typeof types)[number];
  readonly order: (typeof orders)[number];
  readonly kind: 'packed' | 'c';
  /** Bytes before the type field. */
  readonly before: number;
  readonly hasSize: boolean;
}

const shapes: Shape[] = types.flatMap((type) =>
  orders.flatMap((order) =>
    [0, 1, 7, 200].map((before): Shape => {
      const isEven = before % 2 === 0;
      return { type, order, before, kind: isEven ? 'packed' : 'c', hasSize: isEven };
    }),
  ),
);

/** Members of different sizes, their template ids anywhere in the type's range. */
function membersOf(shape: Shape, random: Random): AnySchema[] {
  const { type, before } = shape;
  const high = type in highs ? highs[type as keyof typeof highs] : 2n ** 63n - 1n;
  const ids = new Set([0n, high]);
  while (ids.size < 5) {
    const id = random.bigint(0n, high);
    if (!unknownTypes.includes(id)) ids.add(id);
  }
  const rule = shape.kind === 'c' ? layout.c(shape.order) : layout.packed(shape.order);
  return [...ids].map((id, index) => {
    const fields = {
      ...(before > 0 ? { before: t.bytes(before) } : {}),
      type: t[type],
      ...(shape.hasSize ? { size: t.u16 } : {}),
      body: t.bytes(1 + 8 * index),
    };
    return schema(`Member${index}`, id, fields, { layout: rule }) as AnySchema;
  });
}

interface Codec {
  encode(message: object, target: Uint8Array): number;
  decode(source: Uint8Array): object;
}

function messageOf(member: AnySchema, before: number, fill: number): Uint8Array {
  const bytes = new Uint8Array(member.bytesMax);
  const body = new Uint8Array(member.model.block.fields.at(-1)?.bytes ?? 0).fill(fill);
  const rest = before > 0 ? { before: new Uint8Array(before).fill(fill + 1) } : {};
  expect((member as unknown as Codec).encode({ ...rest, body }, bytes)).toBe(bytes.length);
  return bytes;
}

function codeOf(body: () => unknown): string {
  try {
    body();
    return 'none';
  } catch (error) {
    return isHyperRouteError(error) ? error.code : String(error);
  }
}

/** A router that sends each member to an endpoint of its own. */
async function start(members: readonly AnySchema[], hasSize: boolean) {
  const header = hasSize ? { type: 'type', size: 'size' } : { type: 'type' };
  const family = union('Family', header as never, members);
  const options = { messages: family, mode: 'poll' } as const;
  const inside = memory('in', options);
  const outs = members.map(({ name }) => memory(name, options));
  const config = defineRouter({
    endpoints: [inside, ...outs],
    threading: 'inline',
    routes: members.map((member, index) =>
      route.first(member as never, () => [otherwise.to(outs[index] as never)], {
        from: inside as never,
      }),
    ),
  });
  const router = await HyperRoute.start(config);
  routers.push(router);
  return router;
}

describe('a family of foreign messages', () => {
  it.each(shapes)('$type $order behind $before bytes, $kind', async (shape) => {
    const seed = testSeed();
    const random = new Random(seed);
    const members = membersOf(shape, random);
    const router = await start(members, shape.hasSize);
    const inside = router.memory('in');
    const sent = members.map((): string[] => []);
    for (let turn = 0; turn < 40; turn++) {
      const index = random.below(members.length);
      const message = messageOf(members[index] as AnySchema, shape.before, turn);
      sent[index]?.push(Buffer.from(message).toString('hex'));
      expect(inside.offer(message)).toBeGreaterThan(0);
    }
    const cut = messageOf(members[4] as AnySchema, shape.before, 1).subarray(0, -1);
    inside.offer(cut);
    inside.offer(new Uint8Array(members[0]?.bytesMax ?? 0).fill(unknownByte));
    inside.flush();
    while (router.poll() > 0);
    for (const [index, { name }] of members.entries()) {
      const got: string[] = [];
      router.memory(name).poll((batch) => {
        while (batch.next()) got.push(Buffer.from(batch.copy()).toString('hex'));
      });
      expect(got, `seed ${seed}`).toEqual(sent[index]);
    }
    const { rejects } = router.metrics();
    expect(rejects, `seed ${seed}`).toMatchObject({ MALFORMED: 1, UNKNOWN_TYPE: 1 });
  });

  it.each(shapes)('each member reads its own only: $type $order $before', (shape) => {
    const members = membersOf(shape, new Random(testSeed()));
    const header = shape.hasSize ? { type: 'type', size: 'size' } : { type: 'type' };
    union('Family', header as never, members);
    for (const member of members) {
      const message = messageOf(member, shape.before, 7);
      for (const reader of members) {
        // A longer member's bytes are enough for a shorter one; its type is wrong all the same.
        const expected = reader === member ? 'none' : 'ERR_MESSAGE';
        expect(codeOf(() => (reader as unknown as Codec).decode(message))).toBe(expected);
      }
    }
  });
});

describe('a type field', () => {
  const packed = { layout: layout.packed('be') };

  it('that is text is refused: the letter is the template id of an integer field', () => {
    const Text = schema('Text', 65, { type: t.ascii(1), a: t.u8 }, packed);
    const error = codeOf(() => union('Texts', { type: 'type' } as never, [Text]));
    expect(error).toBe('ERR_SCHEMA');
    const Letter = schema('Letter', 'A'.charCodeAt(0), { type: t.u8, a: t.u8 }, packed);
    union('Letters', { type: 'type' }, [Letter]);
    const bytes = new Uint8Array(2);
    Letter.encode({ a: 1 }, bytes);
    expect(Buffer.from(bytes).toString('latin1')).toBe('A\x01');
  });

  it('at two places is refused', () => {
    const First = schema('First', 1, { type: t.u8, a: t.u16 }, packed);
    const Second = schema('Second', 2, { a: t.u16, type: t.u8 }, packed);
    expect(codeOf(() => union('Both', { type: 'type' }, [First, Second]))).toBe('ERR_SCHEMA');
  });
});
