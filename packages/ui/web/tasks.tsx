import type { ComponentChildren } from 'preact';
import { useCallback, useEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { ShownStatus, TaskModel } from '../src/model/run-model.js';
import { count, dollars, duration } from '../src/view/format.js';
import { type RunView, runMsOf, shownMsOf, waitMsOf } from '../src/view/run-view.js';
import { reasonWords, STATUS_WORDS } from '../src/view/words.js';
import { Glyph } from './glyph.js';
import type { Source } from './source.js';
import { moved, type Place, VirtualRows } from './virtual.js';

type Column = 'start' | 'status' | 'id' | 'attempts' | 'waited' | 'ran' | 'tokens' | 'cost';

const FILTERS: readonly ShownStatus[] = [
  ...(['failed', 'running', 'waiting', 'retrying', 'completed'] as const),
  ...(['skipped', 'canceled', 'pending'] as const),
];

export interface TasksProps {
  readonly view: RunView;
  readonly runKey: string;
  readonly source: Source;
  readonly selected: string | undefined;
  readonly select: (task: string | undefined) => void;
}

export function Tasks({ view, runKey, source, selected, select }: TasksProps) {
  const { model, now } = view;
  const [query, setQuery] = useState('');
  const [statuses, setStatuses] = useState<ReadonlySet<ShownStatus>>(new Set());
  const [isCritical, setCritical] = useState(false);
  const [sort, setSort] = useState<readonly [Column, 1 | -1]>(['start', 1]);
  const inTexts = useTextSearch(view, runKey, source, query);
  const rows = useMemo(() => {
    const text = query.trim().toLowerCase();
    const matches = model.tasks.filter(
      (task) =>
        (statuses.size === 0 || statuses.has(task.status)) &&
        (!isCritical || task.isCritical) &&
        (text === '' || says(task, text) || inTexts.has(task.id)),
    );
    return sorted(matches, sort, now);
  }, [model, query, statuses, isCritical, sort, inTexts]);
  const longest = useMemo(
    () => Math.max(1, ...model.tasks.map((task) => (task.children ? 0 : runMsOf(task, now)))),
    [model],
  );
  const index = selected === undefined ? -1 : rows.findIndex(({ id }) => id === selected);
  const choose = useRef(select);
  choose.current = select;
  const row = useCallback(
    (position: number, place: Place) => (
      <TaskRow
        place={place}
        key={(rows[position] as TaskModel).id}
        task={rows[position] as TaskModel}
        position={position}
        now={now}
        longest={longest}
        isOn={position === index}
        select={(id) => choose.current(id)}
      />
    ),
    [rows, now, longest, index],
  );
  const clear = () => {
    setQuery('');
    setStatuses(new Set());
    setCritical(false);
  };
  const toggle = (status: ShownStatus) => {
    const next = new Set(statuses);
    if (!next.delete(status)) next.add(status);
    setStatuses(next);
  };
  const critical = model.tasks.filter((task) => task.isCritical).length;
  return (
    <div>
      <div class="bar">
        <input
          class="inp"
          id="search"
          type="search"
          placeholder="Search tasks, prompts, outputs"
          aria-label="Search tasks, prompts, outputs and errors"
          value={query}
          onInput={(event) => setQuery(event.currentTarget.value)}
        />
        {FILTERS.filter((status) => model.figures.counts[status] > 0).map((status) => (
          <button
            key={status}
            type="button"
            class="chip num"
            aria-pressed={statuses.has(status)}
            onClick={() => toggle(status)}
          >
            <Glyph status={status} size={13} />
            {STATUS_WORDS[status]} {count(model.figures.counts[status])}
          </button>
        ))}
        {critical > 0 && (
          <button
            type="button"
            class="chip num"
            aria-pressed={isCritical}
            onClick={() => setCritical(!isCritical)}
          >
            Critical path {count(critical)}
          </button>
        )}
        <span class="grow" />
        <span class="dim num hide-s" aria-live="polite">
          {count(rows.length)} shown
        </span>
      </div>
      <div
        class="tbl"
        role="grid"
        tabIndex={0}
        aria-label="Tasks"
        aria-rowcount={rows.length + 1}
        aria-activedescendant={index < 0 ? undefined : `task-${index}`}
        onKeyDown={(event) => {
          const next = moved(event.key, index, rows.length);
          if (next === undefined || rows.length === 0) return;
          event.preventDefault();
          event.stopPropagation();
          select(rows[next]?.id);
        }}
      >
        <div class="tr th tcols" role="row" aria-rowindex={1}>
          <Head column="status" sort={sort} setSort={setSort}>
            <span class="sr">Status</span>
          </Head>
          <Head column="id" sort={sort} setSort={setSort}>
            Task
          </Head>
          <span role="columnheader">Prompt</span>
          <Head column="attempts" isRight sort={sort} setSort={setSort}>
            Tries
          </Head>
          <Head column="waited" isRight sort={sort} setSort={setSort}>
            Waited
          </Head>
          <Head column="ran" sort={sort} setSort={setSort}>
            Ran
          </Head>
          <Head column="tokens" isRight sort={sort} setSort={setSort}>
            Tokens
          </Head>
          <Head column="cost" isRight sort={sort} setSort={setSort}>
            Cost
          </Head>
        </div>
        {rows.length === 0 ? (
          <div role="row">
            <p class="mut no-match" role="gridcell">
              No task matches.{' '}
              <button type="button" class="btn ghost" onClick={clear}>
                Clear filters
              </button>
            </p>
          </div>
        ) : (
          <VirtualRows count={rows.length} rowHeight={32} scrollTo={index} row={row} />
        )}
      </div>
    </div>
  );
}

/** The tasks whose whole prompt or output has the text. */
function useTextSearch(
  { model }: RunView,
  runKey: string,
  source: Source,
  query: string,
): ReadonlySet<string> {
  const [found, setFound] = useState<ReadonlySet<string>>(new Set());
  useEffect(() => {
    const text = query.trim().toLowerCase();
    let isOver = false;
    const look = async () => {
      const ids = text === '' ? [] : await source.search(runKey, text);
      if (!isOver) setFound(new Set(ids));
    };
    const timer = setTimeout(() => void look().catch(() => {}), 200);
    return () => {
      isOver = true;
      clearTimeout(timer);
    };
  }, [query, runKey, model.isLive ? undefined : model]);
  return found;
}

function says({ id, prompt, error, question = '' }: TaskModel, text: string): boolean {
  return [id, prompt, error?.message ?? '', question].some((each) =>
    each.toLowerCase().includes(text),
  );
}

function sorted(
  tasks: TaskModel[],
  [column, direction]: readonly [Column, 1 | -1],
  now: number,
): TaskModel[] {
  const value = (task: TaskModel): number | string => {
    switch (column) {
      case 'start':
        return task.start ?? task.end ?? Infinity;
      case 'status':
        return task.status;
      case 'id':
        return task.id;
      case 'attempts':
        return task.attempts;
      case 'waited':
        return waitMsOf(task, now);
      case 'ran':
        return shownMsOf(task, now);
      case 'tokens':
        return task.inputTokens + task.outputTokens;
      case 'cost':
        return task.costUsd ?? 0;
    }
  };
  return tasks
    .map((task) => [value(task), task] as const)
    .sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0) * direction)
    .map(([, task]) => task);
}

function Head({
  column,
  isRight = false,
  sort: [by, direction],
  setSort,
  children,
}: {
  column: Column;
  isRight?: boolean;
  sort: readonly [Column, 1 | -1];
  setSort: (sort: readonly [Column, 1 | -1]) => void;
  children: ComponentChildren;
}) {
  const isOn = by === column;
  const first = column === 'id' || column === 'status' ? 1 : -1;
  return (
    <span
      class={isRight ? 'r' : undefined}
      role="columnheader"
      aria-sort={isOn ? (direction > 0 ? 'ascending' : 'descending') : 'none'}
    >
      <button
        type="button"
        data-on={isOn ? '' : undefined}
        onClick={() => setSort([column, isOn ? (direction === 1 ? -1 : 1) : first])}
      >
        {children}
        {isOn && (direction > 0 ? ' ↑' : ' ↓')}
      </button>
    </span>
  );
}

function TaskRow({
  place,
  task,
  position,
  now,
  longest,
  isOn,
  select,
}: {
  place: Place;
  task: TaskModel;
  position: number;
  now: number;
  longest: number;
  isOn: boolean;
  select: (task: string) => void;
}) {
  const { id, status, children, attempts, isCritical } = task;
  const waited = waitMsOf(task, now);
  const used = task.inputTokens + task.outputTokens;
  const color = status === 'failed' ? 'var(--bad)' : isCritical ? 'var(--ok)' : 'var(--ok-t)';
  return (
    <div
      class={`tr row tcols num${isOn ? ' on' : ''}`}
      id={`task-${position}`}
      style={place}
      role="row"
      aria-rowindex={position + 2}
      aria-selected={isOn}
      onClick={() => select(id)}
    >
      <span role="gridcell">
        <Glyph status={status} size={14} />
        <span class="sr">{STATUS_WORDS[status]}</span>
      </span>
      <span role="gridcell" class={isCritical ? 'strong' : undefined} title={id}>
        {id}
        {children !== undefined && <span class="dim"> ×{children.length}</span>}
      </span>
      <span role="gridcell" class="mut">
        <About task={task} />
      </span>
      <span role="gridcell" class="r">
        {attempts || '–'}
      </span>
      <span role="gridcell" class="r mut">
        {waited > 5 ? duration(waited) : '–'}
      </span>
      <span role="gridcell" class="mini">
        <span class="r">{task.start === undefined ? '–' : duration(shownMsOf(task, now))}</span>
        {children === undefined && task.start !== undefined && (
          <i
            style={{
              width: `${Math.max(1.5, (78 * runMsOf(task, now)) / longest)}px`,
              background: status === 'running' ? 'var(--run)' : color,
            }}
          />
        )}
      </span>
      <span role="gridcell" class="r">
        {used > 0 ? count(used) : '–'}
      </span>
      <span role="gridcell" class="r">
        {task.costUsd ? dollars(task.costUsd) : '–'}
      </span>
    </div>
  );
}

/** The prompt, or what is more important. */
function About({
  task: { status, error, failedTask, reason, prompt, question },
}: {
  task: TaskModel;
}) {
  if (status === 'failed')
    return <span class="c-bad">{error?.message ?? 'a task below it failed'}</span>;
  if (status === 'skipped') {
    return <>Skipped: {failedTask === undefined ? reasonWords(reason) : `${failedTask} failed`}</>;
  }
  if (status === 'canceled') return <>Canceled: {reasonWords(reason)}</>;
  return <>{question ?? prompt}</>;
}
