// Messages of the failover tests: jobs that come from JavaScript, and the notices of those that
// were rejected. Whatever happens, each job is either at one destination or refused once.
import { type HyperRoute, layout, rejectCode, schema, t, transform, union } from 'hyperroute';
import { Child, fixture } from './router-child.js';

const packed = { layout: layout.packed('le') };
const header = { size: t.u32, type: t.u8, id: t.u32 };

/** 14 bytes. */
export const Job = schema('Job', 1, { ...header, key: t.u32, level: t.u8 }, packed);
/** 13 bytes. */
export const Refused = schema('Refused', 2, { ...header, code: t.u32 }, packed);
export const Jobs = union('Jobs', { type: 'type', size: 'size' }, [Job, Refused]);
export const refuse = transform(Job, Refused, (j) => ({ id: j.id, code: rejectCode() }));

export function job(id: number, key = id, level = 0): Buffer {
  const bytes = Buffer.alloc(14);
  bytes.writeUInt32LE(14, 0);
  bytes.writeUInt8(1, 4);
  bytes.writeUInt32LE(id, 5);
  bytes.writeUInt32LE(key, 9);
  bytes.writeUInt8(level, 13);
  return bytes;
}

/** Collects notices: how often each id was refused, and with which code. */
export class Refusals {
  readonly codes = new Map<number, number[]>();

  /** `name`: the memory endpoint that gets them. */
  constructor(router: HyperRoute, name: string) {
    router.memory(name).subscribe((batch) => {
      while (batch.next()) {
        const bytes = Buffer.from(batch.copy());
        const id = bytes.readUInt32LE(5);
        this.codes.set(id, [...(this.codes.get(id) ?? []), bytes.readUInt32LE(9)]);
      }
    });
  }

  get count(): number {
    return this.codes.size;
  }

  /** Ids refused with that code. */
  with(code: number): number[] {
    return [...this.codes].flatMap(([id, codes]) => (codes.includes(code) ? [id] : []));
  }

  /** No id more than once. */
  get areSingle(): boolean {
    return [...this.codes.values()].every(({ length }) => length === 1);
  }
}

/** A destination in a process of its own (test/fixtures/destination.mjs). */
export class Destination {
  readonly #child: Child;

  private constructor(child: Child) {
    this.#child = child;
  }

  static async start(kind: 'udp' | 'tcp', port: number): Promise<Destination> {
    const child = new Child(fixture('destination.mjs'), [kind, String(port)]);
    await child.next();
    return new Destination(child);
  }

  /** Keys of the jobs that came since the last call, by id. */
  async take(): Promise<ReadonlyMap<number, number>> {
    const { keys } = await this.#child.ask('take');
    return new Map(Object.entries(keys as object).map(([id, key]) => [Number(id), Number(key)]));
  }

  kill(): Promise<void> {
    return this.#child.kill();
  }
}
