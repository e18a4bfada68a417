import { useEffect, useRef, useState } from 'preact/hooks';
import type { RunExtras } from '../src/model/extras.js';
import type { TaskDetail, TaskModel } from '../src/model/run-model.js';
import type { RunView } from '../src/view/run-view.js';
import { loopWords, reasonWords } from '../src/view/words.js';
import { Glyph, Pill } from './glyph.js';
import { type Act, BusyButton, CallQuestion, Decision } from './notes.js';
import {
  Attempts,
  Output,
  Sources,
  TaskLinks,
  TextSection,
  TimeSpent,
  ToolCalls,
  Usage,
  usersOf,
} from './panel-parts.js';
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
    ...(task.loop === undefined ? [] : [loopWords(task.loop)]),
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
      {task.calls?.map((call) => (
        <section key={call.callId}>
          <h3>Your decision</h3>
          <CallQuestion call={call} />
          {offers('approve') && <Decision task={task} call={call} act={act} />}
        </section>
      ))}
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
      <TaskLinks title="Inputs" ids={task.inputs} view={view} select={select} />
      {task.children !== undefined && (
        <TaskLinks title={titleOfChildren(task)} ids={task.children} view={view} select={select} />
      )}
      <Output task={task} detail={detail} now={view.now} />
      <Sources detail={detail} />
      <TaskLinks title="Used by" ids={usersOf(view, task.id)} view={view} select={select} />
      {task.human === undefined && <Usage task={task} />}
    </aside>
  );
}

function titleOfChildren({ loop }: TaskModel): string {
  return loop === undefined ? 'Tasks' : 'Iterations';
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
