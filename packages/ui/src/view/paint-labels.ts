import type { ShownStatus } from '../model/run-model.js';
import { duration } from './format.js';
import { FONT, type Marks, type Painter, shorten } from './painter.js';
import { firstStart, hasStarted, lastEnd, type RunView, runMsOf, shownMsOf } from './run-view.js';
import type { Colors, Surface } from './surface.js';
import { type Geometry, laneTop, NARROW } from './timeline-geometry.js';
import type { Row, TimelineLayout } from './timeline-layout.js';
import { reasonWords } from './words.js';

/** The names of the rows, and what stands behind their last bars. */
export function paintLabels(
  painter: Painter,
  view: RunView,
  layout: TimelineLayout,
  at: Geometry,
  { selected }: Marks,
  [first, last]: readonly [number, number],
): void {
  const { surface, colors } = painter;
  surface.textBaseline = 'middle';
  for (let lane = first; lane <= last; lane++) {
    const row = layout.rows[lane] as Row;
    const y = laneTop(at, lane) + (layout.heights[lane] as number) / 2 + 0.5;
    const plate = row.id === selected ? colors['accent-bg'] : colors.bg;
    paintName(painter, row, at, y);
    if (at.width >= NARROW) paintFigures(painter, view, row, at, { y, plate });
  }
  surface.textBaseline = 'alphabetic';
}

function paintName({ surface, colors }: Painter, row: Row, at: Geometry, y: number): void {
  const { status, tasks, isFoldable, depth } = row;
  const indent = depth * 12;
  paintGlyph(surface, status, 17 + indent, y, colors);
  const isCritical = tasks.some((task) => task.isCritical);
  const amount = isFoldable && at.width >= NARROW ? `×${tasks.length}` : '';
  surface.font = `450 11.5px ${FONT}`;
  const amountWidth = amount === '' ? 0 : surface.measureText(amount).width + 14;
  surface.font = `${isCritical ? 600 : 450} 12.5px ${FONT}`;
  surface.fillStyle = status === 'skipped' || status === 'pending' ? colors.t2 : colors.t1;
  const name = shorten(surface, row.label, at.gutter - 40 - indent - amountWidth);
  surface.fillText(name, 29 + indent, y);
  if (amount === '') return;
  surface.font = `450 11.5px ${FONT}`;
  surface.fillStyle = colors.t2;
  surface.textAlign = 'right';
  surface.fillText(amount, at.gutter - 14, y);
  surface.textAlign = 'left';
}

function paintFigures(
  { surface, colors }: Painter,
  view: RunView,
  { tasks, status, isFoldable }: Row,
  at: Geometry,
  { y, plate }: { readonly y: number; readonly plate: string },
): void {
  surface.font = `450 11.5px ${FONT}`;
  const onPlate = (text: string, x: number, color: string): number => {
    const { width } = surface.measureText(text);
    surface.fillStyle = plate;
    surface.fillRect(x - 4, y - 8, width + 8, 15);
    surface.fillStyle = color;
    surface.fillText(text, x, y);
    return width + 8;
  };
  const started = tasks.filter(hasStarted);
  if (started.length === 0) {
    if (status !== 'skipped' && status !== 'canceled') return;
    const text = explain(tasks);
    const ended = Math.min(...tasks.map(({ end = Infinity }) => end), at.to);
    const room = at.width - surface.measureText(text).width - 12;
    onPlate(text, Math.max(at.gutter + 6, Math.min(at.x(ended) + 6, room)), colors.t2);
    return;
  }
  const [from, to] = [firstStart(started), lastEnd(started, view.now)];
  if (to < at.from || from > at.to) return;
  const [only] = tasks;
  const long =
    isFoldable || only === undefined
      ? to - from
      : only.human === undefined
        ? runMsOf(only, view.now)
        : shownMsOf(only, view.now);
  let x = at.x(Math.min(to, at.to)) + 8;
  x += onPlate(duration(long), x, colors.t2);
  const failed = tasks.filter((task) => task.status === 'failed').length;
  const skipped = tasks.filter((task) => task.status === 'skipped').length;
  if (failed > 0) x += onPlate(isFoldable ? `${failed} failed` : 'failed', x, colors.bad);
  if (skipped > 0) onPlate(`${skipped} skipped`, x, colors.t2);
}

function explain(tasks: Row['tasks']): string {
  const [first] = tasks;
  if (first === undefined) return '';
  const what = tasks.length > 1 ? `${tasks.length} ${first.status}` : first.status;
  const why = first.failedTask ? `${first.failedTask} failed` : reasonWords(first.reason);
  return `${what}: ${why}`;
}

/** The numbers of the slots. */
export function paintSlotNumbers(
  { surface, colors }: Painter,
  { heights, lanes }: TimelineLayout,
  at: Geometry,
  [first, last]: readonly [number, number],
): void {
  if ((heights[0] ?? 0) < 20) return;
  surface.save();
  surface.beginPath();
  surface.rect(0, at.top, at.gutter, at.rowsHeight);
  surface.clip();
  surface.font = `450 11px ${FONT}`;
  surface.fillStyle = colors.t3;
  surface.textAlign = 'right';
  for (let lane = first; lane <= last; lane++) {
    if (lanes.length > 12 && lane !== 0 && lane % 4 !== 3) continue;
    const middle = laneTop(at, lane) + (heights[lane] as number) / 2;
    surface.fillText(String(lane + 1), at.gutter - 10, middle + 4);
  }
  surface.textAlign = 'left';
  surface.restore();
}

/** A status as a shape and a colour, small. */
export function paintGlyph(
  surface: Surface,
  status: ShownStatus,
  x: number,
  y: number,
  colors: Colors,
) {
  const color = {
    ...{ completed: colors.ok, failed: colors.bad, running: colors.run, waiting: colors.hum },
    ...{ retrying: colors.warn, skipped: colors.off, canceled: colors.off, pending: colors.off },
  }[status];
  surface.fillStyle = color;
  surface.strokeStyle = color;
  surface.lineWidth = status === 'failed' ? 2 : 1.4;
  surface.beginPath();
  const lines = (...points: readonly (readonly [number, number])[]) => {
    for (const [index, [dx, dy]] of points.entries()) {
      if (index % 2 === 0) surface.moveTo(x + dx, y + dy);
      else surface.lineTo(x + dx, y + dy);
    }
    surface.stroke();
  };
  switch (status) {
    case 'completed':
      surface.arc(x, y, 4, 0, 2 * Math.PI);
      surface.fill();
      break;
    case 'failed':
      lines([-3.4, -3.4], [3.4, 3.4], [3.4, -3.4], [-3.4, 3.4]);
      break;
    case 'running':
      surface.arc(x, y, 3.6, 0, 2 * Math.PI);
      surface.stroke();
      surface.beginPath();
      surface.moveTo(x, y);
      surface.arc(x, y, 3.6, -Math.PI / 2, 0);
      surface.closePath();
      surface.fill();
      break;
    case 'waiting':
      surface.moveTo(x, y - 5);
      surface.lineTo(x + 5, y);
      surface.lineTo(x, y + 5);
      surface.lineTo(x - 5, y);
      surface.closePath();
      surface.fill();
      break;
    case 'retrying':
      surface.arc(x, y, 3.6, 0, 1.5 * Math.PI);
      surface.stroke();
      break;
    case 'skipped':
      lines([-4, 0], [4, 0]);
      break;
    case 'canceled':
      surface.arc(x, y, 3.6, 0, 2 * Math.PI);
      surface.stroke();
      surface.beginPath();
      lines([-2.5, 2.5], [2.5, -2.5]);
      break;
    case 'pending':
      surface.arc(x, y, 3.4, 0, 2 * Math.PI);
      surface.stroke();
  }
}
