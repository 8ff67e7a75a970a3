// Both ends of the record ring that JavaScript and the router share, each held against the other.
import { describe, expect, it } from 'vitest';
import { offerCodes } from '../../../../lib/codes.js';
import { MemoryEndpoint } from '../../../../lib/endpoints/memory-endpoint.js';
import { RingConsumer, RingProducer, ringMemoryBytes } from '../../../../lib/endpoints/ring.js';
import { layout, schema, t } from '../../../../lib/index.js';

const capacityBytes = 4096;
const parkedIndex = 192 / 4;
const producerParkedIndex = 256 / 4;

function newRing(firstPosition = 0) {
  const memory = new Uint8Array(new SharedArrayBuffer(ringMemoryBytes(capacityBytes)));
  const control = new Int32Array(memory.buffer);
  control[2] = capacityBytes;
  control[16] = firstPosition;
  control[32] = firstPosition;
  let wakes = 0;
  const wake = () => {
    wakes++;
  };
  const producer = new RingProducer(memory, wake);
  return { producer, consumer: new RingConsumer(memory, wake), control, wakes: () => wakes };
}

/** A message of a size and content that follow from its number. */
function message(number: number): Uint8Array {
  return Uint8Array.from({ length: (number * 37) % 500 }, (_value, at) => (number + at) & 255);
}

describe('a ring between JavaScript and the router', () => {
  it.each([0x7fff_ff00, -256])('hands over all sizes in order, over its end and %i', (first) => {
    const { producer, consumer } = newRing(first);
    const count = 500;
    let taken = 0;
    for (let number = 0; number < count; ) {
      while (number < count && producer.offer(message(number)) > 0) number++;
      producer.flush();
      for (; consumer.next(); taken++) {
        const same = Buffer.compare(consumer.copy(), message(taken)) === 0;
        expect(same, `message ${taken}`).toBe(true);
      }
      consumer.release();
    }
    expect(taken).toBe(count);
  });

  it('shows nothing before the flush, and everything after it', () => {
    const { producer, consumer } = newRing();
    producer.offer(message(1));
    producer.offer(message(2));
    expect(consumer.next()).toBe(false);
    producer.flush();
    expect([consumer.next(), consumer.next(), consumer.next()]).toEqual([true, true, false]);
  });

  it('wakes a writer that sleeps for want of room, once, when there is room', () => {
    const { producer, consumer, control, wakes } = newRing();
    producer.offer(message(1));
    producer.flush();
    Atomics.store(control, producerParkedIndex, 1);
    consumer.release();
    expect(wakes()).toBe(0);
    expect(consumer.next()).toBe(true);
    consumer.release();
    expect([wakes(), control[producerParkedIndex]]).toEqual([1, 0]);
  });

  it('takes batches side by side, as many as fit, over its end and when it is full', () => {
    const { producer, consumer } = newRing();
    const sizes = [1, 8, 20, 64, 200];
    let sent = 0;
    let taken = 0;
    for (let round = 0; round < 400; round++) {
      const bytes = sizes[round % sizes.length] ?? 1;
      const offset = producer.claimBatch(bytes, 1 + (round % 16));
      if (offset >= 0) {
        expect(producer.batchCount).toBeLessThanOrEqual(1 + (round % 16));
        for (let index = 0; index < producer.batchCount; index++) {
          const at = offset + index * producer.batchStride;
          producer.bytes.fill(sent++ & 255, at, at + bytes);
        }
        producer.commit();
      }
      producer.flush();
      if (round % 3 !== 0) continue;
      for (; consumer.next(); taken++) {
        const same = consumer.copy().every((byte) => byte === (taken & 255));
        expect(same, `message ${taken}`).toBe(true);
      }
      consumer.release();
    }
    while (consumer.next()) taken++;
    expect(taken).toBe(sent);
    expect(sent).toBeGreaterThan(400);
  });

  it('refuses a batch of no message and of no size', () => {
    const { producer } = newRing();
    expect(() => producer.claimBatch(8, 0)).toThrow(RangeError);
    expect(() => producer.claimBatch(8, 1.5)).toThrow(RangeError);
    expect(() => producer.claimBatch(-1, 4)).toThrow(RangeError);
    expect(producer.claimBatch(capacityBytes, 4)).toBe(offerCodes.TOO_LARGE);
  });

  it('takes a message that needs less than was claimed for it', () => {
    const { producer, consumer } = newRing();
    for (let round = 0; round < 200; round++) {
      const bytes = round % 60;
      const offset = producer.claim(60);
      producer.bytes.fill(round, offset, offset + bytes);
      producer.commit(bytes);
      producer.offer(message(round));
      producer.flush();
      for (const expected of [new Uint8Array(bytes).fill(round), message(round)]) {
        expect(consumer.next()).toBe(true);
        expect(consumer.copy()).toEqual(expected);
      }
      consumer.release();
    }
  });

  it('refuses to give a message more than was claimed, or another of a batch its size', () => {
    const { producer } = newRing();
    expect(() => producer.commit(8)).toThrow(TypeError);
    producer.claim(16);
    for (const bytes of [17, -1, 1.5]) expect(() => producer.commit(bytes)).toThrow(RangeError);
    producer.commit(16);
    producer.claimBatch(16, 3);
    expect(() => producer.commit(8)).toThrow(TypeError);
  });

  it('forgets a claim that another one follows', () => {
    const { producer, consumer } = newRing();
    producer.claim(400);
    producer.flush();
    expect(consumer.next()).toBe(false);
    producer.offer(message(3));
    producer.flush();
    expect(consumer.next()).toBe(true);
    expect(consumer.copy()).toEqual(message(3));
    expect(consumer.next()).toBe(false);
    expect(() => producer.commit()).toThrow(TypeError);
  });

  it('is full until the reader has released, never overwriting what it has not', () => {
    const { producer, consumer } = newRing();
    let held = 0;
    while (producer.offer(message(7)) > 0) held++;
    expect(producer.offer(message(7))).toBe(offerCodes.BACK_PRESSURE);
    expect(producer.offer(new Uint8Array(producer.messageBytesMax + 1))).toBe(offerCodes.TOO_LARGE);
    producer.flush();
    let shown = 0;
    for (; consumer.next(); shown++) expect(consumer.copy()).toEqual(message(7));
    expect(shown).toBe(held);
    expect(producer.offer(message(7))).toBe(offerCodes.BACK_PRESSURE);
    consumer.release();
    expect(producer.offer(message(7))).toBeGreaterThan(0);
  });

  it('wakes a sleeping reader once a sleep, and refuses the sleep when something is there', () => {
    const { producer, consumer, control, wakes } = newRing();
    expect(consumer.park()).toBe(true);
    for (let number = 0; number < 3; number++) {
      producer.offer(message(1));
      producer.flush();
    }
    expect(wakes()).toBe(1);
    expect(consumer.park()).toBe(false);
    expect(control[parkedIndex]).toBe(0);
  });

  it('flushes by itself at the end of the turn', async () => {
    const { producer, consumer } = newRing();
    producer.offer(message(5));
    await Promise.resolve();
    expect(consumer.next()).toBe(true);
  });

  it.each([-1, 1.5, Number.NaN, '8', undefined])('refuses a claim of %s bytes', (size) => {
    const { producer, consumer } = newRing();
    expect(() => producer.claim(size as number)).toThrow(RangeError);
    producer.offer(message(5));
    producer.flush();
    expect(consumer.next()).toBe(true);
    expect(consumer.copy()).toEqual(message(5));
  });

  it.each(['text', {}, [1, 2], new Uint16Array(2), new ArrayBuffer(8), undefined])(
    'refuses to offer what is not bytes: %s',
    (value) => {
      const { producer, consumer } = newRing();
      expect(() => producer.offer(value as never)).toThrow(/expected a Uint8Array/);
      producer.flush();
      expect(consumer.next()).toBe(false);
    },
  );

  it('ends: offers into a ring that nobody reads any more are refused once it is full', () => {
    const { producer, consumer } = newRing();
    while (producer.offer(message(9)) > 0);
    consumer.close();
    expect(producer.offer(message(9))).toBe(offerCodes.CLOSED);
    producer.close();
    expect(consumer.producerClosed).toBe(true);
  });

  describe('whose claim ends before messages that are not read yet', () => {
    const Native = schema('Native', 1, { id: t.u64, text: t.string, parts: t.group({ n: t.u64 }) });
    const Fixed = schema('Fixed', 2, { id: t.u64, more: t.bytes(80) });
    const Foreign = schema('Foreign', 3, { id: t.u64, more: t.rest }, { layout: layout.packed() });

    it.each([
      [
        'a writer',
        (bytes: Uint8Array, offset: number, end: number) => {
          const writer = Native.writer().wrap(bytes, offset, end);
          writer.text = 'x'.repeat(100);
          writer.finish();
        },
      ],
      [
        'a writer of a group',
        (bytes: Uint8Array, offset: number, end: number) => {
          Native.writer().wrap(bytes, offset, end).parts(40);
        },
      ],
      [
        'a writer of a foreign layout',
        (bytes: Uint8Array, offset: number, end: number) => {
          const writer = Foreign.writer().wrap(bytes, offset, end);
          writer.more = new Uint8Array(100);
          writer.finish();
        },
      ],
      [
        'a writer of a message too large by itself',
        (bytes: Uint8Array, offset: number, end: number) => {
          Fixed.writer().wrap(bytes, offset, end);
        },
      ],
      [
        'encode',
        (bytes: Uint8Array, offset: number, end: number) => {
          Native.encode({ id: 1n, text: 'x'.repeat(100), parts: [] }, bytes, offset, end);
        },
      ],
      [
        'encode of a foreign layout',
        (bytes: Uint8Array, offset: number, end: number) => {
          Foreign.encode({ id: 1n, more: new Uint8Array(100) }, bytes, offset, end);
        },
      ],
    ])('keeps %s that writes too much away from them', (_what, write) => {
      const { producer, consumer } = newRing();
      // The second lap: the claim lies in front of messages that are not read yet.
      for (let count = 0; count < 8; count++) producer.offer(new Uint8Array(488).fill(count));
      producer.flush();
      expect(consumer.next()).toBe(true);
      consumer.release();
      producer.offer(new Uint8Array(112));
      const offset = producer.claim(64);
      expect([offset, producer.claimEnd]).toEqual([8, 72]);
      const behind = producer.bytes.slice(producer.claimEnd);
      expect(() => write(producer.bytes, offset, producer.claimEnd)).toThrow(RangeError);
      expect(producer.bytes.slice(producer.claimEnd)).toEqual(behind);
      for (let count = 1; count < 8; count++) {
        expect(consumer.next()).toBe(true);
        expect(consumer.copy()).toEqual(new Uint8Array(488).fill(count));
      }
    });
  });

  it('tells where a claim ends, and 0 where none is open', () => {
    const { producer } = newRing();
    expect(producer.claimEnd).toBe(0);
    const offset = producer.claim(13);
    expect(producer.claimEnd).toBe(offset + 13);
    producer.commit();
    expect(producer.claimEnd).toBe(0);
    const first = producer.claimBatch(13, 3);
    expect(producer.claimEnd).toBe(first + 2 * producer.batchStride + 13);
  });

  it('has no claim after one that failed', () => {
    const { producer } = newRing();
    const failing: (() => unknown)[] = [
      () => producer.claim(capacityBytes),
      () => expect(() => producer.claim(-1)).toThrow(RangeError),
      () => expect(() => producer.claimBatch(8, 0)).toThrow(RangeError),
    ];
    for (const fail of failing) {
      producer.claim(16);
      fail();
      expect(producer.claimEnd).toBe(0);
      expect(() => producer.commit()).toThrow(TypeError);
    }
    while (producer.offer(message(9)) > 0);
    expect(() => producer.commit()).toThrow(TypeError);
  });

  const sound = [24, 1];
  it.each([
    ['no commit word', [24, 0]],
    ['an unknown commit word', [24, 3]],
    ['more bytes than were published', [4000, 1]],
    ['more bytes than a message has', [2048, 1]],
    ['a size that overflows', [0xffff_fff8, 1]],
    ['padding in the middle', [24, 2]],
  ])('stops at a header with %s, and tells the writer', (_what, header) => {
    const { producer, consumer } = newRing();
    for (let count = 0; count < 3; count++) producer.offer(new Uint8Array(24));
    producer.flush();
    expect(Array.from(producer.words.subarray(8, 10))).toEqual(sound);
    producer.words.set(header, 8);
    expect([consumer.next(), consumer.corrupt]).toEqual([true, false]);
    expect([consumer.next(), consumer.corrupt, consumer.length]).toEqual([false, true, 24]);
    expect(consumer.release()).toBe(true);
    expect([consumer.next(), consumer.park(), consumer.release()]).toEqual([false, true, false]);
    while (producer.offer(message(9)) > 0);
    expect(producer.offer(message(9))).toBe(offerCodes.CLOSED);
  });

  it.each([4, 8192, -8])('stops at a tail that no writer leaves: %i', (tail) => {
    const { consumer, control } = newRing();
    Atomics.store(control, 16, tail);
    expect([consumer.next(), consumer.corrupt]).toEqual([false, true]);
  });

  it('ends a memory endpoint whose ring is corrupt with an error', () => {
    const endpoint = new MemoryEndpoint('book', 'poll', capacityBytes, () => 0);
    new Int32Array(endpoint.memory.inbound.buffer)[2] = capacityBytes;
    new Int32Array(endpoint.memory.outbound.buffer)[2] = capacityBytes;
    endpoint.open(() => undefined);
    Atomics.store(new Int32Array(endpoint.memory.inbound.buffer), 16, 4);
    expect(() => endpoint.poll((batch) => batch.next())).toThrow(/its ring is corrupt/);
  });
});
