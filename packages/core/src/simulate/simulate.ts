import { eitherBudget } from '../contract/budget.js';
import { capOf, checkStrategy } from '../contract/cap.js';
import { checkLimit, checkOptions } from '../contract/check-options.js';
import { OptionError } from '../contract/errors.js';
import type { TaskWaiting } from '../contract/event.js';
import type { EventData } from '../contract/journal.js';
import type { Plan } from '../contract/plan.js';
import { formatProblem, PlanError, type PlanProblem } from '../contract/plan-error.js';
import { inputRecordOf, type TakenInputs, takeInputs } from '../contract/plan-inputs.js';
import { checkReplan, replanLimits } from '../contract/replan.js';
import { checkResources } from '../contract/resource-limit.js';
import { asksModel, type Task } from '../contract/task.js';
import type { ReadCommand, ReplanCommand } from '../kernel/command.js';
import type { RecoverOptions } from '../kernel/options.js';
import { RecoveringKernel } from '../kernel/recovering-kernel.js';
import { readRevision, revisionProblems, withUsage } from '../kernel/revision.js';
import { asData } from '../serialize/task.js';
import { createResult, type PlanResult } from '../state/result.js';
import { Heap } from '../util/heap.js';
import { additionProblems, graphOf } from '../validate/plan.js';
import { checkBudget, checkPrices, checkRetry } from '../validate/settings.js';
import {
  SIMULATE_OPTIONS,
  type SimulatedAnswer,
  type SimulatedAttempt,
  type SimulateOptions,
  type SimulationControls,
} from './options.js';
import type { SimulatedEnd, SimulatedPart, SimulatedRequest } from './server.js';

/**
 * Simulates a run of a plan in virtual time, with the real kernel and without executing tasks. Time
 * starts at 0; the same arguments give exactly the same events.
 *
 * @throws {PlanError} when the plan is invalid.
 * @throws {RangeError} when the run never ends: an attempt or answer is endless, without a limit.
 *
 * @example
 * const { metrics } = simulate(plan, { strategy: parallel({ maxParallel: 8 }) });
 * console.log(`would take ${metrics.executionTimeMs} ms`);
 */
export function simulate<Outputs = Record<string, unknown>>(
  plan: Plan<Outputs>,
  options: SimulateOptions,
): PlanResult<Outputs> {
  checkOptions('simulate()', options, SIMULATE_OPTIONS);
  checkStrategy('simulate()', options.strategy);
  if (options.replan !== undefined) checkReplan('simulate()', options.replan);
  if (options.resources !== undefined) checkResources('simulate()', options.resources);
  checkSettings(options);
  return new Simulation(plan as Plan, options).run() as PlanResult<Outputs>;
}

/** @throws {OptionError} when a policy, a budget or a price is invalid. */
function checkSettings({ retry, budget, prices }: SimulateOptions): void {
  const problems: PlanProblem[] = [];
  if (retry !== undefined) checkRetry(problems, retry, ['retry']);
  if (budget !== undefined) checkBudget(problems, budget, ['budget']);
  if (prices !== undefined) checkPrices(problems, prices, ['prices']);
  const [problem] = problems;
  if (problem !== undefined) throw new OptionError(`simulate(): ${formatProblem(problem)}`);
}

/** The maximum number of calls of `server.advance` without an end of an attempt or a later part. */
const MAX_IDLE_CALLS = 1_000_000;

/**
 * Resumes a simulation from a recorded log after a downtime. Attempts in flight start again, and humans
 * answer when they would have without the downtime.
 */
export function resumeSimulation(
  plan: Plan,
  options: SimulateOptions,
  log: readonly EventData[],
  { downtimeMs = 0, ...recover }: RecoverOptions & { readonly downtimeMs?: number } = {},
): PlanResult {
  return new Simulation(plan, options).resume(log, downtimeMs, recover);
}

/** The values of the inputs; where some are missing, the defaults of the others. */
function simulatedInputs({ inputs: schema }: Plan, { inputs }: SimulateOptions): TakenInputs {
  if (schema === undefined || inputs !== undefined) return takeInputs(schema, inputs);
  const declared = Object.entries(inputRecordOf(schema) ?? {});
  const withDefaults = declared.filter(([, input]) => 'default' in input);
  const defaults = withDefaults.map(([name, input]) => [name, input.default]);
  return { inputs: Object.fromEntries(defaults), secrets: undefined };
}

/** A scheduled callback in virtual time. */
interface Due {
  readonly at: number;
  readonly order: number;
  readonly run: () => void;
}

/** A driver like the in-process one, with a heap of scheduled callbacks instead of timers. */
class Simulation {
  readonly #options: SimulateOptions;
  readonly #plan: Plan;
  readonly #kernel: RecoveringKernel;
  /** Entries of the log before this position have been handled. */
  #seen = 0;
  readonly #due = new Heap<Due>((a, b) => a.at - b.at || a.order - b.order);
  /** The number of the attempt in flight per task; the ends of aborted attempts are ignored. */
  readonly #active = new Map<number, number>();
  /** The requests in flight at the server by task, and the reverse. */
  readonly #requests = new Map<number, SimulatedRequest>();
  readonly #indexes = new Map<SimulatedRequest, number>();
  readonly #resourceOf: (task: Task) => string;
  /** The current round of re-planning; the ends of aborted rounds are ignored. */
  #round = 0;
  #order = 0;
  #now = 0;
  /** Calls of the server since it last made progress; see `MAX_IDLE_CALLS`. */
  #idleCalls = 0;
  /** When the server last reported a part. */
  #partAt = -1;
  #isResumed = false;

  constructor(plan: Plan, options: SimulateOptions) {
    const { strategy, maxParallel, failFast = false, seed = 0, prices = {}, retry } = options;
    const forever = Number.POSITIVE_INFINITY;
    const graph = graphOf(plan, options.maxDepth);
    this.#plan = plan;
    this.#options = options;
    this.#resourceOf = options.resourceOf ?? (() => 'simulation');
    this.#kernel = new RecoveringKernel({
      ...simulatedInputs(plan, options),
      plan: { ...plan, tasks: asData(plan.tasks) },
      graph,
      strategy,
      maxParallel: capOf(strategy, maxParallel),
      resources: options.resources,
      failFast,
      deadlineMs: Math.min(options.deadlineMs ?? forever, plan.deadlineMs ?? forever),
      timeoutMs: options.timeoutMs ?? forever,
      idleTimeoutMs: options.idleTimeoutMs,
      retry,
      budget: eitherBudget(plan.budget, options.budget),
      prices,
      replan: options.replan && replanLimits(options.replan),
      seed,
      resourceOf: this.#resourceOf,
      isAssumed: options.attempt === undefined,
    });
  }

  resume(log: readonly EventData[], downtimeMs: number, recover: RecoverOptions): PlanResult {
    const kernel = this.#kernel;
    const lastAt = log.at(-1)?.timestamp ?? 0;
    this.#now = lastAt + downtimeMs;
    this.#isResumed = true;
    kernel.recover(log, recover);
    const { state } = kernel;
    this.#seen = kernel.log.length;
    for (const [index, { position }] of state.questions) {
      const event = kernel.log.objectAt(position) as TaskWaiting;
      this.#scheduleAnswer(event, index, state.timeOf(position) + downtimeMs);
    }
    const downSince = (at: number) => state.shifted(at) - at;
    // Actions before the crash have already happened.
    return this.run(lastAt - downSince(0));
  }

  /** @param from Actions before this virtual time are skipped. */
  run(from = 0): PlanResult<Record<string, unknown>> {
    const kernel = this.#kernel;
    for (const { atMs, act } of this.#options.actions ?? []) {
      if (atMs < from) continue;
      this.#schedule(atMs + this.#now - from, () => act(this.#controls));
    }
    kernel.start(this.#now);
    this.#runCommands();
    while (!kernel.ended) this.#step();
    return createResult({
      goal: this.#plan.goal,
      strategy: this.#options.strategy.name,
      planOutputs: this.#plan.outputs,
      state: kernel.state,
    });
  }

  /** Advances to the next time at which something is due. */
  #step(): void {
    const next = this.#due.peek();
    const { server } = this.#options;
    const nextEnd = server?.nextAt ?? Number.POSITIVE_INFINITY;
    const at = Math.min(next?.at ?? Number.POSITIVE_INFINITY, nextEnd, this.#kernel.nextWake);
    if (at === Number.POSITIVE_INFINITY) {
      throw new RangeError(
        'the simulation never ends: an attempt or an answer is endless and has no time limit',
      );
    }
    this.#now = Math.max(this.#now, at);
    if (next !== undefined && next.at <= at) this.#due.pop()?.run();
    else if (nextEnd <= at) this.#applyReport(server?.advance(this.#now));
    else this.#kernel.wake(this.#now);
    this.#runCommands();
  }

  /** Applies what the server reported about an attempt. */
  #applyReport(report: SimulatedEnd | SimulatedPart | undefined): void {
    if (this.#isProgress(report)) this.#idleCalls = 0;
    else if (++this.#idleCalls > MAX_IDLE_CALLS) {
      throw new RangeError('the server makes no progress and asks to be called forever');
    }
    if (report === undefined) return;
    const { request, ...outcome } = report;
    const index = this.#indexes.get(request);
    if (index === undefined) {
      const { id } = request.task;
      const action = 'part' in outcome ? 'reported a part of' : 'ended';
      throw new TypeError(`the server ${action} an attempt at "${id}" that is not in flight`);
    }
    if ('part' in outcome) {
      this.#kernel.output(index, request.attempt, outcome.part, this.#now);
      return;
    }
    this.#removeRequest(index, request);
    this.#end(index, request.attempt, outcome);
  }

  /** Whether a report ends an attempt, or has a later time than the last part. */
  #isProgress(report: SimulatedEnd | SimulatedPart | undefined): boolean {
    if (report === undefined || !('part' in report)) return report !== undefined;
    const isLater = this.#now > this.#partAt;
    this.#partAt = this.#now;
    return isLater;
  }

  #removeRequest(index: number, request: SimulatedRequest): void {
    this.#requests.delete(index);
    this.#indexes.delete(request);
  }

  #schedule(at: number, run: () => void): void {
    this.#due.push({ at, order: this.#order++, run });
  }

  /** Executes the commands of the kernel, and schedules the answers of humans. */
  #runCommands(): void {
    const { commands, log } = this.#kernel;
    for (; this.#seen < log.length; this.#seen++) {
      if (log.typeAt(this.#seen) !== 'task_waiting') continue;
      this.#scheduleAnswer(
        log.objectAt(this.#seen) as TaskWaiting,
        log.indexAt(this.#seen),
        this.#now,
      );
    }
    for (const command of commands.splice(0)) {
      if (command.type === 'abort') this.#abort(command.index);
      else if (command.type === 'abort_replan') this.#round = 0;
      else if (command.type === 'replan') this.#replan(command);
      else if (command.type === 'read') this.#read(command);
      else this.#start(command.index, command.attempt);
    }
  }

  #abort(index: number): void {
    this.#active.delete(index);
    const request = this.#requests.get(index);
    if (request === undefined) return;
    this.#removeRequest(index, request);
    this.#options.server?.abort(request, this.#now);
  }

  #start(index: number, number: number): void {
    const kernel = this.#kernel;
    const task = kernel.graph.tasks[index] as Task;
    const { server } = this.#options;
    if (server !== undefined && asksModel(task)) {
      const request = { task, attempt: number, resource: this.#resourceOf(task) };
      this.#requests.set(index, request);
      this.#indexes.set(request, index);
      server.start(request, this.#now);
      return;
    }
    const outcome = (this.#options.attempt ?? estimated)(task, number, kernel.inputsOf(index));
    this.#active.set(index, number);
    for (const { afterMs, part } of outcome.parts ?? []) {
      this.#schedule(this.#now + afterMs, () => {
        if (this.#active.get(index) === number) kernel.output(index, number, part, this.#now);
      });
    }
    this.#schedule(this.#now + outcome.durationMs, () => {
      const { addTasks, durationMs: _, parts: __, ...end } = outcome;
      if (this.#active.get(index) !== number) return;
      if (addTasks !== undefined) {
        this.#add(addTasks, index, number);
        this.#runCommands();
        // The added tasks may have failed at once and aborted this attempt.
        if (this.#active.get(index) !== number) return;
      }
      this.#active.delete(index);
      this.#end(index, number, end);
    });
  }

  #end(index: number, attempt: number, end: Omit<SimulatedEnd, 'request'>): void {
    if ('error' in end) this.#kernel.failed(index, attempt, end.error, this.#now);
    else this.#kernel.completed(index, attempt, { output: undefined, ...end }, this.#now);
  }

  #replan({ situation }: ReplanCommand): void {
    const kernel = this.#kernel;
    const { round, remaining } = situation;
    const { revise } = this.#options.replan as NonNullable<SimulateOptions['replan']>;
    const outcome = revise(situation);
    this.#round = round;
    this.#schedule(this.#now + outcome.durationMs, () => {
      if (this.#round !== round) return;
      this.#round = 0;
      if ('error' in outcome) kernel.replanFailed(round, outcome.error, this.#now);
      else {
        const { durationMs: _, ...given } = outcome;
        const revision = readRevision({ tasks: [], ...given });
        const problems = [
          ...this.#problemsOf(revision.tasks),
          ...revisionProblems(revision, kernel.state, remaining.tasks),
        ];
        if (problems.length === 0) kernel.replanned(round, revision, this.#now);
        else {
          const refusal = withUsage(new PlanError(problems), revision);
          kernel.replanFailed(round, refusal, this.#now);
        }
      }
    });
  }

  #read({ index, skip, count }: ReadCommand): void {
    const kernel = this.#kernel;
    const task = kernel.graph.tasks[index] as Task;
    const { read } = this.#options;
    if (read === undefined) {
      const why = `task "${task.id}" runs for each item of a stream; give read`;
      throw new OptionError(`simulate(): ${why}, or fill the plan with fillEstimates()`);
    }
    const outcome = read(task, skip, count);
    const { durationMs, items = [], isEnd = false } = outcome;
    if (items.length === 0 && !isEnd && !('error' in outcome)) {
      const why = 'read must return items, an error or the end of the stream';
      throw new OptionError(`simulate(): ${why}; task "${task.id}" would read forever`);
    }
    this.#schedule(this.#now + durationMs, () => {
      const stream = { hash: String(skip + items.length), isEnd };
      if ('error' in outcome) kernel.readFailed(index, skip, outcome.error, this.#now);
      else kernel.itemsRead(index, skip, items, stream, this.#now);
    });
  }

  #add(given: readonly Task[], by: number, attempt: number): void {
    const { graph } = this.#kernel;
    // An external action at the moment of the crash may be repeated.
    const isPresent = (id: string) =>
      by < 0 && this.#isResumed ? graph.indexOf(id) !== undefined : this.#kernel.hasAdded(by, id);
    const tasks = given.filter(({ id }) => !isPresent(id));
    const problems = this.#problemsOf(tasks);
    if (problems.length > 0) throw new PlanError(problems);
    if (tasks.length > 0) this.#kernel.addTasks(tasks, by, attempt, this.#now);
  }

  #problemsOf(tasks: readonly Task[]): PlanProblem[] {
    const { graph } = this.#kernel;
    const there = {
      isTaken: (id: string) => graph.indexOf(id) !== undefined,
      isOpenFanOut: (id: string, item: number) => this.#kernel.isOpenFanOut(id, item),
      isOpenLoop: (id: string, iteration: number) => this.#kernel.isOpenLoop(id, iteration),
      planInputs: this.#plan.inputs,
    };
    return additionProblems(tasks, there, this.#options.maxDepth);
  }

  #scheduleAnswer({ question }: TaskWaiting, index: number, askedAt: number): void {
    const kernel = this.#kernel;
    const task = kernel.graph.tasks[index] as Task;
    const { afterMs, answer } = (this.#options.answer ?? approving)(task, question);
    this.#schedule(Math.max(this.#now, askedAt + afterMs), () => {
      if (kernel.isWaiting(index)) kernel.answered(index, answer, this.#now);
    });
  }

  get #controls(): SimulationControls {
    const kernel = this.#kernel;
    return {
      cancel: (reason) => kernel.cancel(reason, this.#now),
      cancelTask: (taskId, reason) => {
        kernel.cancelTask(kernel.graph.indexOf(taskId) ?? -1, reason, this.#now);
      },
      skipTask: (taskId, reason) => {
        kernel.skipTask(kernel.graph.indexOf(taskId) ?? -1, reason, this.#now);
      },
      pause: () => kernel.pause(this.#now),
      resume: () => kernel.resume(this.#now),
      setMaxParallel: (maxParallel) => {
        checkLimit('setMaxParallel()', 'maxParallel', maxParallel);
        kernel.setMaxParallel(maxParallel, this.#now);
      },
      addTasks: (tasks) => this.#add(tasks, -1, 0),
    };
  }
}

function estimated(task: Task): SimulatedAttempt {
  return { durationMs: task.estimate?.durationMs ?? 1_000 };
}

function approving({ waitFor, estimate }: Task): SimulatedAnswer {
  const kind = typeof waitFor === 'object' ? waitFor.kind : waitFor;
  return {
    afterMs: estimate?.durationMs ?? 0,
    answer: kind === 'approval' ? true : undefined,
  };
}
