import type { Cause, LoopEnd, ModelStatus, ShownStatus } from '../model/run-model.js';

/** The word for each status. */
export const STATUS_WORDS: Readonly<Record<ShownStatus, string>> = {
  completed: 'Completed',
  failed: 'Failed',
  skipped: 'Skipped',
  canceled: 'Canceled',
  running: 'Running',
  waiting: 'Waiting for you',
  retrying: 'Retrying',
  pending: 'Not started',
};

export const RUN_WORDS: Readonly<Record<ModelStatus, string>> = {
  created: 'Not started',
  running: 'Running',
  completed: 'Completed',
  failed: 'Failed',
  canceled: 'Canceled',
  interrupted: 'Interrupted',
  queued: 'Queued',
};

/** What each part of the time was. */
export const CAUSE_WORDS: Readonly<Record<Cause, string>> = {
  run: 'Model and tools',
  cap: 'Waiting for a free slot',
  limit: 'Rate-limit pause',
  retry: 'Failed attempts and backoff',
  human: 'Waiting for a person',
  hold: 'Run paused',
  budget: 'Waiting for budget',
  strategy: 'Held back by the strategy',
  queue: 'Waiting for a worker',
  replan: 'Planning more tasks',
  other: 'Scheduling',
  dep: 'Waiting for dependencies',
};

/** The same on a part of the bar; nothing where the id of the task says more. */
export const CAUSE_LABELS: Readonly<Record<Cause, string>> = {
  run: '',
  cap: 'free slot',
  limit: 'rate limit',
  retry: 'retry',
  human: 'person',
  hold: 'paused',
  budget: 'budget',
  strategy: 'strategy',
  queue: 'worker',
  replan: 'planner',
  other: '',
  dep: 'dependencies',
};

/** In the sentence "and waited 42 s, most of it …". */
export const WAITED_WORDS: Readonly<Record<Cause, string>> = {
  run: '',
  cap: 'for a free slot',
  limit: 'for the rate limit',
  retry: 'because of failed attempts',
  human: 'for a person',
  hold: 'while the run was paused',
  budget: 'for budget',
  strategy: 'because the strategy held back',
  queue: 'for a worker',
  replan: 'for the planner',
  other: 'for scheduling',
  dep: 'for dependencies',
};

/** In the order of the legend. */
export const CAUSES = Object.keys(CAUSE_WORDS).filter((cause) => cause !== 'dep') as Cause[];

/** In the order of the bars: failures are never hidden behind running tasks. */
export const BAR_ORDER: readonly ShownStatus[] = [
  'completed',
  'failed',
  'running',
  'retrying',
  'waiting',
  'skipped',
  'canceled',
];

const REASONS: Readonly<Record<string, string>> = {
  dependency_failed: 'a task it depends on failed',
  condition_false: 'its condition was false',
  fail_fast: 'the run stopped at the first failure',
  goal_achieved: 'the goal was already reached',
  budget_exceeded: 'the budget was used up',
  run_canceled: 'the run was canceled',
  deadline_exceeded: 'the time of the run was over',
  invalid_strategy: 'the strategy broke its contract',
  requested: 'a person asked for it',
  nothing_failed: 'nothing failed that it would repair',
};

/** Why a task was skipped or canceled, in words. */
/** `condition reached after 3 iterations` */
export function loopWords({ ending, iterations }: LoopEnd): string {
  const after = `after ${iterations} ${iterations === 1 ? 'iteration' : 'iterations'}`;
  if (ending === 'failed') return `loop failed ${after}`;
  return `condition ${ending === 'reached' ? 'reached' : 'not reached'} ${after}`;
}

export function reasonWords(reason: string | undefined): string {
  if (reason === undefined) return 'no reason was recorded';
  return REASONS[reason] ?? reason.replaceAll('_', ' ');
}
