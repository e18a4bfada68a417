import { RunnerError } from '../contract/errors.js';
import type { Inputs } from '../state/inputs.js';

/** The inputs of a fan-out, some of whose dependencies have no output. */
interface WatchedInputs {
  inputs: Inputs;
  /** The name of an input without a value that was read. */
  missing: string | undefined;
}

/** Watches whether the list of a fan-out comes from a task that has no output. */
export function watchMissing(inputs: Inputs, names: readonly string[]): WatchedInputs {
  const absent = names.filter((name) => !Object.hasOwn(inputs, name));
  const watched: WatchedInputs = { inputs, missing: undefined };
  if (absent.length === 0) return watched;
  watched.inputs = withGetters(inputs, absent, (name) => {
    watched.missing ??= name;
    return undefined;
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

function withGetters(
  inputs: Inputs,
  names: readonly string[],
  get: (name: string) => undefined,
): Inputs {
  const copy = Object.assign(Object.create(null), inputs);
  for (const name of names) Object.defineProperty(copy, name, { get: () => get(name) });
  return copy;
}
