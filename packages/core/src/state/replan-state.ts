import type { RunEvent } from '../contract/event.js';

/** What a log says about the rounds of re-planning so far. */
export class ReplanState {
  /** Rounds that have begun. */
  rounds = 0;
  /** Tasks that they have added, subtasks included. */
  tasks = 0;
  /** When the round under way began; undefined when there is none. */
  since: number | undefined;
  /** Ids of the failed tasks that this round is about. */
  failed: readonly string[] = [];
  /** Of those, the ones that its tasks make up for, until these are in the plan. */
  replaces: readonly string[] = [];
  /** Why there will not be another round, when the last one settled that. */
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
        if (event.tasks === 0) this.over = 'the last round of re-planning added nothing';
        break;
      case 'replan_failed':
        this.since = undefined;
        this.over = event.error.message;
        break;
      case 'run_resumed':
        // A round in flight begins again.
        if (this.since !== undefined) this.since = event.timestamp;
        if (event.retried !== undefined) this.over = undefined;
        break;
    }
  }
}
