// `hyperroute demo` as a user runs it: clients and venues in processes of their own, the native
// router between them over real sockets.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import type { DemoSummary } from '../../examples/order-gateway/report.js';

const root = join(import.meta.dirname, '../..');
const timeoutMs = 120_000;

class DemoProcess {
  stdout = '';
  stderr = '';
  readonly child: ChildProcess;
  readonly #ended: Promise<unknown[]>;

  constructor(...args: string[]) {
    this.child = spawn(process.execPath, [join(root, 'dist/cli/main.js'), 'demo', ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#ended = once(this.child, 'close');
    this.child.stdout?.on('data', (chunk: Buffer) => {
      this.stdout += chunk.toString();
    });
    this.child.stderr?.on('data', (chunk: Buffer) => {
      this.stderr += chunk.toString();
    });
  }

  /** Exit code and signal. */
  async ended(): Promise<{ code: number | null; signal: string | null }> {
    const [code, signal] = (await this.#ended) as [number | null, string | null];
    return { code, signal };
  }

  /** Waits for orders to flow; returns the ids of the processes it has started. */
  async running(): Promise<number[]> {
    while (!this.stderr.includes('orders answered')) {
      if (this.child.exitCode !== null) throw new Error(`the demo ended: ${this.stderr}`);
      await delay(50);
    }
    const { pid } = this.child;
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8');
    return children.trim().split(' ').map(Number);
  }
}

/** Those of the processes that still run after they had some time to end. */
async function survivors(ids: readonly number[]): Promise<number[]> {
  const alive = (): number[] => ids.filter((id) => existsSync(`/proc/${id}/cwd`));
  for (let turn = 0; turn < 100 && alive().length > 0; turn += 1) await delay(100);
  return alive();
}

describe('hyperroute demo', () => {
  test(
    'loses, doubles and misroutes nothing, and prints one JSON object',
    async () => {
      const demo = new DemoProcess('--json', '--messages', '30000');
      expect(await demo.ended(), demo.stderr).toEqual({ code: 0, signal: null });
      const summary = JSON.parse(demo.stdout) as DemoSummary;
      expect(summary).toMatchObject({
        passed: true,
        messages: 30_000,
        clients: 8,
        lost: 0,
        duplicated: 0,
        misrouted: 0,
        corrupted: 0,
        reordered: 0,
        kernelDrops: { venue1: 0, venue2: 0, venue3: 0, block: 0, router: 0 },
      });
      const executed = Object.values(summary.destinations).reduce((sum, orders) => sum + orders, 0);
      expect(executed + (summary.rejects['1000'] ?? 0)).toBe(30_000);
      expect(summary.roundTrip?.count).toBe(executed);
      const samples = Object.values(summary.insideRouter).map(({ count }) => count);
      expect(samples).toHaveLength(2);
      expect(Math.min(...samples)).toBeGreaterThan(100);
      expect(demo.stderr).toContain('of 30,000 orders answered');
    },
    timeoutMs,
  );

  test(
    'ends its processes when it is interrupted',
    async () => {
      const demo = new DemoProcess('--messages', '5000000');
      const ids = await demo.running();
      expect(ids).toHaveLength(12);
      demo.child.kill('SIGINT');
      expect(await demo.ended()).toEqual({ code: 1, signal: null });
      expect(demo.stdout).toBe('');
      expect(await survivors(ids)).toEqual([]);
    },
    timeoutMs,
  );

  test(
    'leaves no process behind when it is killed',
    async () => {
      const demo = new DemoProcess('--messages', '5000000', '--clients', '3');
      const ids = await demo.running();
      expect(ids).toHaveLength(7);
      demo.child.kill('SIGKILL');
      expect(await demo.ended()).toEqual({ code: null, signal: 'SIGKILL' });
      expect(await survivors(ids)).toEqual([]);
    },
    timeoutMs,
  );
});
