import {
  type RunContext,
  RunnerError,
  type TaskOutput,
  type TaskRequest,
  type TaskRunner,
  type Usage,
} from '@stratagem/core';
import { addUsage } from '@stratagem/core/runner';
import { type AnswerProblem, formatAnswerProblem } from '../read/answer-problem.js';
import { answerText, type PlanReading } from '../read/read-plan.js';
import { wrapRunner } from '../util/wrap-runner.js';
import { correctionPrompt } from './planner-prompt.js';

/** An unusable answer, and its problems. */
export interface RejectedAnswer {
  /** As the model wrote it; undefined when it was cut off at a token limit. */
  readonly answer: string | undefined;
  readonly problems: readonly AnswerProblem[];
}

const CUT_OFF: PlanReading = {
  tasks: [],
  repairs: [],
  problems: [
    {
      code: 'cut_off',
      path: [],
      message: 'the answer was cut off at the token limit; answer with a shorter plan',
    },
  ],
};

/**
 * Asks a model for a plan until an answer is usable, or until the limit of repair attempts. When a
 * transient error ends an attempt, the next attempt continues with the last correction.
 */
export class RepairLoop {
  readonly rejectedAnswers: RejectedAnswer[] = [];
  /** The content of the usable answer. */
  accepted: PlanReading | undefined;
  readonly #read: (answer: unknown) => PlanReading;
  readonly #repairAttempts: number;

  constructor(read: (answer: unknown) => PlanReading, repairAttempts: number) {
    this.#read = read;
    this.#repairAttempts = repairAttempts;
  }

  /** A runner that repeats its request until the answer is usable. */
  wrap(runner: TaskRunner): TaskRunner {
    return wrapRunner(runner, (request, context) => this.#run(runner, request, context));
  }

  async #run(runner: TaskRunner, request: TaskRequest, context: RunContext): Promise<TaskOutput> {
    const usage = new AttemptUsage();
    for (let step = 1; ; step++) {
      const answer = await this.#ask(runner, request, context, usage);
      // An abandoned attempt must not change the state of the next one.
      context.signal.throwIfAborted();
      // The executor rejects an output that does not have the form of one.
      if (answer !== 'cut off' && !isTaskOutput(answer)) return answer;
      const { text, reading } = this.#readAnswer(answer);
      const isUsable = reading.problems.length === 0;
      if (step > 1 || !isUsable) await context.emit({ kind: 'step', step, ...usage.last });
      if (isUsable) {
        this.accepted = reading;
        const { rateLimits } = answer as TaskOutput;
        const output = { tasks: reading.tasks };
        return { output, ...(rateLimits && { rateLimits }), ...usage.total };
      }
      const { problems } = reading;
      this.rejectedAnswers.push({ answer: text, problems });
      if (this.rejectedAnswers.length > this.#repairAttempts) {
        throw this.#exhaustedError(problems, usage);
      }
      const list = problems.map(formatAnswerProblem).join('; ');
      const message = `The answer was sent back to the model: ${list}`;
      await context.emit({ kind: 'notice', source: 'planner', message, code: 'invalid_output' });
    }
  }

  #readAnswer(answer: TaskOutput | 'cut off') {
    if (answer === 'cut off') return { text: undefined, reading: CUT_OFF };
    return { text: answerText(answer.output), reading: this.#read(answer.output) };
  }

  async #ask(
    runner: TaskRunner,
    request: TaskRequest,
    context: RunContext,
    usage: AttemptUsage,
  ): Promise<TaskOutput | 'cut off'> {
    try {
      const answer = await runner.run(this.#correct(request), context);
      if (isTaskOutput(answer)) usage.add(answer);
      return answer;
    } catch (thrown) {
      if (!(thrown instanceof RunnerError)) throw thrown;
      const { usage: used, costUsd, model, requestId } = thrown;
      usage.add({ usage: used, costUsd, model, requestId });
      if (thrown.code === 'truncated') return 'cut off';
      throw Object.assign(thrown, usage.total);
    }
  }

  /**
   * The request with the problems of the last answer. It has no `check`, so that the runner does not
   * send answers back on its own account.
   */
  #correct({ check: _, ...request }: TaskRequest): TaskRequest {
    const last = this.rejectedAnswers.at(-1);
    if (last === undefined) return request;
    const { prompt, plainPrompt } = request;
    const corrected = correctionPrompt(plainPrompt, last.answer, last.problems);
    return {
      ...request,
      plainPrompt: corrected,
      prompt: corrected + prompt.slice(plainPrompt.length),
    };
  }

  #exhaustedError(problems: readonly AnswerProblem[], usage: AttemptUsage): RunnerError {
    const count = this.rejectedAnswers.length;
    const summary =
      count === 1
        ? 'the answer of the model cannot be used as a plan'
        : `none of ${count} answers of the model can be used as a plan; the last`;
    const list = problems.map((problem) => `\n  - ${formatAnswerProblem(problem)}`).join('');
    return new RunnerError('invalid_output', `${summary}:${list}`, usage.total);
  }
}

type RequestUsage = Pick<TaskOutput, 'usage' | 'costUsd' | 'model' | 'requestId'>;

/** Adds up the usage of the requests of one attempt. */
class AttemptUsage {
  #usage: Usage | undefined;
  #costUsd: number | undefined = 0;
  #last: RequestUsage = {};

  add({ usage, costUsd, model, requestId }: RequestUsage): void {
    this.#usage = addUsage(this.#usage, usage);
    if (usage !== undefined) {
      const isKnown = this.#costUsd !== undefined && costUsd !== undefined;
      this.#costUsd = isKnown ? (this.#costUsd as number) + costUsd : undefined;
    }
    this.#last = { usage, model, requestId };
  }

  get last(): Omit<RequestUsage, 'costUsd'> {
    return withoutUndefined(this.#last);
  }

  get total(): RequestUsage {
    const costUsd = this.#usage === undefined ? undefined : this.#costUsd;
    return withoutUndefined({ ...this.#last, usage: this.#usage, costUsd });
  }
}

function isTaskOutput(value: unknown): value is TaskOutput {
  return typeof value === 'object' && value !== null && 'output' in value;
}

function withoutUndefined<T extends object>(fields: T): T {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as T;
}
