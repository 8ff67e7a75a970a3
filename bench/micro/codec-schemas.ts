// The schemas of the two messages in our own format. The C++ subject is measured with the first.
import { schema, t } from 'hyperroute';
import { orderTypes, sides } from './codec-messages.js';

export const newOrder = schema('NewOrder', 1, {
  id: t.u64,
  price: t.u32,
  qty: t.u32,
  side: t.enum(...sides),
  orderType: t.enum(...orderTypes),
  symbol: t.ascii(8),
  sentAt: t.timestamp,
  account: t.string.max(64),
  legs: t.group({ qty: t.u32, price: t.u32 }).max(16),
});

export const reading = schema('Reading', 2, {
  device: t.u64,
  takenAt: t.timestamp,
  samples: t.array(t.f32, 8),
  status: t.flags({ fault: 0, stale: 1, calibrated: 2, charging: 3 }, { base: 'u16' }),
  unit: t.string.max(32).optional(),
  channels: t.group({ channel: t.u16, value: t.f32 }).max(4),
});
