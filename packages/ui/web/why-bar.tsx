import { useMemo } from 'preact/hooks';
import type { Cause, Part, RunModel } from '../src/model/run-model.js';
import { duration, percent, plural } from '../src/view/format.js';
import { CAUSE_LABELS, CAUSE_WORDS, CAUSES, WAITED_WORDS } from '../src/view/words.js';
import { useWidth } from './use-width.js';

let context: CanvasRenderingContext2D | null | undefined;

function textWidth(text: string): number {
  context ??= document.createElement('canvas').getContext('2d');
  if (!context) return text.length * 7;
  context.font = '500 12px Inter, ui-sans-serif, system-ui, sans-serif';
  return context.measureText(text).width;
}

/** Parts below this share of the run are too thin to see or to click. */
const LEAST_PART = 8e-4;
/** Causes below this share are left out of the legend. */
const LEAST_CAUSE = 0.003;

/** "What decided the time": parts in order of time whose sum is the whole run. */
export function WhyBar({
  model,
  replay,
  select,
}: {
  model: RunModel;
  replay: string | undefined;
  select: (task: string) => void;
}) {
  const { parts, sums, now, isLive } = model;
  const [ref, width] = useWidth<HTMLDivElement>();
  const shown = useMemo(() => withoutThin(parts, now), [parts, now]);
  const failed = new Set(
    model.tasks.filter(({ status }) => status === 'failed').map(({ id }) => id),
  );
  return (
    <section class="why" aria-labelledby="why-title">
      <h2 id="why-title">{isLive ? 'What decides the time so far' : 'What decided the time'}</h2>
      <p class="lead">
        <Sentence model={model} />
        {replay !== undefined && ` ${replay}`}
      </p>
      {shown.length > 0 && (
        <>
          <div class="cbar" ref={ref} role="group" aria-label="Critical path, in order of time">
            {shown.map((part) => (
              <PartButton
                key={part.from}
                {...{ part, now, width, select }}
                isFailed={part.cause === 'run' && failed.has(part.task)}
              />
            ))}
          </div>
          <div class="leg num">
            {CAUSES.filter((cause) => (sums[cause] ?? 0) > now * LEAST_CAUSE).map((cause) => (
              <span key={cause}>
                <i class={`sw k-${cause}`} />
                {CAUSE_WORDS[cause]} <b>{duration(sums[cause])}</b> {percent(sums[cause] ?? 0, now)}
              </span>
            ))}
          </div>
        </>
      )}
    </section>
  );
}

/** Gives the time of parts too thin to see to the part before them, so that the sum stays. */
function withoutThin(parts: readonly Part[], now: number): Part[] {
  const shown: Part[] = [];
  let from = 0;
  for (const part of parts) {
    if (part.to - part.from > now * LEAST_PART) {
      shown.push({ ...part, from });
      from = part.to;
    } else if (shown.length > 0) {
      const last = shown.length - 1;
      shown[last] = { ...(shown[last] as Part), to: part.to };
      from = part.to;
    }
  }
  return shown;
}

function PartButton({
  part: { cause, from, to, task },
  now,
  width,
  select,
  isFailed,
}: {
  part: Part;
  now: number;
  width: number;
  select: (task: string) => void;
  /** Whether it is the last attempt of a task that failed. */
  isFailed: boolean;
}) {
  const share = (to - from) / now;
  const label = cause === 'run' ? task : CAUSE_LABELS[cause];
  const fits = label !== '' && share * width * 0.94 > textWidth(label) + 15;
  const what = isFailed ? 'failed attempt' : CAUSE_WORDS[cause];
  const words = `${what}, ${duration(to - from)}`;
  return (
    <button
      type="button"
      class={isFailed ? 'k-failed' : `k-${cause}`}
      style={{ flex: `${share} 0 0` }}
      title={[task, what, duration(to - from)].filter(Boolean).join(' · ')}
      aria-label={task === '' ? words : `${task}: ${words}`}
      onClick={() => task !== '' && select(task)}
    >
      {fits ? label : ''}
    </button>
  );
}

function Sentence({ model }: { model: RunModel }) {
  const { parts, sums, now } = model;
  const chain = new Set(parts.filter(({ cause }) => cause === 'run').map(({ task }) => task));
  if (chain.size === 0) return <>No task has run yet.</>;
  const isOnly = model.figures.total === 1;
  const worth = (cause: Cause) => (sums[cause] ?? 0) > now * 0.02;
  const waits = CAUSES.filter((cause) => cause !== 'run' && worth(cause));
  const [most] = waits.sort((first, second) => (sums[second] ?? 0) - (sums[first] ?? 0));
  return (
    <>
      {isOnly ? 'The only task' : 'A chain of '}
      {!isOnly && <b>{plural(chain.size, 'task')}</b>} ran for{' '}
      <b class="num">{duration(sums.run)}</b>
      {most !== undefined && (
        <>
          {' '}
          and waited <b class="num">{duration(now - (sums.run ?? 0))}</b>
          {waits.length > 1 ? ', most of it ' : ' '}
          {WAITED_WORDS[most]}
        </>
      )}
      .{' '}
      {isOnly
        ? ''
        : worth('cap')
          ? 'Faster tasks outside the chain help only by freeing slots.'
          : 'A faster task outside the chain would not have helped.'}
    </>
  );
}
