import type { Budget } from '../contract/budget.js';
import type { ValueCodec } from '../contract/codec.js';
import type { RunLimits } from '../contract/event.js';
import type { Plan } from '../contract/plan.js';
import type { InputValues } from '../contract/plan-inputs.js';
import type { PriceTable } from '../contract/price.js';
import type { ReplanLimits } from '../contract/replan.js';
import type { ResourceLimits } from '../contract/resource-limit.js';
import type { RetryPolicy } from '../contract/retry.js';
import type { SecretTexts } from '../contract/secret-texts.js';
import type { Strategy } from '../contract/strategy.js';
import type { TraceContext } from '../contract/surround.js';
import type { Task } from '../contract/task.js';
import type { Graph } from '../graph/graph.js';
import type { Loan } from './places.js';

/** What the kernel is to run, and the limits it enforces. */
export interface KernelOptions {
  readonly plan: Plan;
  /** The graph of that plan; it grows with the run. */
  readonly graph: Graph;
  readonly strategy: Strategy;
  /** The most attempts in flight at once. */
  readonly maxParallel: number;
  /** Stop everything at the first failed task. */
  readonly failFast: boolean;
  /** The longest the run may take, in milliseconds; Infinity for no limit. */
  readonly deadlineMs: number;
  /** The longest an attempt may take when neither its task nor the plan says; Infinity for no limit. */
  readonly timeoutMs: number;
  /**
   * The longest that an attempt of a runner may go without output, when neither its task nor the plan
   * says; undefined for no limit.
   */
  readonly idleTimeoutMs?: number | undefined;
  /** How attempts are repeated when neither the task nor the plan says. */
  readonly retry: RetryPolicy | undefined;
  readonly budget: Budget | undefined;
  readonly prices: PriceTable;
  /** How far the plan may be revised while it runs; undefined for not at all. */
  readonly replan: Required<ReplanLimits> | undefined;
  /** What the waits between attempts are drawn with. */
  readonly seed: number;
  /** What an attempt at a task competes for; see `TaskView.resource`. */
  readonly resourceOf: (task: Task) => string;
  /**
   * What `resourceOf` says of every task that asks a model and names none, where it is the same for all:
   * then nobody asks it about them.
   */
  readonly usualResource?: string | undefined;
  /** See `RunView.serverOf`. Left out, or where it returns undefined, the run shares no server. */
  readonly serverOf?: ((task: Task) => object | undefined) | undefined;
  /** Whether the driver no longer carries out the run, although it has not ended. */
  readonly isLeft?: (() => boolean) | undefined;
  /** Caps of the resources that attempts compete for. */
  readonly resources?: ResourceLimits | undefined;
  /**
   * What the run is lent at first, when it shares places with other runs; later, `lend` says. Left out
   * for a run that shares nothing.
   */
  readonly loan?: Loan | undefined;
  /** The values of the plan's inputs that may be recorded. */
  readonly inputs?: InputValues | undefined;
  /** The values of its secret inputs. */
  readonly secrets?: InputValues | undefined;
  /** Keeps those values out of errors, questions and the items of fan-outs. */
  readonly secretTexts?: SecretTexts | undefined;
  /**
   * Whether outputs are only assumed, as in a simulation: the inputs of modules are not checked then.
   * @default false
   */
  readonly isAssumed?: boolean | undefined;
  /** The trace that the run belongs to, which `run_started` records. */
  readonly trace?: TraceContext | undefined;
  /** What `run_started` says about the limits of the run. */
  readonly limits?: RunLimits | undefined;
  /** Whether `tasks_added` has the items of every fan-out, not only those that a function returned. */
  readonly recordsItems?: boolean | undefined;
  /** Throws when the items of a fan-out cannot be recorded. */
  readonly requireStorable?: ((items: readonly unknown[]) => void) | undefined;
  /**
   * Whether the items of streams are forgotten with their tasks, also in the log.
   * @default false
   */
  readonly forgetsItems?: boolean | undefined;
  /** How instances of classes in outputs are copied. */
  readonly codecs?: readonly ValueCodec[] | undefined;
  /**
   * Whether a started attempt begins later, and the driver says when with `begun`: it may wait in a
   * queue first. Timeouts and durations count from then on.
   * @default false
   */
  readonly beginsLater?: boolean | undefined;
  /**
   * Called when every task has settled, before the run ends for want of others: a listener of the
   * last event may still announce tasks with `expectTasks`.
   */
  readonly onSettled?: (() => void) | undefined;
}

/** How a recorded run is resumed. */
export interface RecoverOptions {
  /** Re-run failed tasks, and the tasks that were skipped or canceled for them. */
  readonly retryFailed?: boolean | undefined;
  /** By id, tasks that were added while it ran and whose functions or schemas no log can keep. */
  readonly added?: ReadonlyMap<string, Task> | undefined;
  /** Whether a carrier still works on an attempt, which then is not started again. */
  readonly isAlive?: ((taskId: string, attempt: number) => boolean) | undefined;
}
