import {
  type Attributes,
  type Context,
  context,
  type HrTime,
  type Link,
  type Span,
  SpanKind,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api';
import type { RunEvent, Usage } from '@stratagem/core';
import type {
  AttemptName,
  InstrumentedRun,
  RunObserver,
  TraceContext,
} from '@stratagem/core/runner';
import type { OpenAttempt, OpenAttempts } from './attempts.js';
import { ATTRIBUTE, familyOf, now, timeOf, usageAttributes } from './attributes.js';
import { known, NO_SECRETS, type Telemetry } from './telemetry.js';
import { headersOf, spanHeaders, spanIn } from './trace-context.js';

interface OpenTask {
  readonly span: Span;
  readonly context: Context;
  /** The number of its attempt in flight. */
  attempt?: number | undefined;
  /** When its attempt was started again, of which nothing else is known yet. */
  restartedAt?: HrTime | undefined;
}

type EventOf<Type extends RunEvent['type']> = Extract<RunEvent, { readonly type: Type }>;

/** The spans of one run, its tasks and their attempts: made from its events. */
export class RunSpans implements RunObserver {
  readonly #telemetry: Telemetry;
  readonly #run: InstrumentedRun;
  readonly #name: string | undefined;
  readonly #attempts: OpenAttempts;
  readonly #onEnd: () => void;
  readonly #parent = context.active();
  #span: Span | undefined;
  #context: Context = this.#parent;
  readonly #tasks = new Map<string, OpenTask>();
  #round: Span | undefined;
  readonly #counts = { completed: 0, failed: 0, skipped: 0, canceled: 0 };
  #inputTokens = 0;
  #outputTokens = 0;

  constructor(
    telemetry: Telemetry,
    run: InstrumentedRun,
    name: string | undefined,
    attempts: OpenAttempts,
    onEnd: () => void,
  ) {
    this.#onEnd = onEnd;
    this.#telemetry = telemetry;
    this.#run = run;
    this.#name = name;
    this.#attempts = attempts;
    // A recorded run may be over; then there is nothing to trace.
    if (!run.isResumed) this.#begin(this.#parent, []);
  }

  get trace(): TraceContext | undefined {
    return this.#span && spanHeaders(this.#span.spanContext());
  }

  traceOf(taskId: string, attempt: number): TraceContext | undefined {
    const open = this.openAttempt(taskId, attempt);
    return open && headersOf(open.context);
  }

  /** An attempt of the run that is in flight. One that a resumed run starts again has no event for it. */
  openAttempt(taskId: string, attempt: number): OpenAttempt | undefined {
    const open = this.#attempts.find(this.#nameOf({ taskId, attempt }));
    const task = this.#tasks.get(taskId);
    if (open !== undefined || task?.restartedAt === undefined) return open;
    const begun = this.#beginAttempt(task, { taskId, attempt }, task.restartedAt, {});
    task.restartedAt = undefined;
    return begun;
  }

  onEvent(event: RunEvent): void {
    switch (event.type) {
      case 'run_resumed':
        this.#resume(event);
        return;
      case 'task_waiting':
        this.#openTask(event);
        return;
      case 'task_started':
        this.#start(event);
        return;
      case 'task_begun':
        this.#tasks.get(event.taskId)?.span.addEvent('task_begun', timeOf(event.timestamp));
        return;
      case 'task_output':
        this.#output(event);
        return;
      case 'task_retrying':
        this.#endAttempt(event, event.error, { [ATTRIBUTE.retryDelayMs]: event.delayMs });
        return;
      case 'task_completed':
        this.#complete(event);
        return;
      case 'task_failed':
        this.#counts.failed++;
        this.#endTask(event, event.error);
        return;
      case 'task_canceled':
        this.#counts.canceled++;
        this.#endTask(event, event.error, { [ATTRIBUTE.reason]: event.reason });
        return;
      case 'task_skipped':
        this.#counts.skipped++;
        this.#endTask(event, undefined, { [ATTRIBUTE.reason]: event.reason });
        return;
      case 'replan_started':
        this.#beginRound(event);
        return;
      case 'replan_completed':
      case 'replan_failed':
        this.#endRound(event);
        return;
      case 'run_completed':
        this.#finish(event, 'completed');
        return;
      case 'run_failed':
        this.#finish(event, 'failed', event.error);
        return;
      case 'run_canceled':
        this.#finish(event, 'canceled', event.error);
        return;
      default:
        this.#note(event);
    }
  }

  /** What is still open has not ended: this process has given the run up. */
  end(): void {
    this.#onEnd();
    for (const [taskId, { span, attempt }] of this.#tasks) {
      if (attempt !== undefined) this.#closeAttempt(taskId, attempt, timeOf(Date.now()));
      span.end();
    }
    this.#tasks.clear();
    this.#round?.end();
    this.#span?.setAttribute(ATTRIBUTE.status, 'interrupted');
    this.#span?.end();
    this.#span = undefined;
  }

  // --- The run ---

  #begin(parent: Context, links: Link[], startTime = now()): void {
    const { runId, strategy, plan } = this.#run;
    const content = this.#telemetry.contentOf(NO_SECRETS);
    const attributes = known({
      [ATTRIBUTE.operation]: 'invoke_workflow',
      [ATTRIBUTE.agentName]: this.#name,
      [ATTRIBUTE.workflowName]: this.#name,
      [ATTRIBUTE.runId]: runId,
      [ATTRIBUTE.strategy]: strategy,
      [ATTRIBUTE.goal]: content?.text(plan.goal),
    });
    const name = this.#name === undefined ? 'invoke_workflow' : `invoke_workflow ${this.#name}`;
    const kind = SpanKind.INTERNAL;
    this.#span = this.#telemetry.tracer.startSpan(
      name,
      { kind, attributes, links, startTime },
      parent,
    );
    this.#context = trace.setSpan(parent, this.#span);
  }

  /**
   * A run that is resumed within a span belongs to that trace, and links to the one in which it began.
   * Otherwise, it continues the trace in which it began.
   */
  #resume(event: EventOf<'run_resumed'>): void {
    const { timestamp, restarted, attached = [], downtimeMs } = event;
    const first = spanIn(this.#run.trace ?? {});
    const isInside = trace.getSpan(this.#parent) !== undefined;
    const links = first === undefined || !isInside ? [] : [{ context: first }];
    const parent =
      first === undefined || isInside ? this.#parent : trace.setSpanContext(this.#parent, first);
    this.#begin(parent, links, timeOf(timestamp));
    this.#span?.setAttributes({
      'stratagem.resumed': true,
      'stratagem.downtime_ms': downtimeMs,
      'stratagem.restarted_tasks': restarted.length,
    });
    for (const taskId of [...restarted, ...attached]) {
      this.#openTask({ taskId, timestamp }).restartedAt = timeOf(timestamp);
    }
  }

  #finish(event: EventOf<'run_completed' | 'run_failed' | 'run_canceled'>, ...how: How): void {
    const [status, error] = how;
    const span = this.#span;
    if (span === undefined) return;
    const { completed, failed, skipped, canceled } = this.#counts;
    span.setAttributes({
      [ATTRIBUTE.status]: status,
      'stratagem.tasks.completed': completed,
      'stratagem.tasks.failed': failed,
      'stratagem.tasks.skipped': skipped,
      'stratagem.tasks.canceled': canceled,
      [ATTRIBUTE.inputTokens]: this.#inputTokens,
      [ATTRIBUTE.outputTokens]: this.#outputTokens,
    });
    const errorType = error && this.#telemetry.fail(span, error, NO_SECRETS);
    const attributes = known({
      [ATTRIBUTE.operation]: 'invoke_workflow',
      [ATTRIBUTE.agentName]: this.#name,
      [ATTRIBUTE.errorType]: errorType,
    });
    const { workflowDuration } = this.#telemetry.metrics;
    workflowDuration.record(event.durationMs / 1_000, attributes, this.#context);
    span.end(timeOf(event.timestamp));
    this.#span = undefined;
  }

  /** Rare events about the run as a whole. */
  #note(event: RunEvent): void {
    const { type, timestamp } = event;
    if (type === 'run_started' || type === 'strategy_initialized') return;
    const details = event as unknown as Readonly<Record<string, unknown>>;
    const names = ['taskId', 'resource', 'pauseMs', 'code', 'maxParallel', 'progress', 'budget'];
    const given = [...names, 'from', 'to', 'isWaiting', 'source', 'tool', 'approved'];
    const attributes: Attributes = {};
    for (const name of given) {
      const value = details[name];
      if (['string', 'number', 'boolean'].includes(typeof value)) {
        attributes[`stratagem.${name}`] = value as string | number | boolean;
      }
    }
    this.#span?.addEvent(type, attributes, timeOf(timestamp));
  }

  // --- Tasks and attempts ---

  #openTask({ taskId, level, timestamp }: TaskOpening): OpenTask {
    const open = this.#tasks.get(taskId);
    if (open !== undefined) return open;
    const span = this.#telemetry.tracer.startSpan(
      `task ${familyOf(taskId)}`,
      {
        attributes: known({
          [ATTRIBUTE.runId]: this.#run.runId,
          [ATTRIBUTE.taskId]: taskId,
          [ATTRIBUTE.taskLevel]: level,
        }),
        startTime: timeOf(timestamp),
      },
      this.#context,
    );
    const task: OpenTask = { span, context: trace.setSpan(this.#context, span) };
    this.#tasks.set(taskId, task);
    return task;
  }

  #start(event: EventOf<'task_started'>): void {
    const { resource, waitMs, timestamp } = event;
    const task = this.#openTask(event);
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
    return { runId: this.#run.runId, taskId, attempt } satisfies Partial<AttemptName>;
  }

  /** Text and tools have spans of their own; the rest is said where it happens. */
  #output(event: EventOf<'task_output'>): void {
    const time = timeOf(event.timestamp);
    const span = this.#attempts.find(this.#nameOf(event))?.span;
    if (event.kind === 'notice') {
      const attributes = known({ 'stratagem.source': event.source, 'stratagem.code': event.code });
      span?.addEvent('notice', attributes, time);
    } else if (event.kind === 'attachment') {
      span?.addEvent('attachment', { 'stratagem.media_type': event.mediaType }, time);
    }
  }

  #complete(event: EventOf<'task_completed'>): void {
    this.#counts.completed++;
    const { model, requestId, cached, reused } = event;
    this.#spend(event.usage, event.costUsd, model);
    const attributes = known({
      ...(event.attempt > 0 && usageAttributes(event.usage)),
      [ATTRIBUTE.responseModel]: model,
      [ATTRIBUTE.requestId]: requestId,
      [ATTRIBUTE.costUsd]: event.costUsd,
      [ATTRIBUTE.cached]: cached,
      [ATTRIBUTE.reusedFrom]: reused?.runId,
    });
    this.#endTask(event, undefined, attributes);
  }

  #spend(usage: Usage | undefined, costUsd: number | undefined, model: string | undefined): void {
    this.#inputTokens += usage?.inputTokens ?? 0;
    this.#outputTokens += usage?.outputTokens ?? 0;
    if (costUsd === undefined || costUsd === 0) return;
    const attributes = known({ [ATTRIBUTE.responseModel]: model });
    this.#telemetry.metrics.cost.add(costUsd, attributes, this.#context);
  }

  #endTask(
    event: EventOf<'task_completed' | 'task_failed' | 'task_canceled' | 'task_skipped'>,
    error?: unknown,
    attributes: Attributes = {},
  ): void {
    const task = this.#tasks.get(event.taskId);
    if (task === undefined) return;
    this.#endAttempt(event, error, attributes);
    const status = event.type.slice('task_'.length);
    task.span.setAttributes({ ...attributes, [ATTRIBUTE.status]: status });
    if (error !== undefined) this.#telemetry.fail(task.span, error, NO_SECRETS);
    task.span.end(timeOf(event.timestamp));
    this.#tasks.delete(event.taskId);
  }

  #endAttempt(event: Ended, error: unknown, attributes: Attributes): void {
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
    if (event.type === 'task_retrying' || event.type === 'task_failed') {
      const { usage, costUsd, model } = event.error;
      this.#spend(usage, costUsd, model);
    }
    const outcome = known({
      [ATTRIBUTE.status]: event.type.slice('task_'.length),
      [ATTRIBUTE.errorType]: errorType,
    });
    const { attemptDuration } = this.#telemetry.metrics;
    attemptDuration.record((event.durationMs ?? 0) / 1_000, outcome, this.#context);
    this.#closeAttempt(event.taskId, attempt, timeOf(event.timestamp));
  }

  #closeAttempt(taskId: string, attempt: number, endTime: ReturnType<typeof timeOf>): void {
    const name = this.#nameOf({ taskId, attempt });
    this.#attempts.find(name)?.span?.end(endTime);
    this.#attempts.end(name);
  }

  // --- Re-planning ---

  #beginRound({ round, reason, timestamp }: EventOf<'replan_started'>): void {
    this.#round = this.#telemetry.tracer.startSpan(
      'plan',
      {
        attributes: {
          [ATTRIBUTE.operation]: 'plan',
          [ATTRIBUTE.reason]: reason,
          'stratagem.replan.round': round,
        },
        startTime: timeOf(timestamp),
      },
      this.#context,
    );
  }

  #endRound(event: EventOf<'replan_completed' | 'replan_failed'>): void {
    const span = this.#round;
    if (event.type === 'replan_failed') {
      if (span !== undefined) this.#telemetry.fail(span, event.error, NO_SECRETS);
    } else {
      const { usage, costUsd, model, tasks } = event;
      this.#spend(usage, costUsd, model);
      const attributes = known({
        ...usageAttributes(usage),
        [ATTRIBUTE.responseModel]: model,
        [ATTRIBUTE.costUsd]: costUsd,
        'stratagem.replan.tasks': tasks,
      });
      span?.setAttributes(attributes);
    }
    span?.end(timeOf(event.timestamp));
    this.#round = undefined;
  }
}

/** Of a restarted task, only its id is known. */
interface TaskOpening {
  readonly taskId: string;
  readonly level?: number | undefined;
  readonly timestamp: number;
}

type How = readonly [status: 'completed' | 'failed' | 'canceled', error?: unknown];

type Ended = EventOf<
  'task_completed' | 'task_failed' | 'task_retrying' | 'task_canceled' | 'task_skipped'
>;
