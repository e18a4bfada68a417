export { type Assumed, type AssumeOptions, assume } from './assume.js';
export { type Change, Changes } from './changes.js';
export { type Figures, figuresOf } from './figures.js';
export type { SpreadOption } from './options.js';
export type { Answer, Demand, Part, Request, Server, ServerModel } from './server.js';
export { type FixedWindowsOptions, fixedWindows } from './servers/fixed-windows.js';
export { fixedLatency, lognormalLatency } from './servers/latency.js';
export {
  type ConcurrencyKneeOptions,
  type CpuBoundOptions,
  concurrencyKnee,
  cpuBound,
} from './servers/load.js';
export { type OverloadKind, type OverloadOptions, overload } from './servers/overload.js';
export { providers } from './servers/providers.js';
export { type RateLimitedOptions, rateLimited } from './servers/rate-limited.js';
export { type SimulateOnOptions, simulateOn } from './simulate-on.js';
export { type Gate, type Refusal, Station, type StationOptions } from './station.js';
export { type WhatIfOptions, type WhatIfRow, whatIf } from './what-if.js';
export type { Workload } from './workload.js';
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
