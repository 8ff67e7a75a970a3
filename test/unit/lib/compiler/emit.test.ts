// What the emitter chooses, what it refuses, and how it treats the largest routes there are.
import { describe, expect, it } from 'vitest';
import { emitWithReport, type ImageReport } from '../../../../lib/compiler/emit.js';
import { imageBytesMax } from '../../../../lib/compiler/emit-format.js';
import type {
  ConditionIr,
  ExprIr,
  FieldIr,
  FieldType,
  RouterIr,
  RuleIr,
  ValueIr,
} from '../../../../lib/compiler/ir.js';
import { isHyperRouteError } from '../../../../lib/errors.js';
import { refusal } from '../../../helpers/refusal.js';

const position = { file: 'router.config.ts', line: 12, column: 5 };
const discard = { transform: null, target: { kind: 'discard' } } as const;

function fields(...types: readonly (readonly [string, FieldType, number])[]): FieldIr[] {
  let offset = 0;
  return types.map(([name, type, bytes]) => {
    const field: FieldIr = { name, type, order: 'le', offset, bytes, symbols: null };
    offset += bytes;
    return field;
  });
}

const inputFields = fields(
  ['kind', 'u8', 1],
  ['price', 'u32', 4],
  ['qty', 'u32', 4],
  ['id', 'u64', 8],
  ['delta', 'i16', 2],
  ['text', 'bytes', 5],
);

interface Parts {
  readonly when?: readonly (ConditionIr | null)[];
  readonly checks?: readonly ConditionIr[];
  readonly outputFields?: readonly FieldIr[];
  readonly outputs?: Readonly<Record<string, ValueIr>>;
}

/** A router with one endpoint, one route and, where outputs are given, one transform. */
function routerOf({ when = [null], checks = [], outputFields = inputFields, outputs }: Parts) {
  const schema = (name: string, of: readonly FieldIr[]) => ({
    name,
    templateId: 1n,
    bytes: of.reduce((sum, field) => Math.max(sum, field.offset + field.bytes), 0),
    fields: of,
    sizeField: null,
    typeField: null,
    position,
  });
  const transform = {
    name: 't',
    from: 0,
    to: 1,
    outputs: Object.entries(outputs ?? {}).map(([name, value]) => ({
      field: outputFields.findIndex((field) => field.name === name),
      value,
      rangeCode: 1001,
    })),
    position,
  };
  const rules: RuleIr[] = when.map((condition, index) => ({
    name: `${index}`,
    when: condition,
    action: discard,
    position: { ...position, line: 100 + index },
  }));
  const ir: RouterIr = {
    version: 1,
    name: 'r',
    schemas: [schema('In', inputFields), schema('Out', outputFields)],
    families: [
      { name: 'raw', discriminator: null, size: null, members: [] },
      { name: 'In', discriminator: null, size: null, members: [0] },
    ],
    endpoints: [{ name: 'e', kind: 'memory', family: 1, options: {}, position }],
    pools: [],
    transforms: outputs === undefined ? [] : [transform],
    routes: [
      {
        name: 'In',
        schema: 0,
        sources: [0],
        checks: checks.map((condition) => ({ condition, code: 1000, position })),
        rules,
        reject: null,
        position,
      },
    ],
    rejectCodes: {},
    threading: { model: 'shared' },
    idle: 'block',
    cpu: null,
    sampleEvery: 0,
    drainTimeoutMs: 0,
    position,
  };
  return ir;
}

function field(name: string): ExprIr & { kind: 'field' } {
  return { kind: 'field', field: inputFields.findIndex((candidate) => candidate.name === name) };
}

function within(name: string, low: bigint, high: bigint): ConditionIr {
  return { kind: 'in', value: field(name), intervals: [[low, high]] };
}

function all(...terms: ConditionIr[]): ConditionIr {
  return { kind: 'and', terms };
}

function any(...terms: ConditionIr[]): ConditionIr {
  return { kind: 'or', terms };
}

/** Rules that no table but rows of bits takes: they overlap on three wide fields. */
function overlapping(n: number): ConditionIr {
  const from = BigInt(n);
  return all(
    within('price', from, from + 40_000n),
    within('qty', 3n * from, 3n * from + 50_000n),
    within('id', 5n * from, 5n * from + 60_000n),
  );
}

const notional: ConditionIr = {
  kind: 'compare',
  op: 'lte',
  left: { kind: 'mul', left: field('price'), right: field('qty') },
  right: { kind: 'const', value: 1000n },
};

function reportOf(parts: Parts): ImageReport {
  return emitWithReport(routerOf(parts)).report;
}

describe('rules', () => {
  it('need no matcher when the first one always holds', () => {
    expect(reportOf({ when: [null] }).routes[0]?.matcher).toBe('always');
  });

  it('become class maps: a table for one byte, a search for more', () => {
    const report = reportOf({ when: [within('kind', 1n, 3n), within('qty', 10n, 99n), null] });
    expect(report.routes[0]).toMatchObject({
      matcher: 'table',
      terms: 2,
      programs: 0,
      fields: [
        { field: 'kind', map: 'direct', classes: 3 },
        { field: 'qty', map: 'search', classes: 3 },
      ],
    });
  });

  it('need one term for alternatives on the same field', () => {
    const alternatives = Array.from({ length: 50 }, (_, n) =>
      within('qty', BigInt(3 * n), BigInt(3 * n)),
    );
    expect(reportOf({ when: [any(...alternatives)] }).routes[0]?.terms).toBe(1);
  });

  it('need a term for each conjunction of alternatives on different fields', () => {
    const condition = any(within('kind', 1n, 1n), within('qty', 5n, 5n), within('price', 7n, 7n));
    expect(reportOf({ when: [condition] }).routes[0]?.terms).toBe(3);
  });

  it('that can never hold need no term', () => {
    const never = all(within('qty', 1n, 5n), within('qty', 6n, 9n));
    expect(reportOf({ when: [never, within('kind', 0n, 0n)] }).routes[0]?.terms).toBe(1);
  });

  it('behind one that always holds need no term', () => {
    const always = any(within('qty', 0n, 9n), within('qty', 10n, 0xffffffffn));
    const when = [within('price', 5n, 5n), always, within('kind', 1n, 1n)];
    expect(reportOf({ when }).routes[0]?.terms).toBe(1);
  });

  it('with arithmetic ask a program, and only for messages that the rest of them admits', () => {
    const report = reportOf({ when: [all(within('kind', 4n, 4n), notional)] });
    expect(report.routes[0]).toMatchObject({
      terms: 1,
      programs: 1,
      fields: [{ field: 'kind', classes: 3 }],
    });
  });

  it('of the largest number on exact values are one hash table', () => {
    const when = Array.from({ length: 131_072 }, (_, n) =>
      all(within('id', BigInt(7 * n), BigInt(7 * n)), within('kind', 1n, 1n)),
    );
    const { image, report } = emitWithReport(routerOf({ when: [...when.slice(1), null] }));
    expect(report.routes[0]).toMatchObject({ matcher: 'exact', terms: 131_071, programs: 0 });
    expect(image.length).toBeLessThan(imageBytesMax / 8);
  });

  it('of the largest number on ranges of one field are one table of rules', () => {
    const when = Array.from({ length: 131_072 }, (_, n) =>
      within('id', BigInt(9 * n), BigInt(9 * n + 5)),
    );
    const { image, report } = emitWithReport(routerOf({ when }));
    expect(report.routes[0]).toMatchObject({ matcher: 'table', terms: 131_072, programs: 0 });
    expect(image.length).toBeLessThan(imageBytesMax / 8);
  });

  it('that overlap on several fields have a bit each', () => {
    const when = Array.from({ length: 1000 }, (_, n) => overlapping(n));
    const report = reportOf({ when });
    expect(report.routes[0]).toMatchObject({ matcher: 'aggregated', terms: 1000, programs: 0 });
  });

  it('of different shapes are distributed over matchers, those with programs last', () => {
    const when = Array.from({ length: 60 }, (_, n) => [
      all(within('id', BigInt(n), BigInt(n)), within('kind', 2n, 2n)),
      within('qty', BigInt(100 * n), BigInt(100 * n + 70)),
      ...(n % 20 === 0 ? [all(within('delta', BigInt(n), 90n), notional)] : []),
    ]).flat();
    const route = reportOf({ when }).routes[0];
    expect(route?.matcher).toBe('several');
    expect(route?.matchers.map(({ matcher, terms }) => [matcher, terms])).toEqual([
      ['table', 60],
      ['table', 60],
      ['word', 3],
    ]);
  });
});

describe('checks', () => {
  const kindOf = (...checks: ConditionIr[]) => reportOf({ checks }).routes[0]?.checks;

  it('of one interval are a range, of several a search, of many values a set', () => {
    const several: ConditionIr = {
      kind: 'in',
      value: field('delta'),
      intervals: [
        [-5n, -1n],
        [1n, 5n],
      ],
    };
    const values = [1n, 3n, 5n, 7n, 9n].map((n) => [n, n] as const);
    const many: ConditionIr = { kind: 'in', value: field('delta'), intervals: values };
    expect(kindOf(within('qty', 1n, 5n), several, many)).toEqual(['range', 'search', 'set']);
  });

  it('on several fields are one test after the other', () => {
    expect(kindOf(all(within('qty', 1n, 5n), within('kind', 1n, 2n)))).toEqual(['range', 'range']);
  });

  it('of a product of two fields need no program', () => {
    expect(kindOf(notional)).toEqual(['pair']);
    const order: ConditionIr = {
      kind: 'compare',
      op: 'lt',
      left: field('qty'),
      right: field('id'),
    };
    expect(kindOf(order)).toEqual(['pair']);
  });

  it('whose product may leave 128 bits are a program', () => {
    const square: ExprIr = { kind: 'mul', left: field('id'), right: field('id') };
    expect(kindOf({ kind: 'in', value: square, intervals: [[0n, 9n]] })).toEqual(['program']);
  });

  it('that always hold are left out', () => {
    expect(kindOf(within('kind', 0n, 255n))).toEqual([]);
  });
});

describe('transforms', () => {
  const opsOf = (outputFields: readonly FieldIr[], outputs: Readonly<Record<string, ValueIr>>) =>
    reportOf({ outputFields, outputs }).transforms[0]?.ops;
  const copy = (name: string): ValueIr => field(name);

  it('copy fields that stand in the same order at once', () => {
    const few = { kind: copy('kind'), price: copy('price'), qty: copy('qty') };
    expect(opsOf(inputFields.slice(0, 3), few)).toEqual(['copy8', 'copy1']);
    const more = { ...few, id: copy('id') };
    expect(opsOf(inputFields.slice(0, 4), more)).toEqual(['shuffle', 'shuffle']);
  });

  it('write constants and padding together', () => {
    const out = fields(['a', 'u16', 2], ['gap', 'bytes', 5], ['b', 'u8', 1], ['id', 'u64', 8]);
    const outputs = { a: { kind: 'const', value: 7n }, id: copy('id') } as const;
    expect(opsOf(out, outputs)).toEqual(['shuffle']);
  });

  it('check only values that may not fit', () => {
    const out = fields(
      ['id', 'u32', 4],
      ['qty', 'u64', 8],
      ['delta', 'u16', 2],
      ['kind', 'i16', 2],
    );
    const outputs = { id: copy('id'), qty: copy('qty'), delta: copy('delta'), kind: copy('kind') };
    expect(opsOf(out, outputs)).toEqual(['shuffle', 'narrowChecked', 'narrowChecked']);
  });

  it('fail in the order of their outputs, wherever these stand in the message', () => {
    const out = fields(['first', 'u8', 1], ['second', 'u8', 1]);
    const outputs = {
      second: { kind: 'map', field: 0, pairs: [[1n, 1n]], code: 1002 },
      first: copy('qty'),
    } as const;
    expect(opsOf(out, outputs)).toEqual(['mapByte', 'narrowChecked']);
  });

  it('swap the byte order of fields of the same size', () => {
    const out = inputFields.slice(1, 4).map((each): FieldIr => ({ ...each, order: 'be' }));
    const outputs = { price: copy('price'), qty: copy('qty'), id: copy('id') };
    expect(opsOf(out, outputs)).toEqual(['shuffle', 'shuffle']);
  });
});

describe('the emitter refuses, with the position,', () => {
  const failure = (parts: Parts): unknown => {
    try {
      emitWithReport(routerOf(parts));
    } catch (error) {
      return error;
    }
    return null;
  };

  it('conditions that expand beyond the bound', () => {
    // Each factor triples the conjunctions: 3^8 is beyond the bound of 4096.
    const factor = (n: bigint) =>
      any(within('kind', n, 200n), within('price', n, 5000n), within('qty', n, 7000n));
    const factors = Array.from({ length: 8 }, (_, n) => factor(BigInt(n)));
    const error = failure({ when: [all(...factors), null] });
    expect(isHyperRouteError(error, 'ERR_ROUTE_LIMIT')).toBe(true);
    expect(error).toMatchObject({ detail: { option: 'In.rules[0]', place: { line: 100 } } });
  });

  it('checks that need more records than their count can say', () => {
    const sum: ConditionIr = {
      kind: 'compare',
      op: 'lte',
      left: { kind: 'add', left: { kind: 'field', field: 1 }, right: { kind: 'field', field: 2 } },
      right: { kind: 'const', value: 5n },
    };
    const half = all(...Array.from({ length: 32_768 }, () => sum));
    expect(failure({ checks: [half, half] })).toMatchObject({
      code: 'ERR_ROUTE_LIMIT',
      detail: { option: 'In', received: 65_536 },
    });
  });

  it('rules that need more terms than the bound', () => {
    const error = failure({ when: Array.from({ length: 16_385 }, (_, n) => overlapping(n)) });
    expect(isHyperRouteError(error, 'ERR_ROUTE_LIMIT')).toBe(true);
    expect(error).toMatchObject({
      detail: {
        option: 'In',
        received: expect.stringMatching(/^16385 conjunctions, predicted \d+ ns .* \d+ bytes$/),
      },
    });
  });

  it('comparisons of fields that hold bytes', () => {
    const error = failure({ when: [within('text', 0n, 1n)] });
    expect(error).toMatchObject({ code: 'ERR_ROUTE', detail: { expected: 'an integer field' } });
  });

  it('constants that their field cannot hold', () => {
    const error = failure({ outputs: { kind: { kind: 'const', value: 256n } } });
    expect(error).toMatchObject({ code: 'ERR_ROUTE', detail: { received: 256n } });
  });

  it('more conditions than a word of them on a message that has no field to decide by', () => {
    const text = fields(['text', 'bytes', 5]);
    const never: ConditionIr = {
      kind: 'compare',
      op: 'gt',
      left: { kind: 'const', value: 1n },
      right: { kind: 'const', value: 2n },
    };
    const withRules = (count: number): RouterIr => {
      const ir = routerOf({ when: Array.from({ length: count }, () => never) });
      const [input, output] = ir.schemas;
      if (input === undefined || output === undefined) throw new Error('two schemas');
      return { ...ir, schemas: [{ ...input, fields: text, bytes: 5 }, output] };
    };
    expect(emitWithReport(withRules(64)).report.routes[0]?.terms).toBe(64);
    expect(refusal(() => emitWithReport(withRules(65)))).toMatchObject({
      code: 'ERR_ROUTE_LIMIT',
      detail: { option: 'In', received: expect.stringMatching(/^65 /), place: position },
    });
  });

  it('two sequence numbers in one message', () => {
    const error = failure({ outputs: { id: { kind: 'sequence' }, qty: { kind: 'sequence' } } });
    expect(error).toMatchObject({ code: 'ERR_ROUTE', detail: { place: position } });
  });
});
