// Ethernet frames with UDP over IPv4, as schemas: bit fields, and headers whose place depends on
// another header's size.
import { layout, schema, t, union } from 'hyperroute';

const packed = { layout: layout.packed('be') };
const etherTypeIpv4 = 0x0800;
const ethernetBytes = 14;
/** Without options; `ihl` counts the header in words. */
const ipv4Bytes = 20;
const ihlMin = ipv4Bytes / 4;
const ihlMax = 15;

const ethernet = { destination: t.bytes(6), source: t.bytes(6), etherType: t.u16 };

const ipv4 = {
  version: t.bits(4),
  ihl: t.bits(4).doc('words of 4 bytes in the header, options included'),
  dscp: t.bits(6),
  ecn: t.bits(2),
  totalBytes: t.u16,
  identification: t.u16,
  flags: t.bits(3).doc('4: reserved, 2: do not fragment, 1: more fragments'),
  fragmentOffset: t.bits(13).doc('in units of 8 bytes'),
  timeToLive: t.u8,
  protocol: t.u8,
  headerChecksum: t.u16,
  sourceAddress: t.bytes(4),
  destinationAddress: t.bytes(4),
};

const udp = { destinationPort: t.u16, udpBytes: t.u16, checksum: t.u16, payload: t.rest };

/**
 * A frame as it is read: the UDP header lies behind the options, however many there are. The
 * options have no field: reading skips them, and `encode` leaves zeros, the end of options.
 */
export const UdpFrame = schema(
  'UdpFrame',
  etherTypeIpv4,
  {
    ...ethernet,
    ...ipv4,
    sourcePort: t.u16.at('ihl', { scale: 4, plus: ethernetBytes }),
    ...udp,
  },
  { ...packed, header: { type: 'etherType' } },
);

/** The same for one size of the options, which are a field here: `ihl` and version are the type. */
export function frameWithOptions(ihl: number) {
  const { version: _version, ihl: _ihl, ...rest } = ipv4;
  const optionsBytes = (ihl - ihlMin) * 4;
  const options = optionsBytes === 0 ? {} : { options: t.bytes(optionsBytes) };
  const fields = {
    ...ethernet,
    versionAndIhl: t.u8,
    ...rest,
    ...options,
    sourcePort: t.u16,
    ...udp,
  };
  const header = { type: 'versionAndIhl' } as const;
  return schema(`UdpFrame.${ihl}`, 0x40 | ihl, fields, { ...packed, header });
}

/** All sizes that there are, as one family. */
export const UdpFrames = union(
  'UdpFrames',
  { type: 'versionAndIhl' },
  Array.from({ length: ihlMax - ihlMin + 1 }, (_, index) => frameWithOptions(ihlMin + index)),
);
