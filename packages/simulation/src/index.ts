export { type FillEstimatesOptions, type FilledPlan, fillEstimates } from './run/fill-estimates.js';
export { type SimulateOnOptions, simulateOn } from './run/simulate-on.js';
export { type Stats, summarize } from './run/summarize.js';
export { type Range, type WhatIfOptions, type WhatIfRow, whatIf } from './run/what-if.js';
export { type FixedWindowsOptions, fixedWindows } from './servers/fixed-windows.js';
export { fixedLatency, lognormalLatency } from './servers/latency.js';
export { type LimitChange, LimitChanges } from './servers/limit-changes.js';
export {
  type ConcurrencyKneeOptions,
  type CpuBoundOptions,
  concurrencyKnee,
  cpuBound,
} from './servers/load.js';
export { type OverloadKind, type OverloadOptions, overload } from './servers/overload.js';
export { providers } from './servers/providers.js';
export {
  type Gate,
  QueueingServer,
  type QueueingServerOptions,
  type Refusal,
} from './servers/queueing-server.js';
export { type RateLimitedOptions, rateLimited } from './servers/rate-limited.js';
export { recordedRun } from './servers/recorded-run.js';
export type {
  Demand,
  Request,
  Response,
  Server,
  ServerModel,
  StreamChunk,
} from './servers/server.js';
export type { SpreadOption } from './util/check-number.js';
export { mixed, randomLayers } from './workloads/random.js';
export {
  type BatchOptions,
  batch,
  chain,
  diamond,
  mapReduce,
  researchPipeline,
  wideThenChain,
} from './workloads/shapes.js';
export type { Workload } from './workloads/workload.js';
