import type { RunEvent } from '../contract/event.js';
import type { Graph } from '../graph/graph.js';
import type { Failures } from './failures.js';

/** The rounds of re-planning, folded from the log. */
export class ReplanState {
  /** Number of rounds that have started. */
  rounds = 0;
  /** Number of tasks that they added, including subtasks. */
  tasks = 0;
  /** When the current round started; undefined when there is none. */
  since: number | undefined;
  /** Ids of the failed tasks in the current or last round. */
  failed: readonly string[] = [];
  /** Ids of the failed tasks to replace as soon as the tasks of the round are added. */
  replaces: readonly string[] = [];
  /** Why there is no further round, if the last one ruled it out. */
  over: string | undefined;

  apply(event: RunEvent): void {
    switch (event.type) {
      case 'replan_started':
        this.rounds = event.round;
        this.since = event.timestamp;
        this.failed = event.failedTaskIds;
        break;
      case 'replan_completed':
        this.since = undefined;
        this.replaces = event.tasks === 0 ? [] : event.replaces;
        if (event.tasks === 0) this.over = 'the last round of re-planning added no tasks';
        break;
      case 'replan_failed':
        this.since = undefined;
        this.over = event.error.message;
        break;
      case 'run_resumed':
        // A round in flight starts again.
        if (this.since !== undefined) this.since = event.timestamp;
        if (event.retried !== undefined) this.over = undefined;
        break;
    }
  }

  /**
   * The tasks of the round were added. They replace failures only now that they are there: a log may
   * end before.
   */
  addTasks(graph: Graph, first: number, failures: Failures): void {
    this.tasks += graph.size - first;
    for (const id of this.replaces) failures.replace(graph.indexOf(id) as number, this.rounds);
    this.replaces = [];
  }
}
