import { useState } from 'preact/hooks';
import type { Action, RunExtras } from '../src/model/extras.js';
import type { RunModel, TaskModel, WaitingCall } from '../src/model/run-model.js';
import { plural } from '../src/view/format.js';
import { CopyButton } from './copy-button.js';
import { Glyph } from './glyph.js';

interface NoteProps {
  readonly model: RunModel;
  readonly extras: RunExtras;
  readonly select: (task: string) => void;
}

/** At most this many causes are listed. */
const MOST_CAUSES = 3;

/** What failed, by cause, and how to run it again. */
export function FailureNote({ model, extras, select, act }: NoteProps & { act: Act }) {
  const { failures, figures, status, error, isLive } = model;
  if (isLive || status === 'completed') return null;
  const { failed, skipped, canceled } = figures.counts;
  const cause = error?.message;
  if (failures.length === 0 && error === undefined && status !== 'interrupted') return null;
  const title = [
    ...(failed > 0 ? [`${plural(failed, 'task')} failed`] : []),
    ...(skipped > 0 ? [`${skipped} skipped because of that`] : []),
    ...(failed === 0 && canceled > 0 ? [`${plural(canceled, 'task')} canceled`] : []),
  ];
  if (status === 'interrupted') title.unshift('The run was interrupted');
  const hasTitle = failed > 0 || status === 'interrupted' || cause === undefined;
  const heading = hasTitle ? title.join(', ') : cause;
  return (
    <div class="note bad" role="status">
      <Glyph status={status === 'failed' ? 'failed' : 'canceled'} />
      <div class="tx">
        <b>{heading}</b>
        {failures.slice(0, MOST_CAUSES).map(({ message, tasks }) => (
          <p key={message} class="num">
            {message}
            {tasks.length > 1 && ` ×${tasks.length}`} <span class="dim">·</span>{' '}
            {tasks.slice(0, 3).map((id, index) => (
              <>
                {index > 0 && ', '}
                <button type="button" class="link" onClick={() => select(id)}>
                  {id}
                </button>
              </>
            ))}
            {tasks.length > 3 && ` and ${tasks.length - 3} more`}
          </p>
        ))}
        {status === 'interrupted' && (
          <p>Resume it to run what is left. Attempts that were in flight start again.</p>
        )}
        {failures.length > MOST_CAUSES && <p>and {failures.length - MOST_CAUSES} more causes</p>}
      </div>
      <div class="acts">
        {extras.controls?.includes('retryFailed') && (
          <BusyButton class="btn pri" act={() => act({ control: 'retryFailed' })}>
            Retry what failed
          </BusyButton>
        )}
        {extras.retryCommand !== undefined && (
          <CopyButton class="btn" text={extras.retryCommand}>
            {status === 'interrupted' ? 'Copy resume command' : 'Copy retry command'}
          </CopyButton>
        )}
      </div>
    </div>
  );
}

export type Act = (action: Action) => Promise<void>;

/** A button that is busy until what it asked for has happened; then its owner changes or leaves. */
export function BusyButton({
  act,
  children,
  ...rest
}: {
  act: () => Promise<void>;
  children: preact.ComponentChildren;
  class: string;
  disabled?: boolean;
}) {
  const [isBusy, setBusy] = useState(false);
  const [problem, setProblem] = useState<string | undefined>();
  const run = async () => {
    setBusy(true);
    setProblem(undefined);
    try {
      await act();
    } catch (error) {
      setProblem(error instanceof Error ? error.message : String(error));
    } finally {
      setBusy(false);
    }
  };
  return (
    <>
      <button
        type="button"
        {...rest}
        disabled={isBusy || rest.disabled === true}
        aria-busy={isBusy}
        onClick={run}
      >
        {children}
      </button>
      {problem !== undefined && (
        <span class="problem" role="alert">
          {problem}
        </span>
      )}
    </>
  );
}

/** The questions that wait for a person. */
export function QuestionNotes({ model, extras, select, act }: NoteProps & { act: Act }) {
  const waiting = model.tasks.flatMap((task) => questionsOf(task));
  if (!model.isLive || waiting.length === 0) return null;
  return (
    <>
      {waiting.slice(0, 3).map(({ task, call }) => (
        <div class="note" role="alert" key={`${task.id} ${call?.callId ?? ''}`}>
          <Glyph status="waiting" />
          <div class="tx">
            <b>
              <button type="button" class="link" onClick={() => select(task.id)}>
                {task.id}
              </button>{' '}
              {call === undefined ? 'is waiting for you' : 'asks to call a tool'}
            </b>
            {call === undefined ? (
              <Question text={task.question ?? task.prompt} />
            ) : (
              <CallQuestion call={call} />
            )}
          </div>
          {extras.controls?.includes('approve') && <Decision task={task} call={call} act={act} />}
        </div>
      ))}
      {waiting.length > 3 && (
        <p class="mut more">and {plural(waiting.length - 3, 'more question')}: see Tasks</p>
      )}
    </>
  );
}

function questionsOf(task: TaskModel): { task: TaskModel; call?: WaitingCall }[] {
  const calls = (task.calls ?? []).map((call) => ({ task, call }));
  return task.status === 'waiting' ? [{ task }, ...calls] : calls;
}

/** The tool that is to be called, and its input. */
export function CallQuestion({ call: { tool, input } }: { call: WaitingCall }) {
  return (
    <>
      <p class="question">{tool}</p>
      <div class="pre">{input}</div>
    </>
  );
}

/** The first paragraph; the rest is folded. */
function Question({ text }: { text: string }) {
  const [first = '', ...rest] = text.split(/\n\s*\n|(?=<output )/);
  return (
    <>
      <p class="question">{first.trim()}</p>
      {rest.length > 0 && (
        <details>
          <summary>What it is about</summary>
          <div class="pre">{rest.join('\n\n').trim()}</div>
        </details>
      )}
    </>
  );
}

/** Approve, reject with a reason, or answer. */
export function Decision({
  task,
  call,
  act,
}: {
  task: TaskModel;
  call?: WaitingCall | undefined;
  act: Act;
}) {
  const [isRejecting, setRejecting] = useState(false);
  const [text, setText] = useState('');
  const taskId = task.id;
  const isApproval = call !== undefined || task.human !== 'answer';
  const about = call && { callId: call.callId };
  if (isRejecting) {
    return (
      <form class="acts decision" onSubmit={(event) => event.preventDefault()}>
        <input
          class="inp"
          aria-label={`Why ${taskId} is rejected`}
          placeholder="Reason (optional)"
          value={text}
          onInput={(event) => setText(event.currentTarget.value)}
        />
        <BusyButton
          class="btn bad"
          act={() =>
            act({ control: 'reject', taskId, ...about, ...(text !== '' && { reason: text }) })
          }
        >
          Reject
        </BusyButton>
        <button type="button" class="btn" onClick={() => setRejecting(false)}>
          Back
        </button>
      </form>
    );
  }
  return (
    <form class="acts decision" onSubmit={(event) => event.preventDefault()}>
      {isApproval ? (
        <BusyButton class="btn pri" act={() => act({ control: 'approve', taskId, ...about })}>
          Approve
        </BusyButton>
      ) : (
        <>
          <input
            class="inp"
            aria-label={`Answer to ${taskId}`}
            placeholder="Your answer"
            value={text}
            onInput={(event) => setText(event.currentTarget.value)}
          />
          <BusyButton
            class="btn pri"
            disabled={text === ''}
            act={() => act({ control: 'answer', taskId, answer: text })}
          >
            Answer
          </BusyButton>
        </>
      )}
      <button type="button" class="btn bad" onClick={() => setRejecting(true)}>
        Reject…
      </button>
    </form>
  );
}
