import { RunState } from '../state/run-state.js';
import { Attempts } from './attempts.js';
import { BudgetKeeper } from './budget.js';
import type { Command } from './command.js';
import { Openings } from './control-flow.js';
import { HumanSteps } from './human-input.js';
import type { KernelParts } from './kernel-parts.js';
import type { KernelOptions } from './options.js';
import { type Emit, Recorder } from './recorder.js';
import { Starts } from './scheduling.js';
import { Settling } from './settling.js';
import { RunEnd } from './termination.js';
import { Timers } from './timers.js';

/** All parts of a kernel. */
export interface AssembledParts extends KernelParts {
  readonly end: RunEnd;
  readonly attempts: Attempts;
  readonly starts: Starts;
  readonly settling: Settling;
  readonly humanSteps: HumanSteps;
  readonly openings: Openings;
}

/**
 * Puts the parts of a kernel together.
 *
 * @param commands Where they put the work for the driver.
 * @param ended Called when the plan has ended.
 */
export function assemble(
  options: KernelOptions,
  emit: Emit,
  commands: Command[],
  ended: () => void,
): AssembledParts {
  const { graph, budget } = options;
  const state = new RunState(graph);
  const parts: KernelParts = {
    options,
    graph,
    state,
    record: new Recorder(graph, state, emit),
    budget: budget && new BudgetKeeper(budget, state.spending),
    timers: new Timers(),
    // A fraction makes it an array of doubles from the start.
    readyAt: new Array(graph.size).fill(0.5),
    commands,
  };
  // They know each other in a circle: what follows from an end reaches those that come after it.
  const end = new RunEnd(parts, {
    forgetWaiting() {
      starts.clear();
      humanSteps.clear();
      settling.clear();
    },
    ended,
  });
  const attempts = new Attempts(parts, end);
  const starts = new Starts(parts, attempts, end);
  const settling = new Settling(parts, end, starts, {
    open: (index, now) => openings.open(index, now),
    finishGroup: (index, now) => openings.finishGroup(index, now),
  });
  const humanSteps = new HumanSteps(parts, settling);
  const openings: Openings = new Openings(parts, { end, settling, starts, humanSteps });
  return { ...parts, end, attempts, starts, settling, humanSteps, openings };
}
