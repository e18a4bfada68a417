import { streamsOf, type Wire } from '@stratagem/test-kit';

/** Streams of Chat Completions and of most compatible servers: events without a name. */
export const WIRE: Wire<object> = {
  write: (event) => `data: ${JSON.stringify(event)}\n\n`,
  end: 'data: [DONE]\n\n',
};

export const { stream, cut } = streamsOf(WIRE);
