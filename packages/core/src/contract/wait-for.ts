/**
 * What a human step waits for. An `approval` is given or refused: given, the task's output is
 * `true`; refused, the task has failed. An `answer` is any value, checked by the task's
 * `outputSchema` when it has one.
 */
export type WaitFor =
  | WaitKind
  | {
      readonly kind: WaitKind;
      /** How long to wait, in milliseconds; then `default` counts, or the task has failed. */
      readonly timeoutMs?: number;
      /** The answer when none came in time; for an approval, true or false. */
      readonly default?: unknown;
    };

export type WaitKind = 'approval' | 'answer';

export const WAIT_KINDS: readonly WaitKind[] = ['approval', 'answer'];

export function waitOf(waitFor: WaitFor): Exclude<WaitFor, string> {
  return typeof waitFor === 'string' ? { kind: waitFor } : waitFor;
}
