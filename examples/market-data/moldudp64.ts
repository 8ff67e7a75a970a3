// MoldUDP64, which carries ITCH in datagrams: a header, then messages, each behind its length.
import { framing, layout, schema, t } from 'hyperroute';

/** The header of a datagram, 20 bytes, big-endian. */
export const MoldHeader = schema(
  'MoldHeader',
  0,
  {
    session: t.ascii(10, { pad: 'space' }),
    sequence: t.u64.doc('of the first message in the datagram; the others count on from it'),
    count: t.u16,
  },
  { layout: layout.packed('be') },
);

/** The count of a datagram that says that the session is over. */
export const endOfSession = 0xffff;

/** How a datagram is split: a count of 0 is a heartbeat, which has no messages either. */
export const moldBlocks = framing.blocks({
  headerBytes: MoldHeader.bytesMin,
  count: { offset: 18, type: 'u16be' },
  length: 'u16be',
  emptyCounts: [endOfSession],
});
