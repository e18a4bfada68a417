import {
  type Attributes,
  type Context,
  context,
  type Link,
  type Span,
  SpanKind,
  trace,
} from '@opentelemetry/api';
import type { RunEvent, TaskError, Usage } from '@stratagem/core';
import type { InstrumentedRun, RunObserver, TraceContext } from '@stratagem/core/runner';
import type { OpenAttempt, OpenAttempts } from './attempts.js';
import { ATTRIBUTE, now, timeOf, usageAttributes } from './attributes.js';
import { type EventOf, TaskSpans } from './task-spans.js';
import { known, NO_SECRETS, type Telemetry } from './telemetry.js';
import { headersOf, spanHeaders, spanIn } from './trace-context.js';

/** The spans of one run, its tasks and their attempts: made from its events. */
export class RunSpans implements RunObserver {
  readonly #telemetry: Telemetry;
  readonly #run: InstrumentedRun;
  readonly #name: string | undefined;
  readonly #onEnd: () => void;
  readonly #parent = context.active();
  #span: Span | undefined;
  #context: Context = this.#parent;
  readonly #tasks: TaskSpans;
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
    this.#tasks = new TaskSpans(telemetry, run.runId, attempts, this.#parent);
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

  openAttempt(taskId: string, attempt: number): OpenAttempt | undefined {
    return this.#tasks.find(taskId, attempt);
  }

  onEvent(event: RunEvent): void {
    switch (event.type) {
      case 'run_resumed':
        this.#resume(event);
        return;
      case 'task_waiting':
        this.#tasks.open(event);
        return;
      case 'task_started':
        this.#tasks.start(event);
        return;
      case 'task_begun':
        this.#tasks.begun(event);
        return;
      case 'task_output':
        this.#tasks.output(event);
        return;
      case 'task_retrying':
        this.#spendFailure(event.error);
        this.#tasks.endAttempt(event, event.error, { [ATTRIBUTE.retryDelayMs]: event.delayMs });
        return;
      case 'task_completed':
        this.#complete(event);
        return;
      case 'task_failed':
        this.#counts.failed++;
        this.#spendFailure(event.error);
        this.#tasks.end(event, event.error);
        return;
      case 'task_canceled':
        this.#counts.canceled++;
        this.#tasks.end(event, event.error, { [ATTRIBUTE.reason]: event.reason });
        return;
      case 'task_skipped':
        this.#counts.skipped++;
        this.#tasks.end(event, undefined, { [ATTRIBUTE.reason]: event.reason });
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
    this.#tasks.close();
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
    this.#tasks.runContext = this.#context;
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
      this.#tasks.restart(taskId, timestamp);
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
    this.#tasks.end(event, undefined, attributes);
  }

  #spendFailure({ usage, costUsd, model }: TaskError): void {
    this.#spend(usage, costUsd, model);
  }

  #spend(usage: Usage | undefined, costUsd: number | undefined, model: string | undefined): void {
    this.#inputTokens += usage?.inputTokens ?? 0;
    this.#outputTokens += usage?.outputTokens ?? 0;
    if (costUsd === undefined || costUsd === 0) return;
    const attributes = known({ [ATTRIBUTE.responseModel]: model });
    this.#telemetry.metrics.cost.add(costUsd, attributes, this.#context);
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

type How = readonly [status: 'completed' | 'failed' | 'canceled', error?: unknown];
