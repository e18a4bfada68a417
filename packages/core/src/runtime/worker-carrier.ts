import type { TaskOptions } from '../contract/call-options.js';
import type { AttemptCall, AttemptCarrier, Tell } from '../contract/carrier.js';
import { NO_CODECS, type ValueCodec } from '../contract/codec.js';
import type { CommandRunner } from '../contract/command-runner.js';
import { checkInstrumentation, type Instrumentation } from '../contract/instrumentation.js';
import type { Plan } from '../contract/plan.js';
import type { TaskRunner } from '../contract/runner.js';
import type { Task } from '../contract/task.js';
import type { Tool } from '../contract/tool.js';
import type { ApprovalDecision } from '../contract/tool-approval.js';
import { Graph } from '../graph/graph.js';
import { ProcessCarrier } from './process-carrier.js';
import { Runners } from './runners.js';
import { Toolbox } from './tool-registry.js';
import { WireAttempt } from './wire-attempt.js';

export interface WorkerCarrierOptions {
  /** Answers requests. */
  readonly runner?: TaskRunner | undefined;
  /** Runners by name, as in the options of the executor. */
  readonly runners?: Readonly<Record<string, TaskRunner>> | undefined;
  /** Tools that requests and tool steps may name. */
  readonly tools?: readonly Tool[] | undefined;
  /** Runs the commands of tasks; without it, the worker runs none. */
  readonly commands?: CommandRunner | undefined;
  /** Plans whose functions and output schemas this worker has, found by their goal. */
  readonly plans?: readonly Plan[] | undefined;
  /** As in the options of the executor. */
  readonly codecs?: readonly ValueCodec[] | undefined;
  /** As in the options of the executor: what attempts do here belongs to the trace of their run. */
  readonly instrumentation?: Instrumentation | undefined;
}

/**
 * Carries out calls that came over a wire, in this process: the worker's end of a queue.
 *
 * @example
 * const carrier = workerCarrier({ runner: openai(), plans: [nightly] });
 * queue.process((job) => new Promise((done) => {
 *   carrier.start(job.data, (report) => {
 *     job.report(encodeReport(report));
 *     if (report.type === 'completed' || report.type === 'failed') done();
 *     return undefined;
 *   });
 * }));
 */
export function workerCarrier(options: WorkerCarrierOptions): AttemptCarrier {
  const { runner, runners, tools = [], commands, plans = [], codecs = NO_CODECS } = options;
  const { instrumentation } = options;
  if (instrumentation !== undefined) checkInstrumentation('workerCarrier()', instrumentation);
  const graphs = new Map(plans.map(({ goal, tasks }) => [goal, new Graph(tasks)]));
  const taskOf = ({ taskId, work }: AttemptCall): Task => {
    switch (work.kind) {
      case 'function':
        return taskIn(graphs.get(work.plan), work.plan, taskId);
      case 'tool':
        return { id: taskId, tool: work.tool };
      case 'command':
        return { id: taskId, command: work.command };
    }
    const { options } = Object(work.request) as { readonly options?: TaskOptions };
    return { id: taskId, tools: work.tools, model: options?.model };
  };
  const toolbox = new Toolbox(tools, commands);
  const worker = new ProcessCarrier(new Runners(runner, runners), toolbox, instrumentation);
  return new WorkerCarrier(
    worker,
    (call) => new WireAttempt(call, taskOf(call), codecs, instrumentation),
  );
}

/** Carries out calls that came over a wire. */
class WorkerCarrier implements AttemptCarrier {
  readonly name = 'process';
  readonly #worker: ProcessCarrier;
  readonly #attemptOf: (call: AttemptCall) => WireAttempt;
  /** The attempts in flight, by their key. */
  readonly #active = new Map<string, WireAttempt>();

  constructor(worker: ProcessCarrier, attemptOf: (call: AttemptCall) => WireAttempt) {
    this.#worker = worker;
    this.#attemptOf = attemptOf;
  }

  start(call: AttemptCall, tell: Tell): void {
    const { key } = call;
    const known = this.#active.get(key);
    let attempt: WireAttempt;
    try {
      attempt = known ?? this.#attemptOf(call);
    } catch (error) {
      tell({ type: 'failed', error });
      return;
    }
    attempt.tell = (report) => {
      const hasEnded = report.type === 'completed' || report.type === 'failed';
      if (hasEnded) this.#active.delete(key);
      return tell(report);
    };
    // A call of an attempt in flight attaches to it.
    if (known !== undefined) return;
    this.#active.set(key, attempt);
    this.#worker.run(attempt);
  }

  cancel(key: string, reason: unknown): void {
    const attempt = this.#active.get(key);
    if (attempt === undefined) return;
    this.#active.delete(key);
    this.#worker.abort(attempt, reason);
  }

  decide(key: string, callKey: string, decision: ApprovalDecision): void {
    this.#active.get(key)?.decide(callKey, decision);
  }

  /** An attempt cannot outlive the run in the same process: it is stopped as well. */
  detach(key: string): void {
    this.cancel(key, new Error('the run was given up by this process'));
  }

  async alive(keys: readonly string[]): Promise<ReadonlySet<string>> {
    return new Set(keys.filter((key) => this.#active.has(key)));
  }

  close(): void {
    const reason = new Error('the carrier was closed');
    for (const key of [...this.#active.keys()]) this.cancel(key, reason);
  }
}

function taskIn(graph: Graph | undefined, plan: string, taskId: string): Task {
  const index = graph?.indexOf(taskId);
  const task = index === undefined ? undefined : graph?.tasks[index];
  if (task?.run !== undefined) return task;
  const what = graph === undefined ? 'has no plan of that goal' : 'has no function for it there';
  throw new Error(`Task "${taskId}" of the plan "${plan}" cannot run here: this worker ${what}`);
}
