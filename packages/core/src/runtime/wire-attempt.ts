import type {
  AttemptCall,
  AttemptWork,
  FunctionWork,
  RequestWork,
  Tell,
  ToolWork,
} from '../contract/carrier.js';
import type { ValueCodec } from '../contract/codec.js';
import { type Instrumentation, surroundingOf } from '../contract/instrumentation.js';
import { partOf } from '../contract/output-part.js';
import { NO_FAILURES, type TaskFailure } from '../contract/run-after.js';
import type { RunContext } from '../contract/run-context.js';
import type { AttemptResult, TaskRequest, TaskRunner } from '../contract/runner.js';
import type { Surround, TraceContext } from '../contract/surround.js';
import type { Task } from '../contract/task.js';
import type { RecordedToolResult, RequestTool } from '../contract/tool.js';
import type { ApprovalDecision, ApprovalRequest } from '../contract/tool-approval.js';
import { misfitOf } from '../contract/validate-output.js';
import { fromData } from '../serialize/value.js';
import type { Inputs } from '../state/inputs.js';
import type { Step } from '../state/step.js';
import { ApprovalWaits } from './approval-waits.js';
import type { ResultHost } from './attempt.js';

/** The result travels as a report like any other. */
const HOST: ResultHost = {
  complete({ tell }: WireAttempt, result: AttemptResult): void {
    tell({ type: 'completed', result });
  },
};

/** A call that came over a wire, as the context that its runner or function sees. */
export class WireAttempt implements RunContext {
  readonly runId: string;
  readonly taskId: string;
  readonly priority: number;
  readonly criticalPath: number;
  readonly attempt: number;
  readonly key: string;
  readonly attemptsLeft: number;
  readonly failures: readonly TaskFailure[];
  readonly wantsText: boolean;
  readonly resource: string;
  readonly trace: TraceContext | undefined;
  /** Values of secret inputs may be in the work, and are not known here. */
  readonly hasSecrets: boolean;
  readonly hide = undefined;
  readonly surround: Surround | undefined;
  readonly task: Task;
  isAwaited = false;
  runner: TaskRunner | undefined = undefined;
  tell!: Tell;

  /** When it must be over, by the clock of this process that nobody sets. */
  readonly #deadline: number | undefined;
  readonly #work: AttemptWork;
  readonly #toolResults: readonly RecordedToolResult[];
  readonly #codecs: readonly ValueCodec[];
  readonly #controller = new AbortController();
  readonly #waits = new ApprovalWaits();

  /** @param task The task of the plan, for its function and its output schema. */
  constructor(
    call: AttemptCall,
    task: Task,
    codecs: readonly ValueCodec[],
    instrumentation?: Instrumentation,
  ) {
    const { timeLimitMs } = call;
    this.runId = call.runId;
    this.taskId = call.taskId;
    this.priority = call.priority;
    this.criticalPath = call.criticalPath;
    this.attempt = call.attempt;
    this.key = call.key;
    this.attemptsLeft = call.attemptsLeft;
    this.failures = call.failures ?? NO_FAILURES;
    this.#deadline = timeLimitMs === undefined ? undefined : performance.now() + timeLimitMs;
    this.wantsText = call.wantsText ?? true;
    this.resource = call.resource;
    this.trace = call.trace;
    this.hasSecrets = call.hasSecrets ?? false;
    this.surround = surroundingOf(instrumentation, this);
    this.task = task;
    this.#work = call.work;
    this.#codecs = codecs;
    const { toolResults = [] } = call;
    this.#toolResults = fromData(toolResults, codecs) as readonly RecordedToolResult[];
  }

  get idempotencyKey(): string {
    return this.key;
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  get remainingMs(): number | undefined {
    return this.#deadline && Math.max(0, this.#deadline + this.waitedMs - performance.now());
  }

  get waitedMs(): number {
    return this.#waits.waitedMs(performance.now());
  }

  toolResult(key: string): RecordedToolResult | undefined {
    return this.#toolResults.find((result) => result.key === key);
  }

  /** Asks a human whether the attempt may call a tool. */
  askApproval(request: ApprovalRequest): Promise<ApprovalDecision> {
    const decided = this.#waits.wait(request.key, performance.now());
    this.tell({ type: 'approval', request });
    return decided;
  }

  decide(key: string, decision: ApprovalDecision): void {
    this.#waits.decide(key, decision, performance.now());
  }

  get inputs(): Inputs {
    return fromData((this.#work as FunctionWork).inputs, this.#codecs) as Inputs;
  }

  get step(): Step {
    const work = this.#work;
    if (work.kind === 'command') return work;
    const { tool, args } = work as ToolWork;
    const given = fromData(args, this.#codecs) as Readonly<Record<string, unknown>>;
    return { kind: 'tool', tool, args: given };
  }

  get attachments(): RunContext['attachments'] {
    const { attachments } = this.#work as FunctionWork;
    return attachments === undefined
      ? undefined
      : (fromData(attachments, this.#codecs) as RunContext['attachments']);
  }

  requestWith(tools: readonly RequestTool[]): TaskRequest {
    const request = fromData((this.#work as RequestWork).request, this.#codecs) as TaskRequest;
    const { outputSchema } = this.task;
    return {
      ...request,
      ...(outputSchema && { check: (answer: unknown) => misfitOf(outputSchema, answer) }),
      ...(tools.length > 0 && { tools }),
    };
  }

  readonly emit: RunContext['emit'] = (part) => this.tell({ type: 'output', part: partOf(part) });

  readonly addTasks: RunContext['addTasks'] = (tasks) =>
    void this.tell({ type: 'add_tasks', tasks });

  get host(): ResultHost {
    return HOST;
  }

  abort(reason: unknown): void {
    this.#controller.abort(reason);
  }
}
