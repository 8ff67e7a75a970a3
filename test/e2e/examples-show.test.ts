// The examples that come with a world of their own: the router by the command line, its world as
// another process, and what that prints is what the page says.
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, expect, it } from 'vitest';
import { Running } from '../helpers/cli.js';
import { root } from '../helpers/doc-examples.js';
import { freePorts } from '../helpers/free-ports.js';

let started: Running | null = null;

afterEach(async () => {
  await started?.kill();
  started = null;
});

interface Example {
  readonly folder: string;
  /** Of the environment: the first of its ports. */
  readonly variable: string;
  readonly ports: number;
  /** Its world starts the router too. */
  readonly startsRouter?: boolean;
}

const examples: readonly Example[] = [
  { folder: 'traffic-distribution', variable: 'DISTRIBUTION_PORT', ports: 9 },
  { folder: 'protocol-integration', variable: 'INTEGRATION_PORT', ports: 2 },
  { folder: 'content-routing', variable: 'CONTENT_PORT', ports: 7 },
  { folder: 'fault-tolerance', variable: 'TOLERANCE_PORT', ports: 9 },
  { folder: 'data-sync', variable: 'SYNC_PORT', ports: 6 },
  { folder: 'dynamic-scaling', variable: 'SCALING_PORT', ports: 10, startsRouter: true },
  { folder: 'iot-aggregation', variable: 'IOT_PORT', ports: 5, startsRouter: true },
];

/** Numbers that are different each time stand in parentheses. */
function steady(printed: string | undefined): string | undefined {
  return printed?.replaceAll(/\(\d+ this time\)/g, '(some this time)');
}

it.each(examples)(
  '$folder prints what its page says',
  async ({ folder, variable, ports, startsRouter = false }) => {
    const page = readFileSync(join(root, 'examples', folder, 'README.md'), 'utf8');
    const printed = /^prints\n\n```text\n([\s\S]*?)^```$/m.exec(page)?.[1];
    expect(printed).toBeDefined();
    const env = { ...process.env, [variable]: String(await freePorts(ports)) };
    const config = join(root, 'examples', folder, 'router.config.ts');
    const name = `show-${folder}-${process.pid}`;
    if (!startsRouter) {
      started = new Running(['run', config, '--name', name, '--json'], env);
      expect(await started.next()).toMatchObject({ event: 'started' });
    }
    const program = join(root, 'dist/examples', folder, 'show.js');
    // Of one that fails: what was not so is among what it prints.
    const { code, stdout, stderr } = await promisify(execFile)(process.execPath, [program], {
      env,
    }).then(
      (output) => ({ code: 0, ...output }),
      (error: { code: number; stdout: string; stderr: string }) => error,
    );
    const expected = { code: 0, stdout: steady(printed), stderr: '' };
    expect({ code, stdout: steady(stdout), stderr }).toEqual(expected);
    started?.signal('SIGTERM');
    if (started !== null) expect(await started.ended()).toBe(0);
  },
  60_000,
);
