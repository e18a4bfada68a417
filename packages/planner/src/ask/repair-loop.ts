import {
  type RunContext,
  RunnerError,
  resourceOf,
  type TaskOutput,
  type TaskRequest,
  type TaskRunner,
  type Usage,
} from '@stratagem/core';
import { addUsage } from '@stratagem/core/provider';
import { type AnswerProblem, formatAnswerProblem } from '../read/answer-problem.js';
import { answerText, type PlanReading } from '../read/read-plan.js';
import { correctionPrompt } from './planner-prompt.js';

/** An answer that could not be used, and why. */
export interface RejectedAnswer {
  /** As the model gave it; undefined when it was cut off at a token limit and is not known. */
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
      message: 'the answer was cut off at the token limit; answer with a plan that is shorter',
    },
  ],
};

/**
 * Asks a model for a plan until its answer can be used, or has been sent back as often as it may be.
 * It goes on where it was when an attempt is repeated after a passing error.
 */
export class Dialogue {
  readonly rejected: RejectedAnswer[] = [];
  /** What was read from the answer that could be used. */
  accepted: PlanReading | undefined;
  readonly #read: (answer: unknown) => PlanReading;
  readonly #repairAttempts: number;

  constructor(read: (answer: unknown) => PlanReading, repairAttempts: number) {
    this.#read = read;
    this.#repairAttempts = repairAttempts;
  }

  /** The runner with the dialogue around it: each attempt brings a plan, or why there is none. */
  with(runner: TaskRunner): TaskRunner {
    return {
      // Not by spreading: what a class has in its prototype is no field of its own.
      name: runner.name,
      resource: (task) => resourceOf(runner, task),
      ...(runner.settings !== undefined && { settings: runner.settings }),
      ...(runner.supportsTools !== undefined && { supportsTools: runner.supportsTools }),
      run: (request, context) => this.#hold(runner, request, context),
    };
  }

  async #hold(runner: TaskRunner, request: TaskRequest, context: RunContext): Promise<TaskOutput> {
    const spent = new Spent();
    for (let step = 1; ; step++) {
      const answer = await this.#ask(runner, request, context, spent);
      // An attempt that was given up has no say in the next one.
      context.signal.throwIfAborted();
      // What is no answer of a runner is for the executor to refuse.
      if (answer !== 'cut off' && !isAnswer(answer)) return answer;
      const { text, reading } = this.#understand(answer);
      const isUsable = reading.problems.length === 0;
      if (step > 1 || !isUsable) await context.emit({ kind: 'step', step, ...spent.last });
      if (isUsable) {
        this.accepted = reading;
        const { rateLimits } = answer as TaskOutput;
        const output = { tasks: reading.tasks };
        return { output, ...(rateLimits && { rateLimits }), ...spent.total };
      }
      const { problems } = reading;
      this.rejected.push({ answer: text, problems });
      if (this.rejected.length > this.#repairAttempts) throw this.#givingUp(problems, spent);
      const list = problems.map(formatAnswerProblem).join('; ');
      const message = `The answer was sent back to the model: ${list}`;
      await context.emit({ kind: 'notice', source: 'planner', message, code: 'invalid_output' });
    }
  }

  #understand(answer: TaskOutput | 'cut off') {
    if (answer === 'cut off') return { text: undefined, reading: CUT_OFF };
    return { text: answerText(answer.output), reading: this.#read(answer.output) };
  }

  /** One request, whose answer may be cut off at a token limit. */
  async #ask(
    runner: TaskRunner,
    request: TaskRequest,
    context: RunContext,
    spent: Spent,
  ): Promise<TaskOutput | 'cut off'> {
    try {
      const answer = await runner.run(this.#requestFor(request), context);
      if (isAnswer(answer)) spent.add(answer);
      return answer;
    } catch (thrown) {
      if (!(thrown instanceof RunnerError)) throw thrown;
      const { usage, costUsd, model, requestId } = thrown;
      spent.add({ usage, costUsd, model, requestId });
      if (thrown.code === 'truncated') return 'cut off';
      throw Object.assign(thrown, spent.total);
    }
  }

  /** The checks of answers are ours, so that an answer is sent back as often as was said. */
  #requestFor({ check: _, ...request }: TaskRequest): TaskRequest {
    const last = this.rejected.at(-1);
    if (last === undefined) return request;
    const { prompt, plainPrompt } = request;
    const corrected = correctionPrompt(plainPrompt, last.answer, last.problems);
    return {
      ...request,
      plainPrompt: corrected,
      prompt: corrected + prompt.slice(plainPrompt.length),
    };
  }

  #givingUp(problems: readonly AnswerProblem[], spent: Spent): RunnerError {
    const count = this.rejected.length;
    const answers =
      count === 1 ? 'the answer of the model' : `none of ${count} answers of the model`;
    const what = count === 1 ? 'cannot be used as a plan' : 'can be used as a plan; the last';
    const list = problems.map((problem) => `\n  - ${formatAnswerProblem(problem)}`).join('');
    return new RunnerError('invalid_output', `${answers} ${what}:${list}`, spent.total);
  }
}

type Bill = Pick<TaskOutput, 'usage' | 'costUsd' | 'model' | 'requestId'>;

/** What the requests of one attempt used. */
class Spent {
  #usage: Usage | undefined;
  #costUsd: number | undefined = 0;
  #last: Bill = {};

  add({ usage, costUsd, model, requestId }: Bill): void {
    this.#usage = addUsage(this.#usage, usage);
    if (usage !== undefined) {
      const known = this.#costUsd !== undefined && costUsd !== undefined;
      this.#costUsd = known ? (this.#costUsd as number) + costUsd : undefined;
    }
    this.#last = { usage, model, requestId };
  }

  /** Of the last request alone. */
  get last(): Omit<Bill, 'costUsd'> {
    return withoutUndefined(this.#last);
  }

  get total(): Bill {
    const costUsd = this.#usage === undefined ? undefined : this.#costUsd;
    return withoutUndefined({ ...this.#last, usage: this.#usage, costUsd });
  }
}

function isAnswer(value: unknown): value is TaskOutput {
  return typeof value === 'object' && value !== null && 'output' in value;
}

function withoutUndefined<T extends object>(fields: T): T {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as T;
}
