import {
  type Attributes,
  type Context,
  type HrTime,
  type Span,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api';
import type { RunEvent } from '@stratagem/core';
import type { AttemptName } from '@stratagem/core/runner';
import type { OpenAttempt, OpenAttempts } from './attempts.js';
import { ATTRIBUTE, familyOf, timeOf } from './attributes.js';
import { known, NO_SECRETS, type Telemetry } from './telemetry.js';

interface OpenTask {
  readonly span: Span;
  readonly context: Context;
  /** The number of its attempt in flight. */
  attempt?: number | undefined;
  /** When its attempt was started again, of which nothing else is known yet. */
  restartedAt?: HrTime | undefined;
}

export type EventOf<Type extends RunEvent['type']> = Extract<RunEvent, { readonly type: Type }>;

/** The spans of the tasks of one run, and of their attempts. */
export class TaskSpans {
  /** The span of the run is its parent; set when that begins. */
  runContext: Context;
  readonly #telemetry: Telemetry;
  readonly #runId: string;
  readonly #attempts: OpenAttempts;
  readonly #tasks = new Map<string, OpenTask>();

  constructor(telemetry: Telemetry, runId: string, attempts: OpenAttempts, context: Context) {
    this.#telemetry = telemetry;
    this.#runId = runId;
    this.#attempts = attempts;
    this.runContext = context;
  }

  /** An attempt of the run that is in flight. One that a resumed run starts again has no event for it. */
  find(taskId: string, attempt: number): OpenAttempt | undefined {
    const open = this.#attempts.find(this.#nameOf({ taskId, attempt }));
    const task = this.#tasks.get(taskId);
    if (open !== undefined || task?.restartedAt === undefined) return open;
    const begun = this.#beginAttempt(task, { taskId, attempt }, task.restartedAt, {});
    task.restartedAt = undefined;
    return begun;
  }

  open({ taskId, level, timestamp }: TaskOpening): OpenTask {
    const open = this.#tasks.get(taskId);
    if (open !== undefined) return open;
    const span = this.#telemetry.tracer.startSpan(
      `task ${familyOf(taskId)}`,
      {
        attributes: known({
          [ATTRIBUTE.runId]: this.#runId,
          [ATTRIBUTE.taskId]: taskId,
          [ATTRIBUTE.taskLevel]: level,
        }),
        startTime: timeOf(timestamp),
      },
      this.runContext,
    );
    const task: OpenTask = { span, context: trace.setSpan(this.runContext, span) };
    this.#tasks.set(taskId, task);
    return task;
  }

  start(event: EventOf<'task_started'>): void {
    const { resource, waitMs, timestamp } = event;
    const task = this.open(event);
    const waiting = { [ATTRIBUTE.resource]: resource, [ATTRIBUTE.waitMs]: waitMs };
    this.#beginAttempt(task, event, timeOf(timestamp), waiting);
    const waited = known({ [ATTRIBUTE.resource]: resource });
    this.#telemetry.metrics.taskWait.record(waitMs / 1_000, waited, task.context);
  }

  #beginAttempt(
    task: OpenTask,
    { taskId, attempt }: { readonly taskId: string; readonly attempt: number },
    startTime: HrTime,
    details: Attributes,
  ): OpenAttempt {
    task.attempt = attempt;
    const name = this.#nameOf({ taskId, attempt });
    const attributes = known({
      [ATTRIBUTE.runId]: name.runId,
      [ATTRIBUTE.taskId]: taskId,
      [ATTRIBUTE.attempt]: attempt,
      ...details,
    });
    const span = this.#telemetry.tracer.startSpan(
      `attempt ${familyOf(taskId)}`,
      { attributes, startTime },
      task.context,
    );
    return this.#attempts.begin(name, trace.setSpan(task.context, span), span);
  }

  #nameOf({ taskId, attempt }: { readonly taskId: string; readonly attempt: number }) {
    return { runId: this.#runId, taskId, attempt } satisfies Partial<AttemptName>;
  }

  /** Text and tools have spans of their own; the rest is said where it happens. */
  output(event: EventOf<'task_output'>): void {
    const time = timeOf(event.timestamp);
    const span = this.#attempts.find(this.#nameOf(event))?.span;
    if (event.kind === 'notice') {
      const attributes = known({ 'stratagem.source': event.source, 'stratagem.code': event.code });
      span?.addEvent('notice', attributes, time);
    } else if (event.kind === 'attachment') {
      span?.addEvent('attachment', { 'stratagem.media_type': event.mediaType }, time);
    }
  }

  end(
    event: EventOf<'task_completed' | 'task_failed' | 'task_canceled' | 'task_skipped'>,
    error?: unknown,
    attributes: Attributes = {},
  ): void {
    const task = this.#tasks.get(event.taskId);
    if (task === undefined) return;
    this.endAttempt(event, error, attributes);
    const status = event.type.slice('task_'.length);
    task.span.setAttributes({ ...attributes, [ATTRIBUTE.status]: status });
    if (error !== undefined) this.#telemetry.fail(task.span, error, NO_SECRETS);
    task.span.end(timeOf(event.timestamp));
    this.#tasks.delete(event.taskId);
  }

  endAttempt(event: Ended, error: unknown, attributes: Attributes): void {
    const task = this.#tasks.get(event.taskId);
    const attempt = task?.attempt;
    if (task === undefined || attempt === undefined) return;
    task.attempt = undefined;
    const span = this.#attempts.find(this.#nameOf({ taskId: event.taskId, attempt }))?.span;
    span?.setAttributes(attributes);
    if (event.type === 'task_skipped' || event.type === 'task_canceled') {
      span?.setStatus({ code: SpanStatusCode.ERROR });
      span?.setAttribute(ATTRIBUTE.errorType, event.reason);
    }
    const errorType =
      error === undefined || span === undefined
        ? undefined
        : this.#telemetry.fail(span, error, NO_SECRETS);
    const outcome = known({
      [ATTRIBUTE.status]: event.type.slice('task_'.length),
      [ATTRIBUTE.errorType]: errorType,
    });
    const { attemptDuration } = this.#telemetry.metrics;
    attemptDuration.record((event.durationMs ?? 0) / 1_000, outcome, this.runContext);
    this.#closeAttempt(event.taskId, attempt, timeOf(event.timestamp));
  }

  #closeAttempt(taskId: string, attempt: number, endTime: ReturnType<typeof timeOf>): void {
    const name = this.#nameOf({ taskId, attempt });
    this.#attempts.find(name)?.span?.end(endTime);
    this.#attempts.end(name);
  }

  /** A resumed run starts the attempt of a task again. */
  restart(taskId: string, timestamp: number): void {
    this.open({ taskId, timestamp }).restartedAt = timeOf(timestamp);
  }

  /** An attempt has left its queue. */
  begun({ taskId, timestamp }: EventOf<'task_begun'>): void {
    this.#tasks.get(taskId)?.span.addEvent('task_begun', timeOf(timestamp));
  }

  /** What is still open has not ended. */
  close(): void {
    for (const [taskId, { span, attempt }] of this.#tasks) {
      if (attempt !== undefined) this.#closeAttempt(taskId, attempt, timeOf(Date.now()));
      span.end();
    }
    this.#tasks.clear();
  }
}

/** Of a restarted task, only its id is known. */
interface TaskOpening {
  readonly taskId: string;
  readonly level?: number | undefined;
  readonly timestamp: number;
}

type Ended = EventOf<
  'task_completed' | 'task_failed' | 'task_retrying' | 'task_canceled' | 'task_skipped'
>;
