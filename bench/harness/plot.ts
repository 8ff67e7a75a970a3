// The two plots of the report as inline SVG. Colours come from the page's style.
import { formatCount, formatFigure } from './table.js';
import { percentileLevels } from './types.js';

/** One line of a percentile plot; `values` stand at `percentileLevels`. */
export interface Series {
  readonly name: string;
  readonly unit: string;
  readonly values: readonly number[];
}

export interface Bar {
  readonly name: string;
  readonly value: number;
}

const width = 900;
const height = 300;
const margin = { top: 14, right: 160, bottom: 30, left: 70 };
const colourCount = 9;
const barHeight = 26;
const barNameWidth = 260;
/** Levels at or beyond this stand at the right edge: 1 / (1 − p) has no end. */
const lastDecade = 4;

/** Percentiles on a scale that stretches the tail; values on a logarithmic one. */
export function percentilePlot(series: readonly Series[]): string {
  const positive = series.flatMap(({ values }) => values.filter((value) => value > 0));
  if (positive.length === 0) return '';
  const low = Math.floor(Math.log10(Math.min(...positive)));
  const high = Math.max(low + 1, Math.ceil(Math.log10(Math.max(...positive))));
  const x = (level: number) =>
    margin.left + (decadeOf(level) / lastDecade) * (width - margin.left - margin.right);
  const y = (value: number) =>
    height -
    margin.bottom -
    ((Math.log10(Math.max(value, 10 ** low)) - low) / (high - low)) *
      (height - margin.top - margin.bottom);
  const unit = series[0]?.unit ?? 'ns';
  const grid = Array.from({ length: high - low + 1 }, (_value, index) => 10 ** (low + index)).map(
    (value) =>
      `<line class="grid" x1="${margin.left}" x2="${width - margin.right}" ` +
      `y1="${round(y(value))}" y2="${round(y(value))}"/>` +
      `<text x="${margin.left - 8}" y="${round(y(value) + 4)}" text-anchor="end">` +
      `${escapeHtml(formatFigure(value, unit))}</text>`,
  );
  const ticks = [0, 50, 90, 99, 99.9, 99.99].map(
    (level) =>
      `<text x="${round(x(level))}" y="${height - 10}" text-anchor="middle">` +
      `${level === 0 ? 'min' : `p${level}`}</text>`,
  );
  const lines = series.map((one, index) => line(one, index, x, y));
  return svg(height, [...grid, ...ticks, ...lines]);
}

function line(
  { name, unit, values }: Series,
  index: number,
  x: (level: number) => number,
  y: (value: number) => number,
): string {
  const points = percentileLevels
    .map((level, at) => ({ level, value: values[at] ?? 0 }))
    .filter(({ level }) => level < 100);
  const path = points.map(({ level, value }) => `${round(x(level))},${round(y(value))}`).join(' ');
  const dots = points.map(
    ({ level, value }) =>
      `<circle cx="${round(x(level))}" cy="${round(y(value))}" r="3"><title>` +
      `${escapeHtml(`${name}, p${level}: ${formatFigure(value, unit)}`)}</title></circle>`,
  );
  const legendY = margin.top + 8 + index * 20;
  const legendX = width - margin.right + 16;
  return (
    `<g class="s${index % colourCount}"><polyline points="${path}"/>${dots.join('')}` +
    `<circle cx="${legendX}" cy="${legendY - 4}" r="4"/>` +
    `<text class="name" x="${legendX + 10}" y="${legendY}">${escapeHtml(name)}</text></g>`
  );
}

/** Horizontal bars from zero. */
export function barPlot(bars: readonly Bar[]): string {
  const most = Math.max(...bars.map(({ value }) => value));
  const room = width - barNameWidth - 80;
  const rows = bars.map(({ name, value }, index) => {
    const top = index * barHeight;
    const bar = most > 0 ? (value / most) * room : 0;
    return (
      `<g class="s0"><text class="name" x="${barNameWidth - 8}" y="${top + 17}" ` +
      `text-anchor="end">${escapeHtml(name)}</text>` +
      `<rect class="bar" x="${barNameWidth}" y="${top + 4}" width="${round(bar)}" ` +
      `height="${barHeight - 8}" rx="2"/><text x="${round(barNameWidth + bar + 6)}" ` +
      `y="${top + 17}">${escapeHtml(formatCount(value))}</text></g>`
    );
  });
  return svg(bars.length * barHeight, rows);
}

function svg(plotHeight: number, parts: readonly string[]): string {
  // Inside an HTML page an svg element needs no namespace.
  return `<svg viewBox="0 0 ${width} ${plotHeight}" role="img">${parts.join('')}</svg>`;
}

function decadeOf(level: number): number {
  return level >= 100 ? lastDecade : Math.min(lastDecade, -Math.log10(1 - level / 100));
}

function round(value: number): string {
  return value.toFixed(1);
}

/** Text as it may stand in an element or an attribute. */
export function escapeHtml(text: string): string {
  const entities: Readonly<Record<string, string>> = {
    '&': '&amp;',
    '<': '&lt;',
    '>': '&gt;',
    '"': '&quot;',
    "'": '&#39;',
  };
  return text.replace(/[&<>"']/g, (character) => entities[character] ?? character);
}
