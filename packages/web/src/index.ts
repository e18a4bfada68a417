export {
  type RunStreams,
  type RunStreamsOptions,
  runStreams,
  type StreamedRun,
} from './run-streams.js';
export { type StreamOptions, streamRun } from './stream-run.js';
export type { WireError, WireEvent } from './wire-event.js';
