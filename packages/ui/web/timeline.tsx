import { useEffect, useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks';
import { duration } from '../src/view/format.js';
import { minimapEnd } from '../src/view/paint-band.js';
import { type RunView, runMsOf, waitMsOf } from '../src/view/run-view.js';
import { COLORS, type Theme } from '../src/view/surface.js';
import {
  type Geometry,
  type Hit,
  hitTest,
  laneTop,
  measureTimeline,
} from '../src/view/timeline-geometry.js';
import {
  type Bar,
  layoutTimeline,
  type TimelineMode,
  withinWindow,
} from '../src/view/timeline-layout.js';
import { paintTimeline } from '../src/view/timeline-paint.js';
import { CAUSE_WORDS, STATUS_WORDS } from '../src/view/words.js';
import { Glyph } from './glyph.js';
import { hatchOf } from './hatch.js';
import { useWidth } from './use-width.js';

export type Window = readonly [from: number, to: number];

export interface TimelineProps {
  readonly view: RunView;
  readonly mode: TimelineMode;
  readonly theme: Theme;
  readonly window: Window;
  readonly whole: number;
  readonly open: ReadonlySet<string>;
  readonly selected?: string | undefined;
  readonly select?: ((task: string | undefined) => void) | undefined;
  readonly toggle?: ((fold: string) => void) | undefined;
  readonly setWindow?: ((window: Window) => void) | undefined;
  readonly maxHeight?: number | undefined;
  /** Drawn small, without a minimap and without reactions: for comparisons. */
  readonly isStill?: boolean | undefined;
}

/** The shortest window: a 4,000th of the run. */
const DEEPEST = 4_000;

/** A window of the given length that lies within the run. */
export function clampWindow(from: number, to: number, whole: number): Window {
  const length = Math.min(Math.max(to - from, whole / DEEPEST, 5), whole);
  const start = Math.max(0, Math.min(from, whole - length));
  return [start, start + length];
}

/** The window with another length around a time. */
export function zoomWindow([from, to]: Window, factor: number, whole: number, at?: number): Window {
  const middle = at ?? (from + to) / 2;
  return clampWindow(middle - (middle - from) * factor, middle + (to - middle) * factor, whole);
}

export function Timeline(props: TimelineProps) {
  const { view, mode, theme, whole, open, selected, select, isStill = false } = props;
  const [from, to] = props.window;
  const { model } = view;
  const [ref, width] = useWidth<HTMLDivElement>();
  const canvas = useRef<HTMLCanvasElement>(null);
  const [scroll, setScroll] = useState(0);
  const [hover, setHover] = useState<{ bar: Bar; x: number; y: number } | undefined>();
  // Bars that last are drawn up to now: a new time alone needs no new layout.
  const full = useMemo(
    () => layoutTimeline(view, mode, open, isStill),
    [model, mode, open, isStill],
  );
  const isWhole = from <= 1 && to >= view.now - 1;
  const layout = useMemo(
    () => (isWhole ? full : withinWindow(full, from, to)),
    [full, isWhole, from, to],
  );
  const at = measureTimeline(view, layout, {
    ...{ width, from, to, scroll, maxHeight: props.maxHeight, hasMinimap: !isStill },
  });

  const draw = (density: number, colors = COLORS[theme]) => {
    const element = canvas.current;
    if (element === null || width === 0) return;
    element.width = Math.round(width * density);
    element.height = Math.round(at.height * density);
    const context = element.getContext('2d', { alpha: false });
    if (context === null) return;
    context.setTransform(density, 0, 0, density, 0, 0);
    const hatch = hatchOf(context);
    const surface = context as unknown as Parameters<typeof paintTimeline>[0]['surface'];
    const marks = { selected, hovered: hover?.bar.task.id };
    paintTimeline({ surface, colors, hatch }, view, layout, at, marks);
  };
  useLayoutEffect(() => {
    const start = performance.now();
    draw(Math.min(3, devicePixelRatio || 1));
    performance.measure?.('timeline', { start });
  });
  useEffect(() => {
    const print = () => draw(3, COLORS.light);
    addEventListener('beforeprint', print);
    return () => removeEventListener('beforeprint', print);
  });

  const input = useRef<Input>(null as never);
  input.current = { props, at, layout, scroll, setScroll };
  useEffect(() => {
    const element = canvas.current;
    if (element === null || isStill) return undefined;
    const wheel = (event: WheelEvent) => onWheel(event, input.current, element);
    element.addEventListener('wheel', wheel, { passive: false });
    return () => element.removeEventListener('wheel', wheel);
  }, [isStill]);
  useEffect(() => setScroll(0), [mode]);
  useEffect(() => {
    // A selected task out of sight is scrolled to.
    if (selected === undefined || at.maxScroll === 0) return;
    const lane = layout.lanes.findIndex((bars, index) =>
      layout.rows[index] === undefined
        ? bars.some((bar) => bar.task.id === selected)
        : layout.rows[index]?.tasks.some(({ id }) => id === selected),
    );
    if (lane < 0) return;
    const top = laneTop(at, lane);
    if (top < at.top || top + 26 > at.band) {
      setScroll(Math.max(0, (at.offsets[lane] as number) - at.rowsHeight / 2));
    }
  }, [selected]);

  const hitAt = (event: PointerEvent): Hit & { x: number; y: number } => {
    const box = (canvas.current as HTMLCanvasElement).getBoundingClientRect();
    const [x, y] = [event.clientX - box.left, event.clientY - box.top];
    return { ...hitTest(view, layout, at, x, y), x, y };
  };
  const task = selected === undefined ? undefined : view.byId.get(selected);
  if (isStill) {
    return (
      <div class="gantt" ref={ref}>
        <canvas
          ref={canvas}
          role="img"
          aria-label={`Timeline of ${model.tasks.length} tasks`}
          style={{ height: `${at.height}px` }}
        />
      </div>
    );
  }
  return (
    <div
      class="gantt"
      ref={ref}
      tabIndex={0}
      role="application"
      aria-label={`Timeline of ${model.tasks.length} tasks over ${duration(view.now)}. Arrow keys move between tasks, plus and minus zoom, 0 shows the whole run. The tab Tasks has the same as a table.`}
      onKeyDown={(event) => onKey(event, props, layout.lanes)}
    >
      <canvas
        ref={canvas}
        aria-hidden="true"
        style={{ height: `${at.height}px` }}
        onPointerMove={(event) => {
          const { bar, x, y } = hitAt(event);
          setHover(bar === undefined ? undefined : { bar, x, y });
        }}
        onPointerLeave={() => setHover(undefined)}
        onPointerDown={(event) => onPointerDown(event, hitAt(event), input)}
        onDblClick={() => props.setWindow?.([0, whole])}
      />
      <span class="sr" aria-live="polite">
        {task && `${task.id}, ${STATUS_WORDS[task.status]}, ${duration(runMsOf(task, view.now))}`}
      </span>
      {layout.hidden > 0 && (
        <p class="hidden-rows dim num">
          {layout.hidden} {layout.hidden === 1 ? 'row has' : 'rows have'} nothing in this window
        </p>
      )}
      {hover && <Tip {...hover} view={view} width={width} height={at.height} />}
      {select === undefined && null}
    </div>
  );
}

interface Input {
  readonly props: TimelineProps;
  readonly at: Geometry;
  readonly layout: ReturnType<typeof layoutTimeline>;
  readonly scroll: number;
  readonly setScroll: (scroll: number) => void;
}

/** With Ctrl it zooms, sideways it pans, down it scrolls rows and then the page. */
function onWheel(event: WheelEvent, { props, at, setScroll }: Input, element: HTMLElement): void {
  const { window, whole, setWindow } = props;
  const [from, to] = window;
  if (event.ctrlKey || event.metaKey) {
    event.preventDefault();
    const time = at.timeAt(event.clientX - element.getBoundingClientRect().left);
    setWindow?.(zoomWindow(window, Math.exp(event.deltaY * 0.0022), whole, time));
  } else if (Math.abs(event.deltaX) > Math.abs(event.deltaY)) {
    event.preventDefault();
    const by = (event.deltaX / at.width) * (to - from);
    setWindow?.(clampWindow(from + by, to + by, whole));
  } else {
    const next = Math.max(0, Math.min(at.maxScroll, at.scroll + event.deltaY));
    if (next === at.scroll) return;
    event.preventDefault();
    setScroll(next);
  }
}

/** A drag pans; in the minimap it chooses a window; two fingers zoom; a click selects or folds. */
function onPointerDown(event: PointerEvent, hit: Hit, input: { current: Input }): void {
  const start = event.clientX;
  const { at, props, layout } = input.current;
  const [from, to] = props.window;
  const box = (event.currentTarget as HTMLElement).getBoundingClientRect();
  const pointers = new Map([[event.pointerId, event.clientX]]);
  let isMoved = false;
  const miniTime = (x: number) => {
    const end = minimapEnd(props.view, at);
    const time = ((x - box.left - at.gutter) / (at.chartEnd - at.gutter)) * end;
    return Math.max(0, Math.min(end, time));
  };
  const move = (moved: PointerEvent) => {
    if (!pointers.has(moved.pointerId) && moved.pointerType === 'touch' && pointers.size === 1) {
      pointers.set(moved.pointerId, moved.clientX);
    }
    const before = [...pointers.values()];
    pointers.set(moved.pointerId, moved.clientX);
    const after = [...pointers.values()];
    if (after.length === 2) {
      isMoved = true;
      const apart = (xs: readonly number[]) => Math.max(20, Math.abs((xs[0] ?? 0) - (xs[1] ?? 0)));
      const middle = ((after[0] ?? 0) + (after[1] ?? 0)) / 2 - box.left;
      const factor = apart(before) / apart(after);
      const { props: now, at: where } = input.current;
      now.setWindow?.(zoomWindow(now.window, factor, now.whole, where.timeAt(middle)));
      return;
    }
    const by = moved.clientX - start;
    isMoved ||= Math.abs(by) > 3;
    if (!isMoved) return;
    if (hit.area === 'minimap') {
      const times = [miniTime(start), miniTime(moved.clientX)].sort((a, b) => a - b);
      props.setWindow?.(clampWindow(times[0] as number, times[1] as number, props.whole));
    } else if (to - from < props.whole) {
      const shift = (-by / (at.chartEnd - at.gutter)) * (to - from);
      props.setWindow?.(clampWindow(from + shift, to + shift, props.whole));
    }
  };
  const end = () => {
    removeEventListener('pointermove', move);
    removeEventListener('pointerup', end);
    removeEventListener('pointercancel', end);
    if (isMoved || hit.area === 'minimap') return;
    const row = hit.lane === undefined ? undefined : layout.rows[hit.lane];
    if (row?.isFoldable && (hit.area === 'gutter' || hit.bar === undefined)) props.toggle?.(row.id);
    else props.select?.(hit.bar?.task.id ?? (row?.isFoldable ? undefined : row?.tasks[0]?.id));
  };
  addEventListener('pointermove', move);
  addEventListener('pointerup', end);
  addEventListener('pointercancel', end);
}

function onKey(event: KeyboardEvent, props: TimelineProps, lanes: readonly (readonly Bar[])[]) {
  const { view, selected, select } = props;
  const next = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
  if (next === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  event.stopPropagation();
  const tasks = view.model.tasks
    .filter(({ start, children }) => start !== undefined && children === undefined)
    .sort((a, b) => (a.start as number) - (b.start as number));
  if (lanes.length === 0) return;
  const position = tasks.findIndex(({ id }) => id === selected);
  select?.(tasks[Math.max(0, Math.min(tasks.length - 1, position + next))]?.id);
}

const KIND_WORDS: Readonly<Record<string, string>> = {
  run: 'ran',
  fail: 'attempt failed after',
  human: 'waited for a person',
  backoff: 'backoff',
};

function Tip({
  bar,
  x,
  y,
  view,
  width,
  height,
}: {
  bar: Bar;
  x: number;
  y: number;
  view: RunView;
  width: number;
  height: number;
}) {
  const { task, kind, segment, cause } = bar;
  const isOpen = segment !== undefined && segment.to === undefined;
  const what =
    kind === 'wait'
      ? CAUSE_WORDS[cause ?? 'other']
      : isOpen && kind === 'run'
        ? 'running for'
        : KIND_WORDS[kind];
  const waited = waitMsOf(task, view.now);
  const place = {
    left: `${Math.max(8, Math.min(x + 14, width - 280))}px`,
    top: `${Math.min(y + 14, height - 90)}px`,
  };
  return (
    <div class="tip num" style={place}>
      <div class="tip-title">
        <Glyph status={task.status} size={13} />
        {task.id}
      </div>
      <div class="mut">
        {what} {duration(Math.min(bar.to, view.now) - bar.from)}
        {(segment?.attempt ?? 1) > 1 && ` · attempt ${segment?.attempt}`}
      </div>
      {segment?.error && <div class="tip-error">{segment.error.message.slice(0, 200)}</div>}
      {kind !== 'wait' && waited > 50 && (
        <div class="mut">
          waited {duration(waited)} before that:{' '}
          {CAUSE_WORDS[task.waits[0]?.cause ?? 'other'].toLowerCase()}
        </div>
      )}
    </div>
  );
}
