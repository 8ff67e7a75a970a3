// Which CPUs a run may use and which it does use.
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';

const cpusMax = 4096;

/** CPUs that this process may run on, ascending. Reads a file of the kernel. */
export function allowedCpus(): number[] {
  const status = readFileSync('/proc/self/status', 'utf8');
  const list = /^Cpus_allowed_list:\s*(\S+)$/m.exec(status)?.[1];
  return parseCpuList(list ?? `0-${availableParallelism() - 1}`);
}

/** `0-2,5` → [0, 1, 2, 5]. Throws RangeError on anything else. */
export function parseCpuList(text: string): number[] {
  const found = text.split(',').flatMap((part) => {
    const match = /^(\d+)(?:-(\d+))?$/.exec(part.trim());
    const low = Number(match?.[1]);
    const high = Number(match?.[2] ?? match?.[1]);
    if (match === null || high < low || high >= cpusMax) {
      throw new RangeError(`expected a list of CPUs such as 0,1 or 2-5, received '${text}'`);
    }
    return Array.from({ length: high - low + 1 }, (_value, index) => low + index);
  });
  return [...new Set(found)];
}

/**
 * The CPUs of the measuring and of the measured side: those of `text` (`2,3`), or the last two
 * that this process may use, since the first ones serve most interrupts. Throws RangeError where
 * there are not two, or where one is not allowed.
 */
export function chooseCpus(
  text?: string,
  allowed: readonly number[] = allowedCpus(),
): readonly [number, number] {
  const wanted = text === undefined ? allowed.slice(-2) : parseCpuList(text);
  const [first, second] = wanted;
  if (first === undefined || second === undefined || wanted.length !== 2) {
    throw new RangeError(`expected two CPUs, received ${wanted.join(',')}`);
  }
  for (const cpu of wanted) {
    if (!allowed.includes(cpu)) {
      throw new RangeError(`CPU ${cpu} is not among the allowed ones: ${allowed.join(',')}`);
    }
  }
  return [first, second];
}
