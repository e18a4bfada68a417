export { type BalanceOptions, balance, type WeightedRunner } from './balance.js';
export type { BreakerOptions } from './circuit-breaker.js';
export { type FallbackOptions, fallback } from './fallback.js';
export { type HedgeOptions, hedge } from './hedge.js';
export { createLimiter, type Limiter, type Permit } from './limiter.js';
export type { LimiterOptions } from './limiter-options.js';
export { rateLimit } from './rate-limit.js';
export { type Routed, type RouteOptions, route, type TypeRouteOptions } from './route.js';
