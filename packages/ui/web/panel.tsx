import type { ComponentChildren } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import type { RunExtras } from '../src/model/extras.js';
import type { Cause, CutText, Segment, TaskDetail, TaskModel } from '../src/model/run-model.js';
import { bytes, count, dollars, duration } from '../src/view/format.js';
import { endOf, type RunView } from '../src/view/run-view.js';
import { CAUSE_WORDS, reasonWords } from '../src/view/words.js';
import { CopyButton } from './copy-button.js';
import { Glyph, Pill } from './glyph.js';
import { type Act, BusyButton, Decision } from './notes.js';
import type { Source } from './source.js';

export interface PanelProps {
  readonly view: RunView;
  readonly runKey: string;
  readonly source: Source;
  readonly extras: RunExtras;
  readonly task: TaskModel;
  readonly select: (task: string | undefined) => void;
  /** The task before (−1) or after (1) this one. */
  readonly step: (by: 1 | -1) => void;
  readonly act: Act;
}

/** One task: everything that is known of it. */
export function Panel(props: PanelProps) {
  const { view, task, select, step, extras, act } = props;
  const ref = useRef<HTMLElement>(null);
  const detail = useDetail(props);
  const [width, setWidth] = usePanelWidth();
  useEffect(() => {
    if (ref.current !== null) ref.current.scrollTop = 0;
  }, [task.id]);
  const offers = (control: string) => extras.controls?.includes(control as never) ?? false;
  const isOver = ['completed', 'failed', 'skipped', 'canceled'].includes(task.status);
  const about = [
    `level ${task.level}`,
    ...(task.type === 'action' ? [] : [task.type]),
    ...(task.model === undefined ? [] : [task.model]),
  ];
  return (
    <aside
      class="panel"
      ref={ref}
      aria-label={`Task ${task.id}`}
      style={{ '--panel': `${width}px` }}
    >
      <Edge width={width} setWidth={setWidth} />
      <header>
        <div class="ph">
          <h2>{task.id}</h2>
          <button
            type="button"
            class="btn ghost icon"
            aria-label="Previous task"
            onClick={() => step(-1)}
          >
            ↑
          </button>
          <button
            type="button"
            class="btn ghost icon"
            aria-label="Next task"
            onClick={() => step(1)}
          >
            ↓
          </button>
          <button
            type="button"
            class="btn ghost icon"
            aria-label="Close"
            onClick={() => select(undefined)}
          >
            ✕
          </button>
        </div>
        <div class="panel-about">
          <Pill status={task.status} />
          {task.isCritical && <span class="pill skipped plain">Critical path</span>}
          <span class="mut num">{about.join(' · ')}</span>
        </div>
      </header>
      {task.status === 'waiting' && (
        <section>
          <h3>Your decision</h3>
          <p class="question">{(task.question ?? task.prompt).split(/\n\s*\n|<output /)[0]}</p>
          {offers('approve') && <Decision task={task} act={act} />}
        </section>
      )}
      {!isOver && (offers('cancelTask') || offers('skipTask')) && (
        <section class="acts">
          {offers('cancelTask') && (
            <BusyButton class="btn bad" act={() => act({ control: 'cancelTask', taskId: task.id })}>
              Cancel task
            </BusyButton>
          )}
          {offers('skipTask') && (
            <BusyButton class="btn" act={() => act({ control: 'skipTask', taskId: task.id })}>
              Skip task
            </BusyButton>
          )}
        </section>
      )}
      {task.status === 'skipped' && <Skipped task={task} select={select} />}
      {task.status === 'canceled' && (
        <section>
          <h3>Why it was canceled</h3>
          <p>{sentence(reasonWords(task.reason))}</p>
        </section>
      )}
      {task.error && (
        <section>
          <h3>
            Error <span class="mono">{task.error.code}</span>
          </h3>
          <div class="pre bad">{task.error.message}</div>
        </section>
      )}
      <TimeSpent task={task} view={view} />
      <Attempts task={task} now={view.now} steps={detail?.steps.length ?? 0} />
      {detail !== undefined && detail.steps.length > 0 && <ToolCalls detail={detail} />}
      <TextSection
        title={task.human === undefined ? 'Prompt' : 'Question'}
        text={detail?.question ?? detail?.prompt}
      />
      <Tasks title="Inputs" ids={task.inputs} view={view} select={select} />
      {task.children !== undefined && (
        <Tasks title="Tasks" ids={task.children} view={view} select={select} />
      )}
      <Output task={task} detail={detail} now={view.now} />
      <Tasks title="Used by" ids={usersOf(view, task.id)} view={view} select={select} />
      {task.human === undefined && <Usage task={task} />}
    </aside>
  );
}

function sentence(words: string): string {
  return `${words.charAt(0).toUpperCase()}${words.slice(1)}.`;
}

/** The texts of a task; read again when the task has changed. */
function useDetail({ source, runKey, task }: PanelProps): TaskDetail | undefined {
  const [detail, setDetail] = useState<readonly [string, TaskDetail | undefined]>(['', undefined]);
  useEffect(() => {
    let isOver = false;
    source
      .detail(runKey, task.id)
      .then((found) => !isOver && setDetail([task.id, found]))
      .catch(() => {});
    return () => {
      isOver = true;
    };
  }, [runKey, task]);
  return detail[0] === task.id ? detail[1] : undefined;
}

const WIDTH_KEY = 'stratagem-panel';

function usePanelWidth(): [number, (width: number) => void] {
  const [width, setWidth] = useState(() => {
    try {
      return Number(localStorage.getItem(WIDTH_KEY)) || 420;
    } catch {
      return 420; // A file has no storage in some browsers.
    }
  });
  return [
    width,
    (wanted) => {
      const next = Math.max(320, Math.min(640, Math.round(wanted)));
      setWidth(next);
      try {
        localStorage.setItem(WIDTH_KEY, String(next));
      } catch {
        // Not remembered.
      }
    },
  ];
}

/** The edge that makes the panel wider or narrower. */
function Edge({ width, setWidth }: { width: number; setWidth: (width: number) => void }) {
  return (
    <div
      class="edge-grip"
      role="separator"
      tabIndex={0}
      aria-orientation="vertical"
      aria-label="Width of the panel"
      aria-valuenow={width}
      aria-valuemin={320}
      aria-valuemax={640}
      onKeyDown={(event) => {
        const by = { ArrowLeft: 20, ArrowRight: -20 }[event.key];
        if (by === undefined) return;
        event.preventDefault();
        event.stopPropagation();
        setWidth(width + by);
      }}
      onPointerDown={(event) => {
        const start = event.clientX;
        const move = (moved: PointerEvent) => setWidth(width + start - moved.clientX);
        const end = () => {
          removeEventListener('pointermove', move);
          removeEventListener('pointerup', end);
        };
        addEventListener('pointermove', move);
        addEventListener('pointerup', end);
      }}
    />
  );
}

function Skipped({ task, select }: { task: TaskModel; select: (task: string) => void }) {
  const { failedTask, reason } = task;
  return (
    <section>
      <h3>Why it was skipped</h3>
      {failedTask === undefined ? (
        <p>{sentence(reasonWords(reason))}</p>
      ) : (
        <p>
          It depends on{' '}
          <button type="button" class="dep" onClick={() => select(failedTask)}>
            <Glyph status="failed" size={12} />
            {failedTask}
          </button>
          , which failed.
        </p>
      )}
    </section>
  );
}

/** From the start of the run to its end: what each stretch was spent on. */
function TimeSpent({ task, view: { now } }: { task: TaskModel; view: RunView }) {
  const rows: [Cause, number, string][] = [];
  const { ready = task.start, lastInput } = task;
  if (ready !== undefined && ready > 1) {
    rows.push(['dep', ready, lastInput === undefined ? '' : `until ${lastInput} was done`]);
  }
  const sums = new Map<Cause, number>();
  const add = (cause: Cause, ms: number) => sums.set(cause, (sums.get(cause) ?? 0) + ms);
  for (const wait of task.waits) add(wait.cause, endOf(wait, now) - wait.from);
  for (const segment of task.segments) {
    const ms = endOf(segment, now) - segment.from;
    if (segment.kind === 'human') add('human', ms);
    else add(segment.kind === 'run' ? 'run' : 'retry', ms);
  }
  if (task.children !== undefined && task.start !== undefined) {
    add('run', (task.end ?? now) - task.start);
  }
  const order: readonly Cause[] = [
    ...(['hold', 'limit', 'cap', 'budget', 'strategy', 'queue', 'other'] as const),
    ...(['retry', 'human', 'run'] as const),
  ];
  for (const cause of order) {
    const ms = sums.get(cause) ?? 0;
    if (ms >= 0.5) rows.push([cause, ms, '']);
  }
  if (rows.length === 0 || task.status === 'skipped') return null;
  const sum = rows.reduce((total, [, ms]) => total + ms, 0) || 1;
  return (
    <section>
      <h3>Where its time went</h3>
      <div class="time-bar" role="img" aria-label="Where its time went, as listed below">
        {rows.map(([cause, ms]) => (
          <i
            key={cause}
            class={`k-${cause}`}
            style={{ flex: `${ms / sum} 0 0`, 'min-width': '2px' }}
          />
        ))}
      </div>
      <dl class="kv num">
        {rows.map(([cause, ms, more]) => (
          <>
            <dt>
              <i class={`sw k-${cause}`} />
              <span>
                {cause === 'run' && task.children !== undefined ? 'Its tasks' : CAUSE_WORDS[cause]}
                {more !== '' && <span class="dim"> {more}</span>}
              </span>
            </dt>
            <dd class="v">{duration(ms)}</dd>
          </>
        ))}
      </dl>
    </section>
  );
}

function Attempts({ task, now, steps }: { task: TaskModel; now: number; steps: number }) {
  const attempts = task.segments.filter(({ kind }) => kind === 'run' || kind === 'fail');
  if (attempts.length === 0) return null;
  if (attempts.length === 1 && steps === 0 && task.status !== 'failed') return null;
  return (
    <section>
      <h3>Attempts</h3>
      {attempts.map((segment, index) => (
        <div class="att num" key={segment.from}>
          <Glyph status={attemptStatus(segment)} size={13} />
          <span>
            Attempt {segment.attempt ?? index + 1}
            <span class="dim"> at {duration(segment.from)}</span>
          </span>
          <span>{duration(endOf(segment, now) - segment.from)}</span>
          {segment.error && (
            <p>
              {segment.error.code}: {segment.error.message}
            </p>
          )}
        </div>
      ))}
    </section>
  );
}

function attemptStatus({ kind, to, isCut }: Segment) {
  if (kind === 'fail') return 'failed';
  if (to === undefined) return 'running';
  return isCut ? 'canceled' : 'completed';
}

function ToolCalls({ detail }: { detail: TaskDetail }) {
  return (
    <section>
      <h3>Tool calls</h3>
      {detail.steps.map((step, index) => (
        <div class="step" key={`${step.at} ${index}`}>
          <div class="kv num">
            <span class="mono">
              {step.tool}({step.input === '{}' ? '' : step.input.replace(/\s+/g, ' ').slice(0, 120)}
              )
            </span>
            <span class="v">
              {step.durationMs === undefined ? 'running' : duration(step.durationMs)}
            </span>
          </div>
          {step.result && (
            <LongText text={step.result} class={step.ok === false ? 'pre bad low' : 'pre low'} />
          )}
        </div>
      ))}
    </section>
  );
}

/** Longer texts are cut until somebody asks for all. */
const SHOWN_LETTERS = 6_000;

function LongText({ text: { text, cutFrom }, ...rest }: { text: CutText; class: string }) {
  const [isWhole, setWhole] = useState(false);
  const size = cutFrom ?? new Blob([text]).size;
  const isLong = text.length > SHOWN_LETTERS;
  return (
    <>
      <div {...rest} tabIndex={0}>
        {isWhole || !isLong ? text : `${text.slice(0, SHOWN_LETTERS)}…`}
      </div>
      {isLong && !isWhole && (
        <button type="button" class="link more" onClick={() => setWhole(true)}>
          Show all ({bytes(Math.min(size, new Blob([text]).size))})
        </button>
      )}
      {cutFrom !== undefined && (isWhole || !isLong) && (
        <p class="dim more">Cut here: the whole text has {bytes(cutFrom)}.</p>
      )}
    </>
  );
}

function TextSection({ title, text }: { title: string; text: CutText | undefined }) {
  if (text === undefined || text.text === '') return null;
  return (
    <section>
      <h3>
        {title} <CopyButton text={text.text}>Copy</CopyButton>
      </h3>
      <LongText text={text} class="pre" />
    </section>
  );
}

function Output({
  task,
  detail,
  now,
}: {
  task: TaskModel;
  detail: TaskDetail | undefined;
  now: number;
}) {
  if (detail?.output !== undefined) return <TextSection title="Output" text={detail.output} />;
  if (detail?.partial !== undefined) {
    const title = task.status === 'running' ? 'Output so far' : 'What the attempt had written';
    return <TextSection title={title} text={detail.partial} />;
  }
  const last = task.segments.at(-1);
  if (task.status !== 'running' || last === undefined || task.children !== undefined) return null;
  return (
    <section>
      <h3>Output</h3>
      <p class="mut">Running for {duration(endOf(last, now) - last.from)}, nothing received yet.</p>
    </section>
  );
}

/** More tasks than this are counted. */
const MOST_LINKS = 12;

function Tasks({
  title,
  ids,
  view,
  select,
}: {
  title: string;
  ids: readonly string[];
  view: RunView;
  select: (task: string) => void;
}) {
  const [isAll, setAll] = useState(false);
  if (ids.length === 0) return null;
  const links: ComponentChildren[] = ids.slice(0, isAll ? 500 : MOST_LINKS).map((id) => (
    <button type="button" class="dep" key={id} onClick={() => select(id)}>
      <Glyph status={view.byId.get(id)?.status ?? 'pending'} size={12} />
      <span>{id}</span>
    </button>
  ));
  return (
    <section>
      <h3>{title}</h3>
      <div class="deps">
        {links}
        {ids.length > links.length && (
          <button type="button" class="link" onClick={() => setAll(true)}>
            and {ids.length - links.length} more
          </button>
        )}
      </div>
    </section>
  );
}

function usersOf({ model }: RunView, id: string): string[] {
  return model.tasks.filter(({ inputs }) => inputs.includes(id)).map((task) => task.id);
}

function Usage({ task }: { task: TaskModel }) {
  const { inputTokens, outputTokens, costUsd } = task;
  if (task.start === undefined) return null;
  return (
    <section>
      <h3>Usage</h3>
      <dl class="kv num">
        <dt>Input tokens</dt>
        <dd class="v">{count(inputTokens)}</dd>
        <dt>Output tokens</dt>
        <dd class="v">{count(outputTokens)}</dd>
        <dt>Cost</dt>
        <dd class="v">{costUsd === undefined ? 'no price known' : dollars(costUsd)}</dd>
      </dl>
    </section>
  );
}
