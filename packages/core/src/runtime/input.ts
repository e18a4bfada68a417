import type { StratagemError } from '../contract/errors.js';
import type { StreamPosition } from '../contract/event.js';
import type { OutputPart } from '../contract/output-part.js';
import type { Revision } from '../contract/replan.js';
import type { AttemptResult } from '../contract/runner.js';
import type { Task } from '../contract/task.js';
import type { ApprovalDecision, ApprovalRequest } from '../contract/tool-approval.js';
import type { Attempt } from './attempt.js';
import type { ReplanRound } from './replan-round.js';

/** An input for the kernel, on its way there. */
export type Input =
  | { readonly type: 'start' | 'wake' | 'turn' }
  | ({ readonly type: 'pause' | 'resume' } & Acknowledged)
  | ({ readonly type: 'maxParallel'; readonly maxParallel: number } & Acknowledged)
  | {
      readonly type: 'addTasks';
      readonly tasks: readonly Task[];
      readonly by: number;
      readonly attempt: number;
    }
  | ({ readonly type: 'answered'; readonly index: number; readonly answer: unknown } & Acknowledged)
  | ({ readonly type: 'rejected'; readonly index: number; readonly reason: unknown } & Acknowledged)
  | {
      readonly type: 'approval';
      readonly attempt: Attempt;
      readonly request: ApprovalRequest;
    }
  | ({
      readonly type: 'decided';
      readonly index: number;
      readonly key: string;
      readonly decision: ApprovalDecision;
    } & Acknowledged)
  | ({
      readonly type: 'cancelTask' | 'skipTask';
      readonly taskId: string;
      readonly reason: unknown;
    } & Acknowledged)
  | ({ readonly type: 'meetCriterion'; readonly name: string } & Acknowledged)
  | { readonly type: 'cancel'; readonly reason: unknown }
  /** This process ends its part in the run, at once or when nothing is in flight any more. */
  | { readonly type: 'interrupt'; readonly isDraining: boolean }
  | { readonly type: 'replanned'; readonly round: ReplanRound; readonly revision: Revision }
  | { readonly type: 'replanFailed'; readonly round: ReplanRound; readonly thrown: unknown }
  | {
      readonly type: 'itemsRead';
      readonly index: number;
      readonly skip: number;
      readonly items: readonly unknown[];
      readonly stream: StreamPosition;
    }
  | {
      readonly type: 'readFailed';
      readonly index: number;
      readonly skip: number;
      readonly thrown: unknown;
    }
  | { readonly type: 'begun'; readonly attempt: Attempt }
  | { readonly type: 'completed'; readonly attempt: Attempt; readonly result: AttemptResult }
  | { readonly type: 'failed'; readonly attempt: Attempt; readonly thrown: unknown }
  | { readonly type: 'output'; readonly attempt: Attempt; readonly part: OutputPart };

/** Somebody waits until the input counts. */
export interface Acknowledged {
  readonly acknowledge: (failure?: StratagemError) => void;
}

/**
 * What the caller did to the run before it began, with the start among it: a run that was paused at
 * once begins paused, and a cancellation or an interruption takes the place of the start. The callers of
 * all other inputs learn then that these have no effect.
 */
export function inOrderOfStart(
  inputs: readonly Input[],
  interruption: { error(): StratagemError },
): Input[] {
  const others = inputs.filter((input) => 'acknowledge' in input);
  const canceled = inputs.find(({ type }) => type === 'cancel');
  if (canceled !== undefined) return [canceled, ...others];
  const interrupted = inputs.find(({ type }) => type === 'interrupt');
  if (interrupted !== undefined) {
    // Nothing was recorded that could still be done when the run is resumed.
    for (const { acknowledge } of others) acknowledge(interruption.error());
    return [interrupted];
  }
  const isSetting = ({ type }: Input) => ['pause', 'resume', 'maxParallel'].includes(type);
  return [
    ...inputs.filter(isSetting),
    { type: 'start' },
    ...inputs.filter((input) => !isSetting(input)),
  ];
}
