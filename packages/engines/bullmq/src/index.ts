export { type BullmqCarrier, bullmqCarrier } from './bullmq-carrier.js';
export type {
  BullmqCarrierOptions,
  EngineOptions,
  ResourceCap,
  ServeAttemptsOptions,
} from './options.js';
export { type AttemptWorker, serveAttempts } from './serve-attempts.js';
