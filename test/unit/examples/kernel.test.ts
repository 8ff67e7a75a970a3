// What the demo reads from the kernel's tables of UDP sockets.
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { expect, test } from 'vitest';
import {
  ownUdpDrops,
  ownUdpSockets,
  parseUdpTable,
} from '../../../examples/order-gateway/kernel.js';

const head =
  '   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  ' +
  'timeout inode ref pointer drops            \n';

test('the ports, inodes and drops of sockets are read from the kernel table', () => {
  const table =
    `${head}  470: 0100007F:9C40 00000000:0000 07 00000000:00000000 00:00000000 00000000  ` +
    '1000        0 33557 2 0000000000000000 17          \n' +
    '  471: 00000000000000000000000001000000:0035 00000000000000000000000000000000:0000 07 ' +
    '00000000:00000000 00:00000000 00000000     0        0 1204 2 0000000000000000 0\n';
  expect(parseUdpTable(table)).toEqual([
    { port: 40_000, inode: 33_557, drops: 17 },
    { port: 53, inode: 1204, drops: 0 },
  ]);
});

test('lines of another form are skipped', () => {
  expect(parseUdpTable(`${head}  1: short line\n\n`)).toEqual([]);
});

test('a socket of this process is found by its port, with nothing dropped', async () => {
  const socket = createSocket('udp4').bind(0, '127.0.0.1');
  await once(socket, 'listening');
  const { port } = socket.address();
  expect(ownUdpSockets()?.find((row) => row.port === port)).toMatchObject({ port, drops: 0 });
  expect(ownUdpDrops()).toBe(0);
  socket.close();
});
