// Capture files of UDP datagrams, as tshark reads them.

const rawIp = 101;
const udp = 17;

/** One datagram between two ports of 127.0.0.1. */
export interface Captured {
  readonly from: number;
  readonly to: number;
  readonly bytes: Uint8Array;
}

function ipPacket({ from, to, bytes }: Captured): Buffer {
  const head = Buffer.alloc(28);
  head[0] = 0x45;
  head.writeUInt16BE(28 + bytes.length, 2);
  head[8] = 64;
  head[9] = udp;
  head.set([127, 0, 0, 1, 127, 0, 0, 1], 12);
  head.writeUInt16BE(from, 20);
  head.writeUInt16BE(to, 22);
  head.writeUInt16BE(8 + bytes.length, 24);
  return Buffer.concat([head, bytes]);
}

/** The file, a microsecond between datagrams. */
export function pcap(datagrams: readonly Captured[]): Buffer {
  const file = Buffer.alloc(24);
  file.writeUInt32LE(0xa1b2c3d4, 0);
  file.writeUInt16LE(2, 4);
  file.writeUInt16LE(4, 6);
  file.writeUInt32LE(65_535, 16);
  file.writeUInt32LE(rawIp, 20);
  const parts = datagrams.map((datagram, index) => {
    const packet = ipPacket(datagram);
    const head = Buffer.alloc(16);
    head.writeUInt32LE(1, 0);
    head.writeUInt32LE(index, 4);
    head.writeUInt32LE(packet.length, 8);
    head.writeUInt32LE(packet.length, 12);
    return Buffer.concat([head, packet]);
  });
  return Buffer.concat([file, ...parts]);
}
