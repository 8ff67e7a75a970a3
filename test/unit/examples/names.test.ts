// The DNS server of the example of scaling: what it answers, and what it does not.
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { NameServer } from '../../../examples/dynamic-scaling/names.js';

/** Number 0x1234, one question: the addresses of `a.b`. */
const question = Buffer.from(
  '123401000001000000000000' + '0161' + '0162' + '00' + '00010001',
  'hex',
);

let server: NameServer;
let client: Socket;

beforeEach(async () => {
  server = await NameServer.start(['127.0.0.2', '127.0.0.3']);
  client = createSocket('udp4');
  client.connect(Number(server.resolver.split(':')[1]), '127.0.0.1');
  await once(client, 'connect');
});

afterEach(() => {
  client.close();
  server.close();
});

async function ask(): Promise<Buffer> {
  const answer = once(client, 'message');
  client.send(question);
  return (await answer)[0] as Buffer;
}

it('answers with the addresses that a name has', async () => {
  const answer = await ask();
  expect(answer.subarray(0, 8).toString('hex')).toBe('1234' + '8180' + '0001' + '0002');
  expect(answer.subarray(12, question.length)).toEqual(question.subarray(12));
  expect(answer.subarray(question.length).toString('hex')).toBe(
    ['7f000002', '7f000003'].map((address) => `c00c00010001000000010004${address}`).join(''),
  );
});

it('overlooks what is too short to be a question, however it is cut off', async () => {
  for (let bytes = 0; bytes < question.length; bytes += 1) client.send(question.subarray(0, bytes));
  const answers: Buffer[] = [];
  client.on('message', (answer) => answers.push(answer));
  await ask();
  expect(answers).toHaveLength(1);
});
