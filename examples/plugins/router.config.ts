// A router with functions of its own: reports of vehicles are checked, sorted by the area they lie
// in, and sent on as geohashes, by C++ that stands beside this file.
//
//   hyperroute run examples/plugins/router.config.ts
//
// listens on port 9500 and sends to 9501 (vehicles in the city), and 9502 or 9503 (all others).
import {
  defineRouter,
  layout,
  lb,
  otherwise,
  plugin,
  pool,
  rejectCode,
  returnTo,
  route,
  schema,
  source,
  t,
  transform,
  udp,
  union,
  validate,
  via,
  when,
} from 'hyperroute';

const packed = { layout: layout.packed('be') };

/** Where a vehicle is: degrees times 10,000,000, and the sum of all bytes before `check`. */
export const Position = schema(
  'Position',
  1,
  { type: t.u8, vehicle: t.u32, latitude: t.i32, longitude: t.i32, check: t.u8 },
  packed,
);
/** What a report was rejected with. */
export const Refused = schema('Refused', 2, { type: t.u8, vehicle: t.u32, code: t.u32 }, packed);
export const Reports = union('Reports', { type: 'type' }, [Position, Refused]);

/** Where a vehicle is, to about 20 metres. */
export const Tile = schema('Tile', 3, { type: t.u8, vehicle: t.u32, hash: t.ascii(8) }, packed);
export const Tiles = union('Tiles', { type: 'type' }, [Tile]);

const vehicles = udp('vehicles', { port: 9500, messages: Reports });
const server = (name: string, port: number) =>
  udp(name, { port: 0, remote: { host: '127.0.0.1', port }, messages: Tiles });
const city = server('city', 9501);
const [north, south] = [server('north', 9502), server('south', 9503)];

const geo = plugin('./geo.so');
const frankfurt = '50.0155 8.4728, 50.2271 8.4728, 50.2271 8.8004, 50.0155 8.8004';
const country = pool(
  'country',
  [north, south],
  lb.plugin(geo, 'rendezvous', { key: [Position.refs.vehicle] }),
);
const toTile = geo.transform('geohash', Position, Tile);
const toRefused = transform(Position, Refused, (p) => ({
  vehicle: p.vehicle,
  code: rejectCode(),
}));

export default defineRouter({
  name: 'fleet',
  endpoints: [vehicles, city, north, south],
  validate: [
    validate(Position, (p) => [
      p.vehicle.gt(0).else('NO_VEHICLE', 1000),
      geo.check('sound', [p.latitude, p.longitude, p.check], {
        codes: ['CHECK_SUM', 'NOT_ON_EARTH'],
      }),
    ]),
  ],
  routes: [
    route.first(
      Position,
      (p) => [
        when(p.vehicle.lt(1_000_000), geo.match('inside', [p.latitude, p.longitude], frankfurt))
          .via(toTile)
          .to(city),
        otherwise.via(toTile).to(country),
      ],
      { from: vehicles, rejects: via(toRefused).to(returnTo(source)) },
    ),
  ],
});
