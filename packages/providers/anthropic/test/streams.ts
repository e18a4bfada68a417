import { streamsOf, type Wire } from '@stratagem/test-kit';

/** A server-sent event of the Messages API. */
export interface Event {
  readonly type: string;
  readonly [field: string]: unknown;
}

export const WIRE: Wire<object> = {
  write: (event) => `event: ${(event as Event).type}\ndata: ${JSON.stringify(event)}\n\n`,
  end: '',
};

export const { stream, cut } = streamsOf<Event>(WIRE);
