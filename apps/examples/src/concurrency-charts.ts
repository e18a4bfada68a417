import type { RunEvent } from '@stratagem/core';

/** The concurrency of one run over time. */
export interface Chart {
  readonly title: string;
  readonly timeline: readonly RunEvent[];
  /** The best concurrency from a time on, where it is known. */
  readonly best: readonly (readonly [atMs: number, best: number])[];
}

const COLUMNS = 3;
const WIDTH = 210;
const HEIGHT = 110;
const GAP = 36;
const LEFT = 44;
const TOP = 76;
const BOTTOM = 30;
/** The vertical axis is logarithmic: 1, 2, 4, … 128. */
const DOUBLINGS = 7;
const STEP_MS = 100;

/**
 * Draws charts in a grid: the requests in flight on a logarithmic scale, the best concurrency as a
 * dashed line, and a red mark for each tenth of a second in which a request was refused.
 */
export function drawConcurrency(charts: readonly Chart[], shownMs: number): string {
  const rows = Math.ceil(charts.length / COLUMNS);
  const width = LEFT + COLUMNS * (WIDTH + GAP) - GAP + 20;
  const height = TOP + rows * (HEIGHT + GAP + 12) - GAP + BOTTOM;
  const panels = charts.flatMap((chart, index) => {
    const x = LEFT + (index % COLUMNS) * (WIDTH + GAP);
    const y = TOP + Math.floor(index / COLUMNS) * (HEIGHT + GAP + 12);
    return panel(chart, x, y, shownMs);
  });
  const title = 'Requests in flight under adaptive() over time, for tasks of about one second';
  const legend = 'dashed: best concurrency for the server; red: refused requests';
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="system-ui, sans-serif" font-size="11">`,
    `<title>${title}</title>`,
    `<rect width="${width}" height="${height}" rx="8" fill="#fff"/>`,
    text(20, 26, title, 'start', '#333', 14),
    text(20, 44, legend, 'start', '#777'),
    ...panels,
    '</svg>\n',
  ].join('\n');
}

function panel({ title, timeline, best }: Chart, x: number, y: number, shownMs: number): string[] {
  const atX = (ms: number) => round(x + (ms / shownMs) * WIDTH);
  const atY = (inFlight: number) =>
    round(y + HEIGHT * (1 - Math.log2(Math.max(1, inFlight)) / DOUBLINGS));
  const lines = Array.from({ length: DOUBLINGS + 1 }, (_, power) => power).flatMap((power) => {
    const level = atY(2 ** power);
    const label = power % 2 === 0 ? [text(x - 6, level + 4, `${2 ** power}`, 'end', '#777')] : [];
    return [`<path d="M${x} ${level}h${WIDTH}" stroke="#eee"/>`, ...label];
  });
  const seconds = [0, 0.25, 0.5, 0.75, 1].map((share) =>
    text(atX(share * shownMs), y + HEIGHT + 14, `${(share * shownMs) / 1000} s`, 'middle', '#777'),
  );
  const { inFlight, refusedAt } = sample(timeline, shownMs);
  const curve = inFlight
    .map((count, step) =>
      step > 0 && count === inFlight[step - 1] ? '' : `H${atX(step * STEP_MS)}V${atY(count)}`,
    )
    .join('');
  const end = atX((inFlight.length - 1) * STEP_MS);
  const marks = [...refusedAt].map((step) => `M${atX(step * STEP_MS)} ${y + HEIGHT}v-6`).join('');
  return [
    text(x, y - 8, title),
    ...lines,
    ...seconds,
    ...best.map(([atMs, level], index) => {
      const until = best[index + 1]?.[0] ?? shownMs;
      return `<path d="M${atX(atMs)} ${atY(level)}H${atX(until)}" stroke="#f58518" stroke-dasharray="4 3"/>`;
    }),
    `<path d="M${x} ${y + HEIGHT}${curve}H${end}" fill="none" stroke="#4c78a8" stroke-width="1.5"/>`,
    ...(marks === '' ? [] : [`<path d="${marks}" stroke="#e45756"/>`]),
  ];
}

/** The requests in flight at each step, and the steps in which a request was refused. */
function sample(timeline: readonly RunEvent[], shownMs: number) {
  const inFlight: number[] = [];
  const refusedAt = new Set<number>();
  let running = 0;
  let last = 0;
  const began = timeline[0]?.timestamp ?? 0;
  for (const event of timeline) {
    const ms = event.timestamp - began;
    if (ms > shownMs || event.type.startsWith('run_') || event.type === 'task_skipped') continue;
    while (last * STEP_MS < ms) {
      inFlight.push(running);
      last++;
    }
    if (event.type === 'task_started') running++;
    else if (event.type === 'task_completed') running--;
    else if (event.type === 'task_retrying') {
      running--;
      refusedAt.add(Math.floor(ms / STEP_MS));
    }
  }
  return { inFlight, refusedAt };
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

function text(
  x: number,
  y: number,
  content: string,
  anchor: 'start' | 'middle' | 'end' = 'start',
  fill = '#333',
  size = 11,
): string {
  const escaped = content.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
  return `<text x="${x}" y="${y}" text-anchor="${anchor}" fill="${fill}" font-size="${size}">${escaped}</text>`;
}
