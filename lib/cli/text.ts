// Numbers and tables as the commands print them.

const scales = [
  { from: 1e9, suffix: 'G' },
  { from: 1e6, suffix: 'M' },
  { from: 1e4, suffix: 'k', by: 1e3 },
] as const;

/** A rate a person reads at a glance: `812`, `45.2k`, `1.30M`. */
export function rateText(value: number | null): string {
  if (value === null) return '-';
  for (const scale of scales) {
    if (Math.abs(value) < scale.from) continue;
    const scaled = value / ('by' in scale ? scale.by : scale.from);
    const size = Math.abs(scaled);
    return `${scaled.toFixed(size < 10 ? 2 : size < 100 ? 1 : 0)}${scale.suffix}`;
  }
  return Number.isInteger(value) ? String(value) : value.toFixed(Math.abs(value) < 10 ? 1 : 0);
}

/** A whole number with separators: `1,234,567`. */
export function countText(value: number): string {
  return value.toLocaleString('en-US', { maximumFractionDigits: 0 });
}

/** A duration in the unit that suits it: `840 ns`, `12.4 µs`, `3.10 ms`, `1.20 s`. */
export function nanosecondsText(value: number): string {
  if (value < 1e3) return `${value} ns`;
  if (value < 1e6) return `${(value / 1e3).toFixed(1)} µs`;
  if (value < 1e9) return `${(value / 1e6).toFixed(2)} ms`;
  return `${(value / 1e9).toFixed(2)} s`;
}

/** Bytes in the unit that suits them: `512 B`, `14.2 MB`. */
export function bytesText(value: number): string {
  if (value < 1e3) return `${Math.round(value)} B`;
  if (value < 1e6) return `${(value / 1e3).toFixed(1)} kB`;
  return `${(value / 1e6).toFixed(1)} MB`;
}

/** How long ago: `42s`, `5m 3s`, `2h 7m`, `3d 4h`. */
export function secondsText(seconds: number): string {
  const whole = Math.floor(seconds);
  if (whole < 60) return `${whole}s`;
  if (whole < 3600) return `${Math.floor(whole / 60)}m ${whole % 60}s`;
  if (whole < 86_400) return `${Math.floor(whole / 3600)}h ${Math.floor((whole % 3600) / 60)}m`;
  return `${Math.floor(whole / 86_400)}d ${Math.floor((whole % 86_400) / 3600)}h`;
}

/** A share as a percentage: `6.25 %`. */
export function percentText(share: number): string {
  return `${Number((share * 100).toFixed(2))} %`;
}

/** Lines of a table: the first `textColumns` columns are left-aligned, the others right-aligned. */
export function table(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  textColumns = 1,
): string[] {
  const widths = head.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)),
  );
  const aligned = (cell: string, column: number) => {
    const width = widths[column] ?? 0;
    return column < textColumns ? cell.padEnd(width) : cell.padStart(width);
  };
  return [head, ...rows].map((row) => row.map(aligned).join('  ').trimEnd());
}
