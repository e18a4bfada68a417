import type { RunEvent, StratagemError } from '@stratagem/core';

/** An error as it is sent. */
export interface WireError {
  readonly name: string;
  readonly code: string;
  readonly message: string;
  readonly [detail: string]: unknown;
}

/** An event as a client gets it: the same, with errors as plain data and without functions. */
export type WireEvent = {
  [Type in RunEvent['type']]: OnWire<Extract<RunEvent, { readonly type: Type }>>;
}[RunEvent['type']];

type OnWire<Event> = {
  [Field in keyof Event]: Event[Field] extends StratagemError | undefined
    ? undefined extends Event[Field]
      ? WireError | undefined
      : WireError
    : Event[Field];
};

/** Whether nothing follows this event. */
export function isEnd({ type }: Pick<WireEvent, 'type'>): boolean {
  return type === 'run_completed' || type === 'run_failed' || type === 'run_canceled';
}
