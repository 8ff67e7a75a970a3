// The emitter's output is a file format: the same configuration must keep giving the same bytes
// until the format's version changes. HYPERROUTE_UPDATE_VECTORS=1 writes the images anew.
import { describe, expect, it } from 'vitest';
import { emit, emitWithReport } from '../../../../lib/compiler/emit.js';
import { imageFormatVersion } from '../../../../lib/compiler/emit-format.js';
import { serialize } from '../../../../lib/compiler/serialize.js';
import { correlatedIr } from '../../../helpers/correlated-vector.js';
import { everyPoolIr } from '../../../helpers/every-pool.js';
import { fanOutIr } from '../../../helpers/fan-out-router.js';
import {
  imageVectors,
  readVectorImage,
  readVectorIr,
  writeVectorImage,
  writeVectorIr,
} from '../../../helpers/image-vectors.js';
import { matcherRoutesIr } from '../../../helpers/matcher-routes.js';
import { pluggedIr } from '../../../helpers/plugged.js';
import { readingsIr } from '../../../helpers/readings.js';
import { textRoutesIr } from '../../../helpers/text-routes.js';

describe.each([
  ['readings', readingsIr],
  ['plugged', pluggedIr],
  ['every-pool', everyPoolIr],
  ['fan-out', fanOutIr],
  ['correlated', correlatedIr],
] as const)('the configuration of the image %s', (name, make) => {
  it('is what the compiler makes of it', () => {
    if (process.env.HYPERROUTE_UPDATE_VECTORS === '1') writeVectorIr(name, make());
    expect(serialize(make())).toBe(serialize(readVectorIr(name)));
  });
});

describe('the configuration of the image texts', () => {
  it('has text maps of every kind', () => {
    const ir = textRoutesIr();
    if (process.env.HYPERROUTE_UPDATE_VECTORS === '1') writeVectorIr('texts', ir);
    expect(serialize(ir)).toBe(serialize(readVectorIr('texts')));
    const { routes } = emitWithReport(ir).report;
    const maps = routes.map(({ fields }) => fields.filter(({ map }) => map === 'text').length);
    expect(maps).toEqual([3, 2, 2]);
    expect(routes[2]?.matcher).toBe('text');
    expect(routes[0]?.checks).toEqual(['program']);
  });
});

describe('the configuration of the image matchers', () => {
  it('has a route for each kind of matcher', () => {
    const ir = matcherRoutesIr();
    if (process.env.HYPERROUTE_UPDATE_VECTORS === '1') writeVectorIr('matchers', ir);
    expect(serialize(ir)).toBe(serialize(readVectorIr('matchers')));
    const { routes } = emitWithReport(ir).report;
    const chosen = routes.map(({ route, matcher, fields }) => [route, matcher, fields[0]?.map]);
    expect(chosen).toEqual([
      ['word', 'word', 'direct'],
      ['aggregated', 'aggregated', 'buckets'],
      ['table', 'table', 'direct'],
      ['buckets', 'table', 'buckets'],
      ['directWide', 'table', 'directWide'],
      ['exact', 'exact', 'keyPart'],
      ['several', 'several', 'direct'],
      ['decision', 'table', 'direct'],
    ]);
  });
});

describe.each(imageVectors)('the checked-in image %s', (name) => {
  it('is what the emitter makes of its configuration, byte by byte', () => {
    const image = emit(readVectorIr(name));
    if (process.env.HYPERROUTE_UPDATE_VECTORS === '1') writeVectorImage(name, image);
    const known = readVectorImage(name);
    const hint = 'if the change is meant, raise the format version and update the vectors';
    expect(Buffer.compare(image, known), hint).toBe(0);
  });

  it('carries the format version of the emitter', () => {
    const image = readVectorImage(name);
    expect(new DataView(image.buffer, image.byteOffset).getUint16(4, true)).toBe(
      imageFormatVersion,
    );
  });

  it('is emitted the same twice from one configuration', () => {
    const ir = readVectorIr(name);
    expect(Buffer.compare(emit(ir), emit(ir))).toBe(0);
  });
});
