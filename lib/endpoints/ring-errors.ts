// What a ring's writing end throws for misuse.
import { describeValue } from '../errors.js';

export function sizeError(received: unknown): RangeError {
  const value = describeValue(received);
  return new RangeError(`claim: expected a whole number of bytes from 0, received ${value}`);
}

export function countError(received: unknown): RangeError {
  const value = describeValue(received);
  return new RangeError(
    `claimBatch: expected a whole number of messages from 1, received ${value}`,
  );
}

export function messageError(received: unknown): TypeError {
  return new TypeError(`offer: expected a Uint8Array, received ${describeValue(received)}`);
}

export function commitError(claimedBytes: number, received: unknown): RangeError {
  const value = describeValue(received);
  return new RangeError(`commit: expected 0 to ${claimedBytes} bytes, received ${value}`);
}
