import { RunnerError } from '../contract/errors.js';
import type { Inputs } from '../state/inputs.js';

/** The inputs of a fan-out, some of whose dependencies were not chosen. */
interface WatchedInputs {
  readonly inputs: Inputs;
  /** Whether an input was read that was not chosen. */
  wasUnchosenRead: boolean;
}

/** Watches whether the list of a fan-out comes from a task that was not chosen. */
export function watchUnchosen(inputs: Inputs, names: readonly string[]): WatchedInputs {
  const unchosen = names.filter((name) => !Object.hasOwn(inputs, name));
  const watched = { inputs, wasUnchosenRead: false };
  if (unchosen.length === 0) return watched;
  watched.inputs = withGetters(inputs, unchosen, () => {
    watched.wasUnchosenRead = true;
  });
  return watched;
}

/** The inputs of the condition of a fan-out, which is checked once: there is no item yet. */
export function withoutItem(inputs: Inputs): Inputs {
  const names = ['item', 'index'].filter((name) => !Object.hasOwn(inputs, name));
  return withGetters(inputs, names, () => {
    const message =
      'the when of a fan-out is checked once, before it has items; put the condition on a subtask';
    throw new RunnerError('invalid_input', message);
  });
}

function withGetters(inputs: Inputs, names: readonly string[], get: () => undefined): Inputs {
  const copy = Object.assign(Object.create(null), inputs);
  for (const name of names) Object.defineProperty(copy, name, { get });
  return copy;
}
