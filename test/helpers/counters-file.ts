// Writes counters files as the layout's description says, byte by byte, without the package's code:
// what readers are tested against.

export interface CounterSpec {
  readonly label: string;
  readonly type?: 1 | 2 | 3;
  readonly unit?: number;
  readonly workerIndex?: number;
  /** 0 free, 1 live, 2 removed. */
  readonly state?: number;
  /** A number, or counts by bucket for a histogram. */
  readonly value: bigint | Readonly<Record<number, bigint>>;
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
  const valueBytes = spec.counters.map(({ type }) => (type === 3 ? 8 * bucketCount : 64));
  const valuesBytes = valueBytes.reduce((sum, bytes) => sum + bytes, 0);
  const file = Buffer.alloc(valuesOffset + valuesBytes);
  file.write('HRCNTRS1', 0, 'latin1');
  file.writeUInt32LE(1, 8);
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

function writeRecord(
  file: Buffer,
  start: number,
  id: number,
  { label, type = 1, unit = 1, workerIndex = 0, state = 1, value }: CounterSpec,
  offset: number,
): void {
  file.writeUInt32LE(id, start);
  file.writeUInt32LE(state, start + 4);
  file.writeUInt32LE(type, start + 8);
  file.writeUInt32LE(unit, start + 12);
  file.writeUInt32LE(workerIndex, start + 16);
  file.writeUInt32LE(typeof value === 'bigint' ? 8 : 8 * bucketCount, start + 20);
  file.writeBigUInt64LE(BigInt(offset), start + 24);
  file.writeUInt32LE(Buffer.byteLength(label), start + 32);
  file.write(label, start + 64, 'utf8');
  if (typeof value === 'bigint') {
    file.writeBigUInt64LE(value, offset);
    return;
  }
  for (const [bucket, count] of Object.entries(value)) {
    file.writeBigUInt64LE(count, offset + Number(bucket) * 8);
  }
}
