/**
 * What a human step waits for. An approved `approval` has the output `true`, and a rejected one fails
 * the task. An `answer` is any value; the task's `outputSchema` validates it.
 */
export type WaitFor =
  | WaitKind
  | {
      /** `'approval'` waits for yes or no, `'answer'` for a value. */
      readonly kind: WaitKind;
      /** How long to wait, in milliseconds; then the answer is `default`, or the task fails. */
      readonly timeoutMs?: number | undefined;
      /** The answer after the timeout; for an approval, true or false. */
      readonly default?: unknown | undefined;
    };

export type WaitKind = 'approval' | 'answer';

export const WAIT_KINDS: readonly WaitKind[] = ['approval', 'answer'];

export function waitOf(waitFor: WaitFor): Exclude<WaitFor, string> {
  return typeof waitFor === 'string' ? { kind: waitFor } : waitFor;
}
