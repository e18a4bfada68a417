import { useEffect, useMemo, useRef } from 'preact/hooks';
import type { TaskModel } from '../src/model/run-model.js';
import { count, moment } from '../src/view/format.js';
import { type RunView, viewOf } from '../src/view/run-view.js';
import type { Theme } from '../src/view/surface.js';
import { defaultMode, type TimelineMode } from '../src/view/timeline-layout.js';
import { Compare } from './compare.js';
import { Controls } from './controls.js';
import { Events } from './events.js';
import { ExportMenu } from './export.js';
import { Figures } from './figures.js';
import { Pill, runStatus, runWord } from './glyph.js';
import { Graph } from './graph.js';
import { useKeys } from './keys.js';
import { type Act, FailureNote, QuestionNotes } from './notes.js';
import { Panel } from './panel.js';
import { type Go, type Place, TABS, type Tab } from './place.js';
import { Relations } from './relations.js';
import type { ShownRun, Source } from './source.js';
import { Tasks } from './tasks.js';
import { clampWindow, type Window, zoomWindow } from './timeline.js';
import { TimelineTab } from './timeline-tab.js';
import { useAnnouncements } from './use-announcements.js';
import { useNow } from './use-now.js';
import { WhyBar } from './why-bar.js';

export interface RunPageProps {
  readonly source: Source;
  readonly runKey: string;
  readonly shown: ShownRun;
  readonly place: Place;
  readonly go: Go;
  readonly theme: Theme;
  readonly setTheme: () => void;
  readonly showKeys: () => void;
}

const TAB_NAMES: Readonly<Record<Tab, string>> = {
  timeline: 'Timeline',
  graph: 'Graph',
  tasks: 'Tasks',
  events: 'Events',
  compare: 'Compare',
};

export function RunPage(props: RunPageProps) {
  const { source, runKey, shown, place, go, theme } = props;
  const { model, extras } = shown;
  const now = useNow(shown);
  const index = useMemo(() => viewOf(model), [model]);
  const view: RunView = useMemo(() => ({ ...index, now }), [index, now]);
  const waiting = model.figures.counts.waiting;
  const status = runStatus(model.status, waiting, model.isPaused);
  const tabs = TABS.filter((tab) => tab !== 'compare' || source.isServed || source.keys.length > 1);
  const tab = tabs.includes(place.tab) ? place.tab : 'timeline';
  const mode = modeOf(place.mode, view);
  const open = useMemo(() => new Set(place.open), [place.open.join('\0')]);
  const whole = Math.max(1, model.isLive ? now * 1.06 : now);
  const isFollowing = place.from === undefined || place.to === undefined;
  const window: Window = isFollowing
    ? [0, whole]
    : clampWindow(place.from as number, place.to as number, whole);
  const task = place.task === undefined ? undefined : view.byId.get(place.task);

  const select = (id: string | undefined) =>
    go({ task: id }, { replace: place.task !== undefined });
  const toggle = (fold: string) => {
    const next = open.has(fold)
      ? place.open.filter((each) => each !== fold)
      : [...place.open, fold];
    go({ open: next }, { replace: true });
  };
  const setWindow = ([from, to]: Window) => {
    const isWhole = from <= 1 && to >= whole - 1;
    go(isWhole ? { from: undefined, to: undefined } : { from, to }, { replace: true });
  };
  const act: Act = (action) => source.act(runKey, action);
  const step = (by: 1 | -1, keep: (task: TaskModel) => boolean = () => true) =>
    select(neighbour(view, place.task, by, keep)?.id);

  useTitle(view, status);
  useAnnouncements(model);
  useKeys((key, event) => {
    if (key === 'Escape' && task !== undefined) select(undefined);
    else if (key === '/') {
      go({ tab: 'tasks' });
      setTimeout(() => document.getElementById('search')?.focus(), 30);
    } else if (/^[1-5]$/.test(key)) {
      const wanted = tabs[Number(key) - 1];
      if (wanted === undefined) return false;
      go({ tab: wanted });
    } else if (key === 't') props.setTheme();
    else if (key === 'j' || key === 'ArrowDown') {
      if (key === 'ArrowDown' && place.task === undefined) return false;
      step(1);
    } else if (key === 'k' || key === 'ArrowUp') {
      if (key === 'ArrowUp' && place.task === undefined) return false;
      step(-1);
    } else if (key === 'f') step(1, (each) => each.status === 'failed');
    else if (key === 'c') step(1, (each) => each.isCritical === true);
    else if (key === '+' || key === '=') setWindow(zoomWindow(window, 0.6, whole));
    else if (key === '-') setWindow(zoomWindow(window, 1.6, whole));
    else if (key === '0') setWindow([0, whole]);
    else if (key === 'g' && tab === 'timeline')
      go({ mode: nextMode(mode, view) }, { replace: true });
    else if (key === 'p' && extras.controls?.includes('pause')) {
      const button = document.querySelector<HTMLButtonElement>('[data-pause] button');
      button?.focus();
    } else if (key === '?') props.showKeys();
    else return false;
    event.stopPropagation();
    return true;
  });

  return (
    <main class="wrap">
      <div class="title">
        <h1 dir="auto">{model.goal}</h1>
        <div class="acts">
          <Pill status={status}>{runWord(model.status, waiting, model.isPaused)}</Pill>
          <Controls model={model} extras={extras} act={act} />
          <ExportMenu
            model={model}
            theme={theme}
            mode={mode}
            reportUrl={
              source.isServed ? `api/runs/${encodeURIComponent(runKey)}/report` : undefined
            }
          />
        </div>
      </div>
      <div class="meta num">
        <span>{moment(model.startedAt, 'UTC')} UTC</span>
        <span>{model.strategy} strategy</span>
        {model.models.length > 0 && <span>{model.models.slice(0, 4).join(' · ')}</span>}
        <Relations model={model} extras={extras} isServed={source.isServed} />
      </div>
      {model.notice !== undefined && (
        <p class="note" role="status">
          {model.notice}
        </p>
      )}
      <QuestionNotes model={model} extras={extras} select={select} act={act} />
      <FailureNote model={model} extras={extras} select={select} act={act} />
      <Figures model={model} now={now} extras={extras} />
      <WhyBar model={model} replay={extras.replay} select={select} />
      <Tabs tabs={tabs} tab={tab} view={view} go={go} />
      <div class="split">
        <div class="main" role="tabpanel" id="tab-panel" aria-labelledby={`tab-${tab}`}>
          {tab === 'timeline' && (
            <TimelineTab
              {...{
                view,
                mode,
                theme,
                window,
                whole,
                open,
                select,
                toggle,
                setWindow,
                isFollowing,
              }}
              selected={place.task}
              setMode={(next) => go({ mode: next }, { replace: true })}
              foldAll={() => go({ open: [] }, { replace: true })}
            />
          )}
          {tab === 'graph' && (
            <>
              <div class="bar">
                <span class="mut">
                  {model.tasks.length > 40
                    ? 'Groups and look-alike tasks are folded. Select a stack to unfold it.'
                    : 'Select a task to see its prompt and output.'}
                </span>
                {open.size > 0 && (
                  <button
                    type="button"
                    class="btn"
                    onClick={() => go({ open: [] }, { replace: true })}
                  >
                    Fold all
                  </button>
                )}
              </div>
              <Graph
                {...{ view, open, select, toggle }}
                selected={place.task}
                showLevel={() => go({ tab: 'tasks' })}
              />
            </>
          )}
          {tab === 'tasks' && <Tasks {...{ view, runKey, source, select }} selected={place.task} />}
          {tab === 'events' && <Events model={model} selected={place.task} select={select} />}
          {tab === 'compare' && (
            <Compare
              {...{ view, runKey, source, theme }}
              other={place.with}
              choose={(other) => go({ with: other }, { replace: true })}
            />
          )}
        </div>
        {task !== undefined && tab !== 'compare' && (
          <Panel {...{ view, runKey, source, extras, task, select, step, act }} />
        )}
      </div>
    </main>
  );
}

function Tabs({
  tabs,
  tab,
  view: { model },
  go,
}: {
  tabs: readonly Tab[];
  tab: Tab;
  view: RunView;
  go: Go;
}) {
  const ref = useRef<HTMLDivElement>(null);
  const amounts: Partial<Record<Tab, number>> = {
    tasks: model.tasks.length,
    events: model.events.length,
  };
  const onKey = (event: KeyboardEvent) => {
    const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (by === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    const next = tabs.at((tabs.indexOf(tab) + by) % tabs.length) as Tab;
    go({ tab: next });
    ref.current?.querySelector<HTMLElement>(`#tab-${next}`)?.focus();
  };
  // On a narrow screen, the tabs scroll.
  useEffect(() => {
    const { current: list } = ref;
    const chosen = list?.querySelector<HTMLElement>('[aria-selected="true"]');
    if (!list || !chosen) return;
    const { left, right } = chosen.getBoundingClientRect();
    const bounds = list.getBoundingClientRect();
    if (right > bounds.right) list.scrollLeft += Math.ceil(right - bounds.right);
    else if (left < bounds.left) list.scrollLeft -= Math.ceil(bounds.left - left);
  }, [tab]);
  return (
    <div class="tabs" role="tablist" aria-label="Views" ref={ref} onKeyDown={onKey}>
      {tabs.map((each) => (
        <button
          key={each}
          type="button"
          role="tab"
          id={`tab-${each}`}
          aria-selected={each === tab}
          aria-controls="tab-panel"
          tabIndex={each === tab ? 0 : -1}
          onClick={() => go({ tab: each })}
        >
          {TAB_NAMES[each]}
          {amounts[each] !== undefined && <small class="num"> {count(amounts[each])}</small>}
        </button>
      ))}
    </div>
  );
}

/** Few tasks have no groups worth folding. */
function modes({ model }: RunView): readonly TimelineMode[] {
  return model.tasks.length > 40 ? ['groups', 'tasks', 'slots'] : ['tasks', 'slots'];
}

function modeOf(wanted: TimelineMode | undefined, view: RunView): TimelineMode {
  return wanted !== undefined && modes(view).includes(wanted) ? wanted : defaultMode(view.model);
}

function nextMode(mode: TimelineMode, view: RunView): TimelineMode {
  const all = modes(view);
  return all[(all.indexOf(mode) + 1) % all.length] as TimelineMode;
}

/** The next task in order of start, round and round. */
function neighbour(
  { model }: RunView,
  from: string | undefined,
  by: 1 | -1,
  keep: (task: TaskModel) => boolean,
): TaskModel | undefined {
  const tasks = model.tasks
    .filter((task) => task.children === undefined)
    .sort((a, b) => (a.start ?? a.end ?? Infinity) - (b.start ?? b.end ?? Infinity));
  const position = tasks.findIndex(({ id }) => id === from);
  for (let step = 1; step <= tasks.length; step++) {
    const at = position < 0 && by < 0 ? -step : position + by * step;
    const task = tasks.at(at % tasks.length);
    if (task !== undefined && keep(task)) return task;
  }
  return undefined;
}

const MARKS: Readonly<Record<string, string>> = {
  ...{ completed: '✓', failed: '✗', running: '◔', waiting: '◆', canceled: '⊘', pending: '○' },
};

/** The status in the title of the window, which a person sees in another tab. */
function useTitle({ model }: RunView, status: string): void {
  const word = runWord(model.status, model.figures.counts.waiting, model.isPaused);
  const done = model.isLive ? ` ${model.figures.counts.completed}/${model.figures.total}` : '';
  useEffect(() => {
    document.title = `${MARKS[status] ?? ''} ${word}${done} – ${model.goal.slice(0, 120)}`;
  }, [status, word, done, model.goal]);
  const glyph = MARKS[status] ?? '';
  useEffect(() => {
    const color =
      { completed: '#117a65', failed: '#c2381a', waiting: '#7445bd' }[status] ?? '#2a5fd0';
    const svg = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><text x="16" y="26" font-size="30" text-anchor="middle" fill="${color}">${glyph}</text></svg>`;
    let link = document.querySelector<HTMLLinkElement>('link[rel=icon]');
    if (link === null) {
      link = document.createElement('link');
      link.rel = 'icon';
      document.head.append(link);
    }
    link.href = `data:image/svg+xml,${encodeURIComponent(svg)}`;
  }, [glyph, status]);
}
