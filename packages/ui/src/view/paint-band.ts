import { duration } from './format.js';
import { FONT, type Painter } from './painter.js';
import type { RunView } from './run-view.js';
import { tickLabel, tickStep } from './ticks.js';
import { AXIS, BAND, type Geometry } from './timeline-geometry.js';
import type { TimelineLayout } from './timeline-layout.js';

/** Below the band: the room for what the rows hide. */
const FOOT = 18;

/** Pauses closer together than this many pixels are drawn as one. */
const MERGE = 4;

function mergedPauses(view: RunView, at: Geometry): [number, number][] {
  const merged: [number, number][] = [];
  for (const { from, to } of view.model.pauses) {
    const last = merged.at(-1);
    if (last !== undefined && at.x(from) - at.x(last[1]) < MERGE) last[1] = Math.max(last[1], to);
    else merged.push([from, to]);
  }
  return merged;
}

/** Rate-limit pauses, pauses of the run and the lines of the ticks, behind everything else. */
export function paintPauses(painter: Painter, view: RunView, at: Geometry): void {
  const { surface, colors, hatch } = painter;
  surface.save();
  surface.beginPath();
  surface.rect(at.gutter, at.top, at.chartEnd - at.gutter + 4, at.height - at.top);
  surface.clip();
  for (const [from, to] of mergedPauses(view, at)) {
    const x = at.x(from);
    const width = Math.max(1.5, at.x(to) - x);
    surface.fillStyle = hatch(colors['warn-t'], colors['warn-b']);
    surface.globalAlpha = 0.5;
    surface.fillRect(x, at.top, width, at.rowsHeight);
    surface.globalAlpha = 1;
    surface.fillRect(x, at.band, width, BAND - FOOT);
  }
  for (const [from, to] of view.model.holds) {
    surface.fillStyle = colors['off-b'];
    surface.fillRect(at.x(from), at.top, at.x(to) - at.x(from), at.rowsHeight + BAND - FOOT);
  }
  surface.strokeStyle = colors.line;
  surface.lineWidth = 1;
  surface.beginPath();
  for (const time of ticksOf(at)) {
    const x = Math.round(at.x(time)) + 0.5;
    surface.moveTo(x, at.top);
    surface.lineTo(x, at.height - FOOT);
  }
  surface.stroke();
  surface.restore();
}

function ticksOf(at: Geometry): number[] {
  const step = tickStep(at.to - at.from, at.chartEnd - at.gutter);
  const ticks: number[] = [];
  const end = at.to + step * 1e-6;
  for (let index = Math.ceil(at.from / step - 1e-6); index * step <= end; index++) {
    ticks.push(index * step);
  }
  return ticks;
}

export function paintAxis(
  { surface, colors }: Painter,
  view: RunView,
  layout: TimelineLayout,
  at: Geometry,
): void {
  const y = at.minimap;
  surface.fillStyle = colors.bg;
  surface.fillRect(0, y, at.width, AXIS);
  surface.fillStyle = colors.line;
  surface.fillRect(0, y + AXIS - 1, at.width, 1);
  surface.font = `450 11.5px ${FONT}`;
  surface.fillStyle = colors.t2;
  const step = tickStep(at.to - at.from, at.chartEnd - at.gutter);
  for (const time of ticksOf(at)) {
    const label = tickLabel(Number(time.toFixed(3)), step);
    const x = at.x(time);
    const { width } = surface.measureText(label);
    if (x + width / 2 > at.width - 2) continue;
    if (view.model.isLive && Math.abs(x - at.x(view.now)) < 20 + width / 2) continue;
    surface.fillText(label, Math.max(at.gutter, x - width / 2), y + 18);
  }
  surface.fillStyle = colors.t3;
  const isSlots = layout.mode === 'slots';
  surface.fillText(isSlots ? 'Slot' : 'Task', isSlots ? 10 : 12, y + 18);
}

/** How many tasks ran at once, the limit, and the pauses, on the axis of the rows. */
export function paintBand(painter: Painter, view: RunView, at: Geometry): void {
  const { surface, colors } = painter;
  const { caps, figures } = view.model;
  surface.fillStyle = colors.line;
  surface.fillRect(0, at.band, at.width, 1);
  const bottom = at.band + BAND - FOOT;
  // A limit far above the peak would flatten the area.
  const limits = caps.flatMap(([, cap]) =>
    cap !== null && cap <= figures.peak * 2.2 ? [cap] : [],
  );
  const top = Math.max(figures.peak, ...limits, 1);
  const y = (running: number) => bottom - (running / top) * (BAND - FOOT - 16);
  surface.save();
  surface.beginPath();
  surface.rect(at.gutter, at.band, at.chartEnd - at.gutter + 2, BAND);
  surface.clip();
  paintArea(painter, view, at, { bottom, y });
  paintCaps(painter, caps, view.now, at, { top, y });
  surface.font = `500 11px ${FONT}`;
  surface.fillStyle = colors.warn;
  for (const [from, to] of mergedPauses(view, at)) {
    const width = at.x(to) - at.x(from);
    if (width <= 62) continue;
    const text = width > 110 ? `rate limit ${duration(to - from)}` : 'rate limit';
    surface.fillText(text, Math.max(at.x(from), at.gutter) + 6, at.band + 13);
  }
  surface.restore();
  surface.fillStyle = colors.line;
  surface.fillRect(at.gutter, bottom, at.chartEnd - at.gutter, 1);
  surface.font = `450 11.5px ${FONT}`;
  surface.fillStyle = colors.t2;
  if (at.gutter > 100) {
    surface.fillText('Running at once', 12, at.band + 20);
    surface.fillStyle = colors.t3;
    surface.fillText(`peak ${figures.peak}`, 12, at.band + 36);
    return;
  }
  surface.textAlign = 'right';
  surface.fillStyle = colors.t3;
  surface.fillText(String(top), at.gutter - 10, y(top) + 4);
  surface.fillText('0', at.gutter - 10, bottom);
  surface.textAlign = 'left';
}

interface BandScale {
  y(running: number): number;
}

function paintArea(
  { surface, colors }: Painter,
  { model: { concurrency }, now }: RunView,
  at: Geometry,
  { bottom, y }: BandScale & { readonly bottom: number },
): void {
  surface.beginPath();
  surface.moveTo(at.x(Math.max(0, at.from)), bottom);
  let running = 0;
  for (const [index, [time, next]] of concurrency.entries()) {
    const following = concurrency[index + 1];
    // Outside the window: only the number counts.
    if (following !== undefined && following[0] < at.from) {
      running = next;
      continue;
    }
    const x = at.x(time);
    surface.lineTo(x, y(running));
    surface.lineTo(x, y(next));
    running = next;
    if (time > at.to) break;
  }
  const end = at.x(Math.min(now, Math.max(at.to, concurrency.at(-1)?.[0] ?? 0)));
  surface.lineTo(end, y(running));
  surface.lineTo(end, bottom);
  surface.closePath();
  surface.fillStyle = colors['run-t'];
  surface.globalAlpha = 0.75;
  surface.fill();
  surface.globalAlpha = 1;
  surface.strokeStyle = colors.run;
  surface.lineWidth = 1.25;
  surface.stroke();
}

function paintCaps(
  { surface, colors }: Painter,
  caps: RunView['model']['caps'],
  now: number,
  at: Geometry,
  { top, y }: BandScale & { readonly top: number },
): void {
  surface.strokeStyle = colors.t2;
  surface.lineWidth = 1.25;
  surface.setLineDash([5, 3]);
  surface.beginPath();
  let last: number | undefined;
  for (const [time, cap] of [...caps, [now, caps.at(-1)?.[1] ?? null] as const]) {
    const x = at.x(time);
    if (last !== undefined) surface.lineTo(x, y(last));
    const shown = cap !== null && cap <= top ? cap : undefined;
    if (shown !== undefined) {
      if (last === undefined) surface.moveTo(x, y(shown));
      else surface.lineTo(x, y(shown));
    }
    last = shown;
  }
  surface.stroke();
  surface.setLineDash([]);
  surface.font = `500 11px ${FONT}`;
  for (const [index, [time, cap]] of caps.entries()) {
    if (cap === null || cap > top) continue;
    const x = Math.max(at.x(time), at.gutter) + 6;
    const following = caps[index + 1];
    if ((following === undefined ? at.width : at.x(following[0])) - x < 50) continue;
    const label = `limit ${cap}`;
    surface.fillStyle = colors.bg;
    surface.globalAlpha = 0.85;
    surface.fillRect(x - 3, y(cap) - 6, surface.measureText(label).width + 6, 13);
    surface.globalAlpha = 1;
    surface.fillStyle = colors.t2;
    surface.fillText(label, x, y(cap) + 4);
  }
}

/** The line "now" of a run under way. */
export function paintNow({ surface, colors }: Painter, { now }: RunView, at: Geometry): void {
  const x = at.x(now);
  if (x < at.gutter || x > at.width) return;
  surface.strokeStyle = colors.run;
  surface.lineWidth = 1.5;
  surface.beginPath();
  surface.moveTo(x, at.top);
  surface.lineTo(x, at.band + BAND - FOOT);
  surface.stroke();
  surface.font = `600 11px ${FONT}`;
  const { width } = surface.measureText('now');
  surface.fillStyle = colors.run;
  surface.beginPath();
  surface.roundRect(x - width / 2 - 5, at.minimap + 7, width + 10, 16, 4);
  surface.fill();
  surface.fillStyle = colors.bg;
  surface.fillText('now', x - width / 2, at.minimap + 19);
}

/** The whole run in small: running tasks, failures, and the window. */
export function paintMinimap({ surface, colors }: Painter, view: RunView, at: Geometry): void {
  const height = at.minimap;
  const { concurrency, figures, tasks, isLive } = view.model;
  const end = minimapEnd(view, at);
  const x = (time: number) => at.gutter + (time / end) * (at.chartEnd - at.gutter);
  surface.fillStyle = colors.sub;
  surface.fillRect(0, 0, at.width, height);
  const y = (running: number) => height - 3 - (running / Math.max(1, figures.peak)) * (height - 9);
  surface.beginPath();
  surface.moveTo(at.gutter, height - 3);
  let running = 0;
  for (const [time, next] of concurrency) {
    surface.lineTo(x(time), y(running));
    surface.lineTo(x(time), y(next));
    running = next;
  }
  surface.lineTo(x(view.now), y(isLive ? running : 0));
  surface.lineTo(x(view.now), height - 3);
  surface.closePath();
  surface.fillStyle = colors.line2;
  surface.fill();
  surface.fillStyle = colors.bad;
  for (const { status, end: failedAt, children } of tasks) {
    if (status !== 'failed' || failedAt === undefined || children !== undefined) continue;
    surface.fillRect(x(failedAt) - 1, 2, 2, height - 5);
  }
  if (at.from > 1 || at.to < end - 1) {
    surface.fillStyle = colors.bg;
    surface.globalAlpha = 0.65;
    surface.fillRect(at.gutter, 0, x(at.from) - at.gutter, height);
    surface.fillRect(x(at.to), 0, at.chartEnd - x(at.to), height);
    surface.globalAlpha = 1;
    surface.strokeStyle = colors.t2;
    surface.lineWidth = 1;
    surface.strokeRect(x(at.from) + 0.5, 1.5, x(at.to) - x(at.from) - 1, height - 3);
  }
  surface.fillStyle = colors.line;
  surface.fillRect(0, height - 1, at.width, 1);
}

/** The time at the end of the minimap. */
export function minimapEnd({ model, now }: RunView, at: Geometry): number {
  return Math.max(1, model.isLive ? Math.max(at.to, now * 1.06) : now);
}
