import type { RunView } from './run-view.js';
import type { Bar, TimelineLayout } from './timeline-layout.js';

export interface GeometryOptions {
  readonly width: number;
  /** The window of time. */
  readonly from: number;
  readonly to: number;
  /** How far the rows are scrolled, in pixels. */
  readonly scroll?: number | undefined;
  /** Rows beyond this height are scrolled. */
  readonly maxHeight?: number | undefined;
  readonly hasMinimap?: boolean | undefined;
}

/** Where everything of a timeline is, in CSS pixels. */
export interface Geometry {
  readonly width: number;
  readonly height: number;
  readonly from: number;
  readonly to: number;
  /** Width of the column of names. */
  readonly gutter: number;
  /** Where the chart ends. */
  readonly chartEnd: number;
  readonly minimap: number;
  /** Top of the rows. */
  readonly top: number;
  readonly rowsHeight: number;
  readonly band: number;
  /** Tops of the lanes below `top`, unscrolled, and their end. */
  readonly offsets: readonly number[];
  readonly scroll: number;
  readonly maxScroll: number;
  x(ms: number): number;
  timeAt(x: number): number;
}

export const AXIS = 28;
export const BAND = 84;
const MINIMAP = 34;
/** Below this width, the chart is drawn as on a phone. */
export const NARROW = 700;
/** Runs from this many tasks on have a minimap. */
const MINIMAP_TASKS = 61;

export function measureTimeline(
  view: RunView,
  layout: TimelineLayout,
  options: GeometryOptions,
): Geometry {
  const { width, from, to, maxHeight = 920 } = options;
  const isSlots = layout.mode === 'slots';
  const isNarrow = width < NARROW;
  const gutter = isSlots ? (isNarrow ? 34 : 44) : isNarrow ? 118 : 188;
  const right = isSlots ? 12 : isNarrow ? 8 : layout.mode === 'groups' ? 112 : 88;
  const chartEnd = width - right;
  const offsets = [0];
  for (const height of layout.heights) offsets.push((offsets.at(-1) as number) + height);
  const content = (offsets.at(-1) as number) + 10;
  const hasMinimap = (options.hasMinimap ?? true) && view.model.tasks.length >= MINIMAP_TASKS;
  const minimap = hasMinimap ? MINIMAP : 0;
  const top = minimap + AXIS;
  const rowsHeight = Math.min(content, maxHeight);
  const maxScroll = Math.max(0, content - rowsHeight);
  const perPixel = (to - from) / Math.max(1, chartEnd - gutter);
  return {
    ...{ width, from, to, gutter, chartEnd, minimap, top, rowsHeight, band: top + rowsHeight },
    ...{ offsets, maxScroll, scroll: Math.max(0, Math.min(options.scroll ?? 0, maxScroll)) },
    height: top + rowsHeight + BAND,
    x: (ms) => gutter + (ms - from) / perPixel,
    timeAt: (x) => from + (x - gutter) * perPixel,
  };
}

/** The top of a lane on the surface. */
export function laneTop({ top, scroll, offsets }: Geometry, lane: number): number {
  return top + 5 - scroll + (offsets[lane] as number);
}

/** The lane at a height on the surface. */
export function laneAt({ top, scroll, offsets }: Geometry, y: number): number {
  const target = y - top - 5 + scroll;
  let [low, high] = [0, offsets.length - 1];
  while (low < high - 1) {
    const middle = (low + high) >> 1;
    if ((offsets[middle] as number) <= target) low = middle;
    else high = middle;
  }
  return low;
}

/** Top and height of a bar in its lane. */
export function barBox(bar: Bar, top: number, height: number): [number, number] {
  const margin = height >= 20 ? 4 : height >= 12 ? 2 : height >= 7 ? 1 : 0.5;
  const inner = height - 2 * margin;
  if (bar.of === 1) return [top + margin, inner];
  const step = inner / bar.of;
  return [top + margin + bar.sub * step, Math.max(step - (step > 3 ? 1 : 0), 0.8)];
}

/** What is at a point. */
export interface Hit {
  readonly area: 'minimap' | 'gutter' | 'chart' | 'other';
  readonly lane?: number | undefined;
  readonly bar?: Bar | undefined;
}

export function hitTest(
  { now }: RunView,
  layout: TimelineLayout,
  at: Geometry,
  x: number,
  y: number,
): Hit {
  if (y < at.minimap) return { area: 'minimap' };
  if (y < at.top || y > at.band || layout.lanes.length === 0) return { area: 'other' };
  const lane = laneAt(at, y);
  if (y > laneTop(at, lane) + (layout.heights[lane] as number)) return { area: 'other' };
  if (x < at.gutter) return { area: 'gutter', lane };
  const time = at.timeAt(x);
  const slack = ((at.to - at.from) / at.width) * 3;
  let found: Bar | undefined;
  for (const bar of layout.lanes[lane] ?? []) {
    if (bar.from - slack > time) break;
    if (Math.min(bar.to, now) + slack < time) continue;
    const [top, height] = barBox(bar, laneTop(at, lane), layout.heights[lane] as number);
    if (bar.of > 1 && (y < top || y > top + height + 1)) continue;
    found = bar;
  }
  return { area: 'chart', lane, bar: found };
}
