import { streamsOf } from '@stratagem/test-kit';

/** A server-sent event of the Messages API. */
export interface Event {
  readonly type: string;
  readonly [field: string]: unknown;
}

export const { stream, hang, cut } = streamsOf<Event>({
  write: (event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`,
  end: '',
});
