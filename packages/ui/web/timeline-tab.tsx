import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { RunModel } from '../src/model/run-model.js';
import { duration } from '../src/view/format.js';
import type { TimelineMode } from '../src/view/timeline-layout.js';
import { Timeline, type TimelineProps, type Window, zoomWindow } from './timeline.js';

export interface TimelineTabProps extends TimelineProps {
  readonly setMode: (mode: TimelineMode) => void;
  readonly foldAll: () => void;
  /** The window is the whole run, which may grow. */
  readonly isFollowing: boolean;
}

const MODE_NAMES = [
  ['groups', 'Groups'],
  ['tasks', 'Tasks'],
  ['slots', 'Slots'],
] as const;

/** The timeline with its buttons and legend. */
export function TimelineTab(props: TimelineTabProps) {
  const { view, mode, whole, open, setMode, foldAll } = props;
  const { model } = view;
  const [window, setWindow] = useQuickWindow(props);
  const isFollowing = props.isFollowing && window === props.window;
  const legend = useMemo(() => <Legend model={model} />, [model]);
  return (
    <>
      <div class="bar">
        <div class="seg" role="group" aria-label="Rows">
          {MODE_NAMES.map(([each, name]) =>
            each === 'groups' && model.tasks.length <= 40 ? null : (
              <button
                key={each}
                type="button"
                aria-pressed={mode === each}
                onClick={() => setMode(each)}
              >
                {name}
              </button>
            ),
          )}
        </div>
        {legend}
        <span class="grow" />
        {!isFollowing && (
          <span class="dim num hide-s">
            {duration(window[0])} to {duration(window[1])}
          </span>
        )}
        {!isFollowing && model.isLive && (
          <button type="button" class="btn" onClick={() => setWindow([0, whole])}>
            Follow
          </button>
        )}
        {open.size > 0 && mode !== 'slots' && (
          <button type="button" class="btn" onClick={foldAll}>
            Fold all
          </button>
        )}
        <button
          type="button"
          class="btn icon"
          aria-label="Zoom out"
          onClick={() => setWindow(zoomWindow(window, 1.6, whole))}
        >
          −
        </button>
        <button
          type="button"
          class="btn icon"
          aria-label="Zoom in"
          onClick={() => setWindow(zoomWindow(window, 0.6, whole))}
        >
          +
        </button>
        <button type="button" class="btn" onClick={() => setWindow([0, whole])}>
          Fit
        </button>
      </div>
      <Timeline {...props} window={window} setWindow={setWindow} />
    </>
  );
}

/** How long a zoom rests until the address has it: browsers limit how often an address may change. */
const REST_MS = 250;

/** The window while it is dragged or zoomed; only its last state goes into the address. */
function useQuickWindow(props: TimelineTabProps): [Window, (window: Window) => void] {
  const [quick, setQuick] = useState<Window | undefined>();
  const timer = useRef<number | undefined>(undefined);
  const latest = useRef(props);
  latest.current = props;
  const [from, to] = props.window;
  // The address has it, or says something else.
  useEffect(() => {
    if (!props.isFollowing) setQuick(undefined);
  }, [from, to]);
  useEffect(() => () => clearTimeout(timer.current), []);
  const setWindow = (window: Window) => {
    setQuick(window);
    clearTimeout(timer.current);
    timer.current = setTimeout(() => {
      latest.current.setWindow?.(window);
      setQuick(undefined);
    }, REST_MS);
  };
  return [quick ?? props.window, setWindow];
}

/** What the colours of this run mean; nothing that it does not show. */
function Legend({ model }: { model: RunModel }) {
  const { counts } = model.figures;
  const hasRetries = model.tasks.some(({ segments }) =>
    segments.some(({ kind, isLast }) => kind === 'fail' && !isLast),
  );
  const entries: readonly (readonly [string, string, boolean])[] = [
    ['l-crit', 'critical path', true],
    ['l-done', 'completed', counts.completed > 0],
    ['l-retry', 'failed attempt', hasRetries],
    ['l-fail', 'failed', counts.failed > 0],
    ['l-run', 'running', model.isLive || model.figures.counts.running > 0],
    ['l-human', 'a person', model.tasks.some(({ human, start }) => human && start !== undefined)],
    ['k-limit', 'rate-limit pause', model.pauses.length > 0],
  ];
  return (
    <div class="leg in-bar hide-s">
      {entries.map(
        ([kind, name, isShown]) =>
          isShown && (
            <span key={kind}>
              <i class={`sw ${kind}`} />
              {name}
            </span>
          ),
      )}
    </div>
  );
}
