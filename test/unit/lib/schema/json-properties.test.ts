// Every message of every schema survives the text of its JSON. HYPERROUTE_SEED repeats a run.
import { expect, test } from 'vitest';
import { type AnySchema, messageFromJson, messageToJson } from '../../../../lib/index.js';
import { MessageSchema } from '../../../../lib/schema/schema.js';
import { randomHistory, spiced } from '../../../helpers/evolution.js';
import { testSeed } from '../../../helpers/random.js';
import { randomForeign, randomValues } from '../../../helpers/random-models.js';
import { RandomValues } from '../../../helpers/random-values.js';

const seed = testSeed();
const cases = 150;

interface Coded extends AnySchema {
  encode(message: object, target: Uint8Array): number;
  sizeOf(message: object): number;
  decode(source: Uint8Array): object;
}

function randomSchema(random: RandomValues): Coded {
  const place = { file: 'random.ts', line: 1, column: 1 };
  if (random.chance(30)) return new MessageSchema(randomForeign(random), place) as never;
  return random.pick(randomHistory(random)) as Coded;
}

test('a decoded message is the same after a trip through JSON', () => {
  for (let index = 0; index < cases; index++) {
    const random = new RandomValues(seed + index);
    const made = randomSchema(random);
    const { block } = made.model;
    for (let round = 0; round < 4; round++) {
      const values = spiced(random, randomValues(random, block), block);
      const bytes = new Uint8Array(made.sizeOf(values));
      made.encode(values, bytes);
      const message = made.decode(bytes);
      const where = `HYPERROUTE_SEED=${seed}, case ${index}: ${JSON.stringify(made)}`;
      const text = JSON.stringify(messageToJson(made, message as never));
      expect(messageFromJson(made, JSON.parse(text)), where).toEqual(message);
      // What encode takes may leave defaults out; their JSON names them.
      expect(JSON.stringify(messageToJson(made, values as never)), where).toBe(text);
    }
  }
});

test('damaged JSON is refused as such, or stands for a message that can be encoded', () => {
  const junk = [null, true, -1, 2 ** 60, 1.5, '', 'x', '12', [], {}, [[]], { a: 1 }];
  let refused = 0;
  for (let index = 0; index < cases; index++) {
    const random = new RandomValues(seed + index);
    const made = randomSchema(random);
    const values = randomValues(random, made.model.block);
    const json = { ...messageToJson(made, values as never) } as Record<string, unknown>;
    json[random.pick([...Object.keys(json), 'other'])] = random.pick(junk);
    let message: object;
    try {
      message = messageFromJson(made, json) as object;
    } catch (error) {
      expect(error).toMatchObject({ code: 'ERR_MESSAGE' });
      refused += 1;
      continue;
    }
    expect(made.encode(message, new Uint8Array(made.sizeOf(message)))).toBeGreaterThan(0);
  }
  expect(refused).toBeGreaterThan(cases / 10);
});
