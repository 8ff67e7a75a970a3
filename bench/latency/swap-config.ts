// The configurations that the swap part of the route bench goes back and forth between: a router
// that answers as an echo, by one of many rules.
import {
  defineRouter,
  layout,
  otherwise,
  type RouterIr,
  returnTo,
  route,
  schema,
  source,
  t,
  udp,
  when,
} from 'hyperroute';

const ruleCount = 1_000;

const Ping = schema('Ping', 1, { key: t.u64, rest: t.bytes(24) }, { layout: layout.packed('le') });
/** One for all configurations: what is the same endpoint keeps its socket. */
const echo = udp('echo', { host: '127.0.0.1', port: 0, messages: Ping });

/** Two of them that differ in every rule. */
export function swapConfigs(cpu: number): readonly [RouterIr, RouterIr] {
  const config = (first: bigint): RouterIr =>
    defineRouter({
      name: 'swap',
      endpoints: [echo],
      routes: [
        route.first(
          Ping,
          (ping) => [
            ...Array.from({ length: ruleCount }, (_none, rule) =>
              when(ping.key.eq(first + BigInt(rule))).to(returnTo(source)),
            ),
            otherwise.to(returnTo(source)),
          ],
          { from: echo },
        ),
      ],
      threading: 'shared',
      cpu,
      idle: 'spin',
    });
  return [config(1n), config(1_000_000n)];
}
