import { context, trace } from '@opentelemetry/api';
import type { Instrumentation, TaskOutput } from '@stratagem/core';
import type {
  AttemptName,
  InstrumentedAttempt,
  InstrumentedToolCall,
  ModelCall,
  ModelCallResult,
} from '@stratagem/core/runner';
import { type OpenAttempt, OpenAttempts, parentOf } from './attempts.js';
import { now } from './attributes.js';
import { ModelCallSpan } from './model-call.js';
import { checkInstrumentOptions, type InstrumentOptions } from './options.js';
import { RunSpans } from './run-observer.js';
import { Telemetry } from './telemetry.js';
import { ToolCallSpan } from './tool-call.js';
import { contextIn } from './trace-context.js';

/**
 * Traces runs with OpenTelemetry: run → task → attempt → model calls and calls of tools, with metrics and
 * events by the GenAI semantic conventions. The span of a run is a child of the active span. Runners,
 * functions and tools do their work in the context of their span, so that their own spans are children.
 *
 * Give the same one to the executor and, where attempts run elsewhere, to `workerCarrier` there.
 *
 * @throws {OptionError} when an option is unknown or has the wrong type.
 *
 * @example
 * const executor = createExecutor({
 *   strategy: parallel(),
 *   runner: openai(),
 *   instrumentation: instrument({ workflowName: 'research' }),
 * });
 */
export function instrument(options: InstrumentOptions = {}): Instrumentation {
  checkInstrumentOptions(options);
  return new OpenTelemetryInstrumentation(options);
}

class OpenTelemetryInstrumentation implements Instrumentation {
  readonly #options: InstrumentOptions;
  readonly #telemetry: Telemetry;
  readonly #attempts = new OpenAttempts();
  /** The runs of this process. */
  readonly #runs = new Map<string, RunSpans>();

  constructor(options: InstrumentOptions) {
    this.#options = options;
    this.#telemetry = new Telemetry(options);
  }

  beginRun(run: Parameters<Instrumentation['beginRun']>[0]): RunSpans {
    const { workflowName } = this.#options;
    const name = typeof workflowName === 'function' ? workflowName(run.plan) : workflowName;
    const leave = () => {
      if (this.#runs.get(run.runId) === spans) this.#runs.delete(run.runId);
    };
    const spans = new RunSpans(this.#telemetry, run, name, this.#attempts, leave);
    this.#runs.set(run.runId, spans);
    return spans;
  }

  attempt<Result>(attempt: InstrumentedAttempt, work: () => Result): Result {
    const known = this.#find(attempt);
    const open = known ?? this.#attempts.begin(attempt, contextIn(attempt.trace ?? {}));
    const leave = () => {
      // That of a run of this process ends with an event.
      if (known === undefined) this.#attempts.end(attempt);
    };
    const startTime = now();
    const end = (result: unknown, error?: { readonly thrown: unknown }) => {
      if (attempt.kind === 'runner' && open.modelCalls === 0) {
        this.#traceRunner(attempt, open, startTime, result, error);
      }
      leave();
    };
    let result: Result;
    try {
      result = context.with(open.context, work);
    } catch (thrown) {
      end(undefined, { thrown });
      throw thrown;
    }
    // A thenable of somebody else may do its work each time that it is awaited.
    if (result instanceof Promise) {
      result.then(
        (value) => end(value),
        (thrown) => end(undefined, { thrown }),
      );
    } else end(result);
    return result;
  }

  #find({ runId, taskId, attempt }: AttemptName): OpenAttempt | undefined {
    const known = this.#attempts.find({ runId, taskId, attempt });
    return known ?? this.#runs.get(runId)?.openAttempt(taskId, attempt);
  }

  /** A runner that reports no requests has made one, unless it has its answer from elsewhere. */
  #traceRunner(
    attempt: InstrumentedAttempt,
    { context: parent }: OpenAttempt,
    startTime: ReturnType<typeof now>,
    result: unknown,
    error: { readonly thrown: unknown } | undefined,
  ): void {
    const answer = Object(result) as Partial<TaskOutput>;
    if (answer.cached === true) return;
    const [provider = '', ...rest] = (attempt.resource ?? attempt.runner ?? '').split('/');
    const model = attempt.model ?? (rest.join('/') || answer.model || provider);
    const call = new ModelCallSpan(
      this.#telemetry,
      attempt,
      { provider: provider || 'unknown', model },
      parent,
      startTime,
    );
    const content = this.#telemetry.contentOf(attempt);
    const prompt = content && attempt.prompt();
    if (content && prompt !== undefined) call.sent([content.prompt(prompt)]);
    if (error !== undefined) {
      call.failed(error.thrown);
      return;
    }
    const text = content?.json(answer.output) ?? '';
    call.completed({ ...answer, text, toolCalls: [] });
  }

  async modelCall<Result extends ModelCallResult>(
    attempt: AttemptName,
    call: ModelCall,
    work: () => Promise<Result>,
  ): Promise<Result> {
    const open = this.#attempts.find(attempt);
    if (open !== undefined) open.modelCalls++;
    const parent = parentOf(context.active(), open);
    const traced = new ModelCallSpan(this.#telemetry, attempt, call, parent);
    const content = this.#telemetry.contentOf(attempt);
    if (content !== undefined) traced.sent(content.inputMessages(call.input));
    try {
      const result = await context.with(trace.setSpan(parent, traced.span), work);
      traced.completed(result);
      return result;
    } catch (thrown) {
      traced.failed(thrown);
      throw thrown;
    }
  }

  async toolCall<Result>(
    attempt: AttemptName,
    call: InstrumentedToolCall,
    work: () => Promise<Result>,
  ): Promise<Result> {
    const parent = parentOf(context.active(), this.#attempts.find(attempt));
    const traced = new ToolCallSpan(this.#telemetry, attempt, call, parent);
    try {
      const result = await context.with(trace.setSpan(parent, traced.span), work);
      traced.completed(result);
      return result;
    } catch (thrown) {
      traced.failed(thrown);
      throw thrown;
    }
  }
}
