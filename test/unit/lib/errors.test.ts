// The one error class and the helpers that word configuration errors.
import { describe, expect, it } from 'vitest';
import {
  configError,
  describeValue,
  HyperRouteError,
  isHyperRouteError,
  optionError,
} from '../../../lib/errors.js';

describe('HyperRouteError', () => {
  it('carries a code, a typed detail and the cause', () => {
    const cause = new Error('EADDRINUSE');
    const detail = { context: 'bind 127.0.0.1:9000', syscall: 'bind', errno: 98 };
    const error = new HyperRouteError('ERR_ADDRESS_IN_USE', 'port taken', detail, { cause });
    expect(error).toBeInstanceOf(Error);
    expect([error.name, error.code, error.detail.errno]).toEqual([
      'HyperRouteError',
      'ERR_ADDRESS_IN_USE',
      98,
    ]);
    expect(error.cause).toBe(cause);
  });

  it('is recognised by class and code', () => {
    const error: unknown = configError('a', 'a number', 'x');
    expect(isHyperRouteError(error)).toBe(true);
    expect(isHyperRouteError(error, 'ERR_CONFIG')).toBe(true);
    expect(isHyperRouteError(error, 'ERR_CLOSED')).toBe(false);
    expect(isHyperRouteError(new Error('x'))).toBe(false);
  });

  it('names the option, what was expected, what was given and the place', () => {
    const place = { file: 'router.config.ts', line: 8, column: 3 };
    const error = configError('endpoints.in.port', 'an integer from 0 to 65535', 70000, place);
    expect(error.message).toBe(
      'router.config.ts:8:3: endpoints.in.port: ' +
        'expected an integer from 0 to 65535, received 70000',
    );
    expect(error.detail).toEqual({
      option: 'endpoints.in.port',
      expected: 'an integer from 0 to 65535',
      received: 70000,
      place,
    });
  });

  it('keeps the code of another option error', () => {
    expect(optionError('ERR_SCHEMA', 'Order.qty', 'a field type', undefined).code).toBe(
      'ERR_SCHEMA',
    );
  });
});

describe('describeValue', () => {
  const circular: { self?: unknown } = {};
  circular.self = circular;
  it.each([
    ['text', '"text"'],
    [12n, '12n'],
    [undefined, 'undefined'],
    [null, 'null'],
    [Number.NaN, 'NaN'],
    [{ a: 1, b: 2n }, '{"a":1,"b":"2n"}'],
    [circular, '[object Object]'],
    [function handler() {}, 'function handler'],
    [Symbol('s'), 'Symbol(s)'],
  ])('shows %s without throwing', (value, text) => {
    expect(describeValue(value)).toBe(text);
  });

  it('shortens a long value', () => {
    expect(describeValue('x'.repeat(500))).toHaveLength(80);
  });
});
