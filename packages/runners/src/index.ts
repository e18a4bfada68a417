export { type BalanceOptions, balance, type WeightedRunner } from './balance.js';
export { type CacheOptions, cache } from './cache.js';
export {
  type CachedAnswer,
  type CacheStore,
  type MemoryStoreOptions,
  memoryStore,
} from './cache-store.js';
export type { BreakerOptions } from './circuit-breaker.js';
export { type FallbackOptions, fallback } from './fallback.js';
export { fileStore } from './file-store.js';
export { type HedgeOptions, hedge } from './hedge.js';
export { createLimiter, type Limiter, type Permit } from './limiter.js';
export type { LimiterOptions } from './limiter-options.js';
export { rateLimit } from './rate-limit.js';
export { type RecordOptions, record } from './record.js';
export { type ReplayOptions, replay } from './replay.js';
export { type Routed, type RouteOptions, route, type TypeRouteOptions } from './route.js';
export { type WarmPrefixOptions, warmPrefix } from './warm-prefix.js';
