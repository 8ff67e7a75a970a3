// Reads from /proc what the kernel dropped at UDP sockets, because their receive buffer was full.
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

/** One UDP socket as the kernel lists it. */
export interface UdpSocketRow {
  readonly port: number;
  readonly inode: number;
  readonly drops: number;
}

/** Parses the text of /proc/net/udp or /proc/net/udp6. */
export function parseUdpTable(text: string): UdpSocketRow[] {
  const rows: UdpSocketRow[] = [];
  for (const line of text.split('\n').slice(1)) {
    // sl local remote st tx:rx tr:when retrnsmt uid timeout inode ref pointer drops
    const columns = line.trim().split(/\s+/);
    const port = Number.parseInt(columns[1]?.split(':').at(-1) ?? '', 16);
    const inode = Number(columns[9]);
    const drops = Number(columns[12]);
    if (columns.length < 13 || !Number.isInteger(port) || !Number.isInteger(drops)) continue;
    rows.push({ port, inode, drops });
  }
  return rows;
}

/** The UDP sockets of this process that are bound to a port; undefined where /proc has none. */
export function ownUdpSockets(): UdpSocketRow[] | undefined {
  try {
    const inodes = ownSocketInodes();
    const tables = ['udp', 'udp6'].map((name) => readFileSync(`/proc/self/net/${name}`, 'utf8'));
    return tables.flatMap(parseUdpTable).filter(({ inode }) => inodes.has(inode));
  } catch {
    return undefined;
  }
}

/** What the kernel dropped at this process's UDP sockets; -1 where it does not tell. */
export function ownUdpDrops(): number {
  const sockets = ownUdpSockets();
  if (sockets === undefined || sockets.length === 0) return -1;
  return sockets.reduce((sum, { drops }) => sum + drops, 0);
}

function ownSocketInodes(): Set<number> {
  const inodes = new Set<number>();
  for (const descriptor of readdirSync('/proc/self/fd')) {
    const inode = /^socket:\[(\d+)\]$/.exec(linkOf(descriptor))?.[1];
    if (inode !== undefined) inodes.add(Number(inode));
  }
  return inodes;
}

/** The descriptor that read the folder is gone by now; such a one is skipped. */
function linkOf(descriptor: string): string {
  try {
    return readlinkSync(`/proc/self/fd/${descriptor}`);
  } catch {
    return '';
  }
}
