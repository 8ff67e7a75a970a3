// What devices, the function that sums up, and the collector say.
import { schema, t, union } from 'hyperroute';

/** A value of a device: of `site/3/temp/17`, say, in tenths of a degree. */
export const Reading = schema('Reading', 1, {
  device: t.u32,
  topic: t.string.max(48),
  value: t.decimal(1, { base: 'i16' }),
});
/** How a device is doing. */
export const Status = schema('Status', 2, {
  device: t.u32,
  battery: t.u8.doc('percent'),
  signal: t.u8.doc('bars, 0 to 4'),
  isWired: t.bool,
});
/** What a device hears: its message is on its way, or why not. */
export const Taken = schema('Taken', 3, { device: t.u32 });
export const Refused = schema('Refused', 4, { device: t.u32, code: t.u32 });
export const Devices = union('Devices', {}, [Reading, Status, Taken, Refused]);

/** A reading as it is summed up: in thousandths, as all kinds of devices have them. */
export const Sample = schema('Sample', 5, {
  device: t.u32,
  topic: t.string.max(48),
  value: t.decimal(3, { base: 'i32' }),
});
/** What some readings of one site come to. */
export const Summary = schema('Summary', 6, {
  site: t.u16,
  count: t.u32,
  low: t.decimal(3, { base: 'i32' }),
  high: t.decimal(3, { base: 'i32' }),
  sum: t.decimal(3, { base: 'i64' }),
});
export const Samples = union('Samples', {}, [Sample, Summary]);

/** For people who have to do something. */
export const Alarm = schema('Alarm', 7, { device: t.u32, value: t.decimal(1, { base: 'i16' }) });
export const Records = union('Records', {}, [Summary, Status]);
