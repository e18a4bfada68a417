import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import type { Cause, CutText, Segment, TaskDetail, TaskModel } from '../src/model/run-model.js';
import { bytes, count, dollars, duration } from '../src/view/format.js';
import { endOf, type RunView } from '../src/view/run-view.js';
import { CAUSE_WORDS } from '../src/view/words.js';
import { CopyButton } from './copy-button.js';
import { Glyph } from './glyph.js';

/** From the start of the run to its end: what each stretch was spent on. */
export function TimeSpent({ task, view: { now } }: { task: TaskModel; view: RunView }) {
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
    // As in the bar of the run: only an attempt that was repeated is a failed one.
    else add(segment.kind === 'run' || segment.isLast === true ? 'run' : 'retry', ms);
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

export function Attempts({ task, now, steps }: { task: TaskModel; now: number; steps: number }) {
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

export function ToolCalls({ detail }: { detail: TaskDetail }) {
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

export function TextSection({ title, text }: { title: string; text: CutText | undefined }) {
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

export function Output({
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

/** The sources that the output cites. */
export function Sources({ detail }: { detail: TaskDetail | undefined }) {
  if (detail?.sources === undefined) return null;
  return (
    <section>
      <h3>Sources</h3>
      <ol>
        {detail.sources.map(({ title, url }) => (
          <li key={url ?? title}>
            {url === undefined ? (
              title
            ) : (
              <a href={url} target="_blank" rel="noreferrer noopener">
                {title}
              </a>
            )}
          </li>
        ))}
      </ol>
    </section>
  );
}

/** More tasks than this are counted. */
const MOST_LINKS = 12;

export function TaskLinks({
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

export function usersOf({ model }: RunView, id: string): string[] {
  return model.tasks.filter(({ inputs }) => inputs.includes(id)).map((task) => task.id);
}

export function Usage({ task }: { task: TaskModel }) {
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
