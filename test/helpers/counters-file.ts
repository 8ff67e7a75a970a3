// Writes counters files as the layout's description says, byte by byte, without the package's code:
// what readers are tested against.

export interface CounterSpec {
  readonly label: string;
  readonly type?: 1 | 2 | 3 | 4;
  readonly unit?: number;
  readonly workerIndex?: number;
  /** 0 free, 1 live, 2 removed. */
  readonly state?: number;
  /** A number, counts by bucket for a histogram, or the bytes of session rows. */
  readonly value: bigint | Readonly<Record<number, bigint>> | Buffer;
}

export interface CountersFileSpec {
  readonly name: string;
  readonly pid?: number;
  readonly flags?: number;
  readonly startedMs?: number;
  readonly generation?: number;
  readonly counters: readonly CounterSpec[];
}

const headerBytes = 256;
const recordBytes = 192;
const bucketCount = 1024;

/** The bytes of a counters file. */
export function countersFileBytes(spec: CountersFileSpec): Buffer {
  const valuesOffset = headerBytes + recordBytes * (spec.counters.length + 2);
  const valueBytes = spec.counters.map((counter) => Math.max(64, bytesOf(counter)));
  const valuesBytes = valueBytes.reduce((sum, bytes) => sum + bytes, 0);
  const file = Buffer.alloc(valuesOffset + valuesBytes);
  file.write('HRCNTRS1', 0, 'latin1');
  file.writeUInt32LE(2, 8);
  file.writeUInt32LE(headerBytes, 12);
  file.writeUInt32LE(spec.pid ?? 4321, 16);
  file.writeUInt32LE(spec.flags ?? 0, 20);
  file.writeBigUInt64LE(BigInt(spec.startedMs ?? 1_700_000_000_000) * 1_000_000n, 24);
  file.writeUInt32LE(spec.generation ?? 2, 32);
  file.writeUInt32LE(spec.counters.length, 36);
  file.writeUInt32LE(spec.counters.length + 2, 40);
  file.writeUInt32LE(recordBytes, 44);
  file.writeUInt32LE(headerBytes, 48);
  file.writeUInt32LE(valuesOffset, 52);
  file.writeBigUInt64LE(BigInt(valuesBytes), 56);
  file.writeUInt32LE(bucketCount, 64);
  file.writeUInt32LE(5, 68);
  file.writeBigUInt64LE(BigInt(file.byteLength), 72);
  file.write(spec.name, 128, 'utf8');
  let offset = valuesOffset;
  for (const [index, counter] of spec.counters.entries()) {
    writeRecord(file, headerBytes + index * recordBytes, index + 1, counter, offset);
    offset += valueBytes[index] ?? 0;
  }
  return file;
}

export interface SessionSpec {
  readonly sequence?: bigint;
  readonly state?: number;
  readonly session?: number;
  readonly openedMs?: number;
  readonly family?: number;
  readonly port?: number;
  readonly address?: readonly number[];
  readonly key?: Uint8Array;
  readonly counters?: readonly number[];
}

const rowBytes = 384;
const rowsOffset = 1024;
const rowCount = 64;

/** The bytes of the session rows of an endpoint. */
export function sessionRowsBytes(names: readonly string[], rows: readonly SessionSpec[]): Buffer {
  const table = Buffer.alloc(rowsOffset + rowCount * rowBytes);
  const text = names.map((name) => `${name},`).join('');
  for (const [at, value] of [rowCount, rowBytes, rowsOffset, text.length].entries()) {
    table.writeUInt32LE(value, 4 * at);
  }
  table.write(text, 16, 'latin1');
  for (const [index, row] of rows.entries()) {
    writeSession(table.subarray(rowsOffset + index * rowBytes), row);
  }
  return table;
}

function writeSession(row: Buffer, spec: SessionSpec): void {
  row.writeBigUInt64LE(spec.sequence ?? 2n, 0);
  row.writeBigUInt64LE(BigInt(spec.state ?? 1), 8);
  row.writeBigUInt64LE(BigInt(spec.session ?? 1), 16);
  row.writeBigUInt64LE(BigInt(spec.openedMs ?? 1_700_000_000_000) * 1_000_000n, 24);
  row.writeUInt32LE(spec.family ?? 4, 32);
  row.writeUInt32LE(spec.port ?? 9000, 36);
  row.set(spec.address ?? [127, 0, 0, 1], 40);
  row.set(spec.key ?? [], 56);
  for (const [index, value] of (spec.counters ?? []).entries()) {
    row.writeBigUInt64LE(BigInt(value), 88 + 8 * index);
  }
}

function bytesOf({ type, value }: CounterSpec): number {
  if (Buffer.isBuffer(value)) return value.byteLength;
  return type === 3 ? 8 * bucketCount : 8;
}

function writeRecord(
  file: Buffer,
  start: number,
  id: number,
  counter: CounterSpec,
  offset: number,
): void {
  const { label, type = 1, unit = 1, workerIndex = 0, state = 1, value } = counter;
  file.writeUInt32LE(id, start);
  file.writeUInt32LE(state, start + 4);
  file.writeUInt32LE(type, start + 8);
  file.writeUInt32LE(unit, start + 12);
  file.writeUInt32LE(workerIndex, start + 16);
  file.writeUInt32LE(bytesOf(counter), start + 20);
  file.writeBigUInt64LE(BigInt(offset), start + 24);
  file.writeUInt32LE(Buffer.byteLength(label), start + 32);
  file.write(label, start + 64, 'utf8');
  if (typeof value === 'bigint') {
    file.writeBigUInt64LE(value, offset);
    return;
  }
  if (Buffer.isBuffer(value)) {
    value.copy(file, offset);
    return;
  }
  for (const [bucket, count] of Object.entries(value)) {
    file.writeBigUInt64LE(count, offset + Number(bucket) * 8);
  }
}
