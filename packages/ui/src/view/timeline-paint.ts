import type { TaskModel } from '../model/run-model.js';
import { paintAxis, paintBand, paintMinimap, paintNow, paintPauses } from './paint-band.js';
import { paintLabels, paintSlotNumbers } from './paint-labels.js';
import { FONT, type Marks, type Painter, shorten } from './painter.js';
import type { RunView } from './run-view.js';
import { barBox, type Geometry, laneAt, laneTop } from './timeline-geometry.js';
import type { Bar, TimelineLayout } from './timeline-layout.js';

export function paintTimeline(
  painter: Painter,
  view: RunView,
  layout: TimelineLayout,
  at: Geometry,
  marks: Marks = {},
): void {
  const { surface, colors } = painter;
  surface.fillStyle = colors.bg;
  surface.fillRect(0, 0, at.width, at.height);
  paintPauses(painter, view, at);
  surface.save();
  surface.beginPath();
  surface.rect(0, at.top, at.width, at.rowsHeight);
  surface.clip();
  const [first, last] = shownLanes(layout, at);
  for (let lane = first; lane <= last; lane++) {
    if (layout.rows[lane]?.id !== marks.selected || marks.selected === undefined) continue;
    surface.fillStyle = colors['accent-bg'];
    surface.fillRect(0, laneTop(at, lane), at.width, layout.heights[lane] as number);
  }
  const isLow = layout.mode === 'slots' && (layout.heights[0] ?? 0) < 12;
  if (!isLow) paintCriticalLine(painter, view, layout, at);
  for (let lane = first; lane <= last; lane++) paintLane(painter, view, layout, at, lane, marks);
  if (layout.mode !== 'slots') paintLabels(painter, view, layout, at, marks, [first, last]);
  if (isLow) paintCriticalLine(painter, view, layout, at);
  surface.restore();
  if (layout.mode === 'slots') paintSlotNumbers(painter, layout, at, [first, last]);
  paintAxis(painter, view, layout, at);
  paintBand(painter, view, at);
  if (view.model.isLive) paintNow(painter, view, at);
  if (at.minimap > 0) paintMinimap(painter, view, at);
}

function shownLanes(layout: TimelineLayout, at: Geometry): [number, number] {
  if (layout.lanes.length === 0) return [0, -1];
  return [laneAt(at, at.top), Math.min(layout.lanes.length - 1, laneAt(at, at.band))];
}

/** Joins the critical tasks: along the row of the finished one while the next waits, then across. */
function paintCriticalLine(
  { surface, colors }: Painter,
  { now }: RunView,
  layout: TimelineLayout,
  at: Geometry,
): void {
  const points = criticalBars(layout).map(({ bar, lane }): [number, number, number] => {
    const [top, height] = barBox(bar, laneTop(at, lane), layout.heights[lane] as number);
    return [at.x(bar.from), at.x(Math.min(bar.to, now)), top + height / 2];
  });
  surface.save();
  surface.beginPath();
  surface.rect(at.gutter, at.top, at.width - at.gutter, at.rowsHeight);
  surface.clip();
  surface.strokeStyle = colors.t1;
  surface.lineWidth = 1.25;
  surface.beginPath();
  for (const [index, [start, , y]] of points.entries()) {
    const before = points[index - 1];
    if (before === undefined) continue;
    const [, end, fromY] = before;
    const turn = Math.max(
      end + 1.5,
      layout.mode === 'slots' ? Math.min(start - 3, end + 3) : start - 3,
    );
    surface.moveTo(end, fromY);
    surface.lineTo(turn, fromY);
    surface.lineTo(turn, y);
    surface.lineTo(start, y);
  }
  surface.stroke();
  surface.restore();
}

const critical = new WeakMap<TimelineLayout, { bar: Bar; lane: number }[]>();

function criticalBars(layout: TimelineLayout): readonly { bar: Bar; lane: number }[] {
  let bars = critical.get(layout);
  if (bars === undefined) {
    bars = layout.lanes.flatMap((lane, index) =>
      lane
        .filter(({ kind, task }) => task.isCritical && (kind === 'run' || kind === 'human'))
        .map((bar) => ({ bar, lane: index })),
    );
    bars.sort((first, second) => first.bar.from - second.bar.from);
    critical.set(layout, bars);
  }
  return bars;
}

function paintLane(
  painter: Painter,
  { now }: RunView,
  layout: TimelineLayout,
  at: Geometry,
  lane: number,
  marks: Marks,
): void {
  const top = laneTop(at, lane);
  const height = layout.heights[lane] as number;
  // Sub-lanes overlap in time: each has its own last column.
  const columns: number[] = [];
  const bars = layout.lanes[lane] as readonly Bar[];
  // Failures and critical tasks are drawn last, because bars share columns of pixels.
  const strong: [Bar, Box][] = [];
  for (let index = firstShown(layout, bars, at.from); index < bars.length; index++) {
    const bar = bars[index] as Bar;
    if (bar.from > at.to) break;
    if (bar.to < at.from) continue;
    const isStrong = bar.kind === 'fail' || bar.task.isCritical === true;
    let x = at.x(Math.max(bar.from, at.from));
    let width = Math.max(at.x(Math.min(bar.to, now, at.to)) - x, 0.75);
    if (width < 1.2) {
      const column = Math.floor(x);
      if (columns[bar.sub] === column && !isStrong) continue;
      columns[bar.sub] = column;
      [x, width] = [column, bar.kind === 'fail' ? 1.5 : 1];
    } else if (width > 4) width -= 0.75;
    const box = { x, width, top, height };
    if (isStrong) strong.push([bar, box]);
    else paintBar(painter, layout, bar, box, marks);
  }
  for (const [bar, box] of strong) paintBar(painter, layout, bar, box, marks);
}

/** In a slot, bars follow one another: those before the window are skipped at once. */
function firstShown({ mode }: TimelineLayout, bars: readonly Bar[], from: number): number {
  if (mode !== 'slots') return 0;
  let [low, high] = [0, bars.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((bars[middle] as Bar).to < from) low = middle + 1;
    else high = middle;
  }
  return low;
}

interface Box {
  readonly x: number;
  readonly width: number;
  /** Of the lane. */
  readonly top: number;
  readonly height: number;
}

function paintBar(painter: Painter, layout: TimelineLayout, bar: Bar, box: Box, marks: Marks) {
  const { surface, colors } = painter;
  const { x, width, top, height } = box;
  const middle = top + height / 2;
  if (bar.kind === 'wait') {
    surface.fillStyle =
      bar.cause === 'limit' ? colors.warn : bar.cause === 'hold' ? colors.off : colors.line2;
    surface.fillRect(x, middle - 0.75, width, 1.5);
    surface.fillRect(x, middle - 3, 1.5, 6);
    return;
  }
  const [y, thick] = barBox(bar, top, height);
  if (bar.kind === 'backoff') {
    surface.strokeStyle = colors.bad;
    surface.lineWidth = 1.5;
    surface.setLineDash([2, 3]);
    surface.beginPath();
    surface.moveTo(x, y + thick / 2);
    surface.lineTo(x + width, y + thick / 2);
    surface.stroke();
    surface.setLineDash([]);
    return;
  }
  surface.fillStyle = fillOf(painter, bar, thick);
  const radius = Math.min(3, thick / 3, width / 2);
  if (width > 3 && thick > 5) {
    surface.beginPath();
    surface.roundRect(x, y, width, thick, radius);
    surface.fill();
    if (isPale(bar) && thick > 6 && width > 5) {
      surface.strokeStyle = colors['ok-l'];
      surface.lineWidth = 1;
      surface.beginPath();
      surface.roundRect(x + 0.5, y + 0.5, width - 1, thick - 1, radius);
      surface.stroke();
    }
  } else surface.fillRect(x, y, width, thick);
  const isFinal = bar.kind === 'fail' && bar.segment?.isLast === true;
  if (isFinal && width >= 12 && thick >= 10) paintCross(painter, x + width - 9, y + thick / 2);
  if (bar.task.id === marks.selected || bar.task.id === marks.hovered) {
    surface.strokeStyle = bar.task.id === marks.selected ? colors.accent : colors.t1;
    surface.lineWidth = 2;
    surface.beginPath();
    surface.roundRect(x - 1, y - 1, width + 2, thick + 2, 4);
    surface.stroke();
  }
  if (layout.mode === 'slots' && thick >= 12 && width > 34) {
    paintInside(painter, bar, { x, width: width - (isFinal ? 24 : 12), y: y + thick / 2 + 4 });
  }
}

/** Completed and not critical. */
function isPale({ kind, segment, task }: Bar): boolean {
  if (kind !== 'run' || segment?.isCut) return false;
  return segment?.to !== undefined && !task.isCritical;
}

function fillOf({ colors, hatch }: Painter, bar: Bar, thick: number): unknown {
  const { segment, task } = bar;
  if (bar.kind === 'human') return task.isCritical ? colors.hum : colors['hum-t'];
  if (bar.kind === 'fail') {
    return segment?.isLast ? colors.bad : hatch(colors.bad, colors['bad-t']);
  }
  if (segment?.to === undefined) return colors.run;
  if (segment.isCut) return colors['off-t'];
  if (task.isCritical) return colors.ok;
  return thick > 6 ? colors['ok-t'] : colors['ok-m'];
}

function paintCross({ surface, colors }: Painter, x: number, y: number): void {
  surface.strokeStyle = colors.bg;
  surface.lineWidth = 1.5;
  surface.beginPath();
  surface.moveTo(x - 3, y - 3);
  surface.lineTo(x + 3, y + 3);
  surface.moveTo(x + 3, y - 3);
  surface.lineTo(x - 3, y + 3);
  surface.stroke();
}

/** The id of a task inside its bar: whole, or at least 60 per cent of it and nine letters. */
function paintInside(
  { surface, colors }: Painter,
  bar: Bar,
  { x, y, width }: { x: number; y: number; width: number },
): void {
  if (bar.kind === 'fail' && bar.segment?.isLast !== true) return;
  surface.font = `500 11px ${FONT}`;
  surface.fillStyle = isPale(bar) ? colors.t1 : colors.bg;
  const { id } = bar.task satisfies TaskModel;
  const text = shorten(surface, id, width);
  if (text === id || text.length - 1 >= Math.max(9, id.length * 0.6)) {
    surface.fillText(text, x + 6, y);
  }
}
