import type { RunEvent } from '../src/contract/event.js';
import type { EventData } from '../src/contract/journal.js';
import type { Plan } from '../src/contract/plan.js';
import { Graph } from '../src/graph/graph.js';
import { encodeEvent } from '../src/serialize/event.js';
import { toData } from '../src/serialize/value.js';
import { RunState } from '../src/state/run-state.js';

/** A log as a journal would return it. */
export function recorded(plan: Plan, timeline: readonly RunEvent[]): EventData[] {
  const state = new RunState(new Graph(plan.tasks));
  const options = {
    graph: state.graph,
    outputOf: ({ output }: { output: unknown }) => toData(output),
  };
  return timeline.map((event) => {
    const { taskId } = event as { taskId?: string };
    const index = taskId === undefined ? -1 : (state.graph.indexOf(taskId) as number);
    const data = encodeEvent(event, index, options);
    state.apply(event);
    return JSON.parse(JSON.stringify(data)) as EventData;
  });
}
