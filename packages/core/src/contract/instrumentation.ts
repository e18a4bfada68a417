import { OptionError } from './errors.js';
import type { RunEvent } from './event.js';
import type { Plan } from './plan.js';
import type {
  InstrumentedToolCall,
  ModelCall,
  ModelCallResult,
  Surround,
  TraceContext,
} from './surround.js';

export type * from './surround.js';

/**
 * Watches runs from the inside, as a tracer does: it receives every event, and surrounds the work of
 * attempts, so that what they do is done in its context. It changes nothing about a run.
 *
 * `instrument()` of `@stratagem/otel` makes one for OpenTelemetry.
 */
export interface Instrumentation {
  /** A run begins or is resumed in this process. Called in the context of the caller of `execute`. */
  beginRun(run: InstrumentedRun): RunObserver;
  /** Surrounds the work of an attempt. Returns what `work` returns, and lets its errors through. */
  attempt<Result>(attempt: InstrumentedAttempt, work: () => Result): Result;
  /** Surrounds a request to a model. */
  modelCall<Result extends ModelCallResult>(
    attempt: AttemptName,
    call: ModelCall,
    work: () => Promise<Result>,
  ): Promise<Result>;
  /** Surrounds a call of a tool. */
  toolCall<Result>(
    attempt: AttemptName,
    call: InstrumentedToolCall,
    work: () => Promise<Result>,
  ): Promise<Result>;
}

/** A run that begins or is resumed in this process. */
export interface InstrumentedRun {
  readonly runId: string;
  readonly plan: Plan;
  readonly strategy: string;
  /** What the first process of the run has recorded; undefined for a new run, and without a record. */
  readonly trace: TraceContext | undefined;
  readonly isResumed: boolean;
}

/** Watches one run in one process. */
export interface RunObserver {
  /** Recorded with a new run, so that the process that resumes it finds the trace. */
  readonly trace?: TraceContext | undefined;
  /** Called with each event, before the attempts that it starts. */
  onEvent(event: RunEvent): void;
  /** The trace of an attempt, for a carrier that takes it to another process. */
  traceOf(taskId: string, attempt: number): TraceContext | undefined;
  /** The run has ended, or this process gives it up. */
  end(): void;
}

/** Identifies an attempt. */
export interface AttemptName {
  readonly runId: string;
  readonly taskId: string;
  /** 1 for the first try. */
  readonly attempt: number;
  /** Whether values of secret inputs may be in what it sends and receives. */
  readonly hasSecrets: boolean;
  /** Takes the values of secret inputs out of a value; undefined where they are not known. */
  readonly hide?: (<Value>(value: Value) => Value) | undefined;
}

export interface InstrumentedAttempt extends AttemptName {
  /** Who does the work. */
  readonly kind: 'runner' | 'function' | 'tool' | 'command';
  /** The name of the runner. */
  readonly runner?: string | undefined;
  /** What it competes for, usually provider and model. */
  readonly resource?: string | undefined;
  /** The model that the task asks for. */
  readonly model?: string | undefined;
  /** The trace that came with it from another process. */
  readonly trace?: TraceContext | undefined;
  /** The prompt of a request to a runner. */
  prompt(): string | undefined;
}

/** The calls of one attempt, as an instrumentation surrounds them. */
export function surroundingOf(
  instrumentation: Instrumentation | undefined,
  attempt: AttemptName,
): Surround | undefined {
  if (instrumentation === undefined) return undefined;
  return {
    modelCall: (call, work) => instrumentation.modelCall(attempt, call, work),
    toolCall: (call, work) => instrumentation.toolCall(attempt, call, work),
  };
}

/** @throws {OptionError} when the value is no instrumentation. */
export function checkInstrumentation(owner: string, value: Instrumentation): void {
  const given = Object(value) as Readonly<Record<string, unknown>>;
  for (const method of ['beginRun', 'attempt', 'modelCall', 'toolCall']) {
    if (typeof given[method] === 'function') continue;
    const must =
      'instrumentation must be an Instrumentation, such as instrument() of @stratagem/otel';
    throw new OptionError(`${owner}: ${must}; it has no ${method}()`);
  }
}
