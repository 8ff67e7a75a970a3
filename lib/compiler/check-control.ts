// Judges what a configuration says about failover and overload of its endpoints. Pure.
import { isRecord } from '../schema/options.js';
import type { Findings } from './findings.js';
import type { RouterIr } from './ir.js';
import type { EndpointIr, HealthIr } from './ir-destinations.js';
import {
  breakerConsecutiveMax,
  controlMsMax,
  healthCountMax,
  healthEveryMsMin,
  inFlightMax,
  priorityMax,
  probeBytesMax,
  rateBurstMax,
  ratePerSecondMax,
} from './limits.js';

/** Endpoints that a rule can send to. */
function isDestination({ kind, options }: EndpointIr): boolean {
  if (kind === 'udp') return (options.remote ?? null) !== null;
  return kind !== 'tcp-listen' && kind !== 'raptor-listen';
}

/** Messages are in flight where rules remember them: a limit without one would hold nothing. */
export function checkInFlight({ endpoints, routes }: RouterIr, findings: Findings): void {
  if (routes.some(({ rules }) => rules.some(({ open }) => open !== undefined))) return;
  for (const [index, { control, position }] of endpoints.entries()) {
    const { inFlightMax: most } = control ?? {};
    const option = `endpoints[${index}].limit.inFlight`;
    const expected = 'none where no rule opens a correlation, which counts what is in flight';
    findings.need(most === undefined, 'ERR_CONFIG', option, expected, most, position);
  }
}

export function checkControl(endpoint: EndpointIr, path: string, findings: Findings): void {
  const { control, position, kind } = endpoint;
  if (control === undefined) return;
  const need = (isMet: boolean, name: string, expected: string, received: unknown): boolean =>
    findings.need(isMet, 'ERR_CONFIG', `${path}.${name}`, expected, received, position);
  const integer = (name: string, value: unknown, low: number, high: number): boolean => {
    const isMet = Number.isSafeInteger(value) && Number(value) >= low && Number(value) <= high;
    return need(isMet, name, `an integer from ${low} to ${high}`, value);
  };
  const given: unknown = control;
  if (!need(isRecord(given), 'control', 'an object', given)) return;
  const names = Object.keys(control).join(', ');
  const destination = 'an endpoint that messages can be sent to, such as a udp with `remote`';
  if (!need(isDestination(endpoint), 'control', `none but for ${destination}`, names)) return;
  const { health, breaker, rate, shed } = control;
  if (health !== undefined) {
    const canAsk = kind !== 'memory' && kind !== 'raptor-connect';
    need(canAsk, 'health', 'none for a memory or a raptor endpoint', health);
    checkHealth(health, need, integer);
  }
  if (breaker !== undefined) {
    integer('breaker.consecutive', breaker.consecutive, 1, breakerConsecutiveMax);
    integer('breaker.for', breaker.forMs, 1, controlMsMax);
  }
  if (rate !== undefined) {
    integer('limit.rate', rate.perSecond, 1, ratePerSecondMax);
    integer('limit.burst', rate.burst, 1, rateBurstMax);
  }
  if (control.inFlightMax !== undefined) {
    integer('limit.inFlight', control.inFlightMax, 1, inFlightMax);
  }
  if (shed !== undefined) checkShed(shed, need);
}

type Need = (isMet: boolean, name: string, expected: string, received: unknown) => boolean;
type NeedInteger = (name: string, value: unknown, low: number, high: number) => boolean;

function checkHealth(health: HealthIr, need: Need, integer: NeedInteger): void {
  need(
    health.kind === 'tcp' || health.kind === 'udp',
    'health.over',
    "'tcp' or 'udp'",
    health.kind,
  );
  if (integer('health.every', health.everyMs, healthEveryMsMin, controlMsMax)) {
    integer('health.timeout', health.timeoutMs, 1, health.everyMs);
  }
  integer('health.rise', health.rise, 1, healthCountMax);
  integer('health.fall', health.fall, 1, healthCountMax);
  for (const name of ['probe', 'expect'] as const) {
    const bytes: unknown = health[name];
    const isHex = typeof bytes === 'string' && /^([0-9a-f]{2})*$/.test(bytes);
    const expected = `up to ${probeBytesMax} bytes in hexadecimal`;
    need(isHex && bytes.length <= 2 * probeBytesMax, `health.${name}`, expected, bytes);
  }
  const asks = health.kind !== 'udp' || health.probe !== '';
  need(asks, 'health.probe', 'the bytes to ask with over UDP', health.probe);
  if (health.address === null) return;
  const { host, port } = health.address;
  need(typeof host === 'string', 'health.address.host', 'an address', host);
  integer('health.address.port', port, 1, 65_535);
}

function checkShed(shed: readonly number[], need: Need): void {
  const isRange = (share: unknown, index: number): boolean =>
    typeof share === 'number' && share >= 0 && share <= (shed[index - 1] ?? 1);
  const isMet = Array.isArray(shed) && shed.length === priorityMax + 1 && shed.every(isRange);
  need(isMet, 'shed', `${priorityMax + 1} shares from 1 down to 0, none above the last`, shed);
}
