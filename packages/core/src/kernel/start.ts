import type { Task } from '../contract/task.js';
import type { Machine } from './machine.js';
import { LiveRunView } from './run-view.js';
import { runStep } from './step.js';

/** Begins the run, or resumes a recovered one. */
export function startRun(machine: Machine): void {
  const { options, state, strategy, recovery } = machine;
  recordStart(machine);
  machine.tell({
    type: 'strategy_initialized',
    strategy: options.strategy.name,
    maxParallel: orNull(machine.maxParallelAtStart),
  });
  runStep(machine, () => {
    strategy.begin(runView(machine));
    if (machine.startsPaused !== state.isPaused) {
      machine.tell({ type: machine.startsPaused ? 'run_paused' : 'run_unpaused' });
    }
    if (recovery === undefined) return;
    recovery.resume();
    // From now on; until here, tasks that had been unblocked before were looked for.
    state.waits.unblocked = machine.unblocked;
  });
}

/** Says that the run starts, or is resumed. */
export function recordStart(machine: Machine): void {
  const { recovery, state, options } = machine;
  const { plan, seed, resources, inputs, trace } = options;
  // Readers of the log need the caps to say why a task waited.
  const { limits = resources && { resources } } = options;
  if (recovery !== undefined) {
    machine.recovery = undefined;
    recovery.record();
  } else {
    state.waits.unblocked = machine.unblocked;
    const given = { ...(inputs && { inputs }), ...(limits && { limits }), ...(trace && { trace }) };
    machine.tell({ type: 'run_started', plan, seed, ...given });
  }
  machine.deadline = state.limitsSince + options.deadlineMs;
}

function runView(machine: Machine): LiveRunView {
  return new LiveRunView(machine.graph, machine.state, {
    now: () => machine.now,
    ready: () => machine.strategy.readyCount,
    cappedResources: machine.places?.capped ?? new Set(),
    isOver: () => machine.hasEnded || machine.options.isLeft?.() === true,
    serverOf: (index) => machine.options.serverOf?.(machine.graph.tasks[index] as Task),
    isFull: (resource) => machine.places?.isFull(resource) ?? false,
    report: (change) => {
      machine.tell({ type: 'strategy_switched', ...machine.strategy.accept(change) });
    },
  });
}

/** JSON has no infinity. */
export function orNull(limit: number): number | null {
  return Number.isFinite(limit) ? limit : null;
}
