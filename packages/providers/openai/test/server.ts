import { streamsOf } from '@stratagem/test-kit';

/** As Chat Completions and most compatible servers stream: events without a name. */
export const { stream, hang, cut } = streamsOf<object>({
  write: (event) => `data: ${JSON.stringify(event)}\n\n`,
  end: 'data: [DONE]\n\n',
});
