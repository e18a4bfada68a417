export { type CacheOptions, cache } from './cache/cache.js';
export {
  type CachedResponse,
  type CacheStore,
  type MemoryStoreOptions,
  memoryStore,
} from './cache/cache-store.js';
export { fileStore } from './cache/file-store.js';
export { type WarmPrefixOptions, warmPrefix } from './cache/warm-prefix.js';
export { type BalanceOptions, balance, type WeightedRunner } from './failover/balance.js';
export type { BreakerOptions } from './failover/circuit-breaker.js';
export { type FallbackOptions, fallback } from './failover/fallback.js';
export { type HedgeOptions, hedge } from './failover/hedge.js';
export { type Routed, type RouteOptions, route, type TypeRouteOptions } from './failover/route.js';
export { type AdmitContext, createLimiter, type Limiter, type Permit } from './limit/limiter.js';
export type { LimiterOptions } from './limit/limiter-options.js';
export { rateLimit } from './limit/rate-limit.js';
export { withOptions } from './options/with-options.js';
export { type RecordOptions, record } from './record/record.js';
export { type ReplayOptions, replay } from './record/replay.js';
