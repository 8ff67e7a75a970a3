// Where messages went and where they go now, counted.

/** Ways from one destination to another that are told apart; the rest is counted together. */
const waysMax = 1_000;

/** Messages that went to one place and go to another now. */
export interface Way {
  readonly from: string;
  readonly to: string;
  messages: number;
}

/** Counts a message that goes another way; beyond `waysMax` ways, new ones are one together. */
export function countWay(ways: Map<string, Way>, from: string, to: string): void {
  const key = `${from}\n${to}`;
  const isOwn = ways.has(key) || ways.size < waysMax;
  const fresh = isOwn ? { from, to, messages: 0 } : { from: 'others', to: 'others', messages: 0 };
  const way = ways.get(isOwn ? key : '') ?? fresh;
  way.messages += 1;
  ways.set(isOwn ? key : '', way);
}
