// The public layoutImage: of a schema, and of nothing else.
import { expect, it } from 'vitest';
import { layout, layoutImage, schema, schemaFromJson, t } from '../../../../lib/index.js';
import { Everything, EverythingV2, readLayoutVector } from '../../../helpers/layout-vectors.js';
import { refusal } from '../../../helpers/refusal.js';

it('gives the image of the version that the schema is of', () => {
  expect(layoutImage(Everything)).toEqual(readLayoutVector('everything-1'));
  expect(layoutImage(EverythingV2)).toEqual(readLayoutVector('everything-2'));
});

it('gives the same image of a schema that was loaded from its JSON', () => {
  const loaded = schemaFromJson(JSON.parse(JSON.stringify(EverythingV2)));
  expect(layoutImage(loaded)).toEqual(readLayoutVector('everything-2'));
});

it('takes foreign schemas', () => {
  const Packed = schema('Packed', 1, { a: t.u16 }, { layout: layout.packed('be') });
  expect(new TextDecoder().decode(layoutImage(Packed).subarray(0, 4))).toBe('HRML');
});

it('refuses what is no schema, and says where', () => {
  const { code, detail } = refusal(() => layoutImage(Everything.model as never));
  expect(code).toBe('ERR_SCHEMA');
  expect(detail).toMatchObject({ option: 'layoutImage', expected: 'a schema' });
  expect(detail.place?.file).toContain('layout-of-schema.test.ts');
});
