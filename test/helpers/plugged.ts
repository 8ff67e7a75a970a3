// The configuration of the checked-in image `plugged`: functions of plug-ins in every place there
// is for them. No library is opened for it.
import type { RouterIr } from '../../lib/compiler/ir.js';
import { deserialize, serialize } from '../../lib/compiler/serialize.js';
import {
  defineRouter,
  layout,
  lb,
  memory,
  or,
  otherwise,
  plugin,
  pool,
  route,
  schema,
  t,
  union,
  validate,
  when,
} from '../../lib/index.js';

const Position = schema(
  'Position',
  1,
  { type: t.u8, vehicle: t.u32, latitude: t.i32, longitude: t.i32, name: t.ascii(5), check: t.u8 },
  { layout: layout.packed('be') },
);
const Positions = union('Positions', { type: 'type' }, [Position]);
const Tile = schema('Tile', 9, { vehicle: t.u32, hash: t.ascii(8), note: t.u8.optional() });

/** The configuration, with every position the same: the image does not depend on them. */
export function pluggedIr(): RouterIr {
  const [geo, more] = [plugin('/opt/plug-ins/geo.so'), plugin('/opt/plug-ins/more.so')];
  const positions = memory('positions', { messages: Positions });
  const tiles = memory('tiles', { messages: Tile });
  const [kept, spare] = [
    memory('kept', { messages: Positions }),
    memory('spare', { messages: Positions }),
  ];
  const both = [kept, spare];
  const keyed = lb.plugin(geo, 'rendezvous', { key: [Position.refs.vehicle], config: 'x' });
  const [named, any] = [pool('named', both, keyed), pool('any', both, lb.plugin(more, 'any'))];
  const toTile = geo.transform('geohash', Position, Tile, { config: '8', codes: ['NOWHERE'] });
  const ir = defineRouter({
    name: 'plugged',
    endpoints: [positions, tiles, kept, spare],
    validate: [
      validate(Position, (p) => [
        p.vehicle.gt(0).else('VEHICLE'),
        more.check('sound', [p.latitude, p.longitude, p.check], { codes: ['SUM', 'EARTH'] }),
      ]),
    ],
    routes: [
      route.first(
        Position,
        (p) => [
          when(p.vehicle.lt(10), geo.match('inside', [p.latitude, p.longitude], '1 1, 2 2, 1 2'))
            .via(toTile)
            .to(tiles),
          when(or(more.match('known', [p.name, p.vehicle]), p.vehicle.eq(77))).to(named),
          when(p.latitude.eq(1)).to(any),
          otherwise.via(toTile).to(tiles),
        ],
        { from: positions },
      ),
    ],
  });
  const position = { file: 'plugged.config.ts', line: 1, column: 1 };
  const placed: unknown = JSON.parse(serialize(ir), (key, item: unknown) =>
    key === 'position' ? position : item,
  );
  return deserialize(JSON.stringify(placed));
}
