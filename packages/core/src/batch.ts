// For authors of providers with a batch API.

export { type BatchProvider, batchRunner, type PreparedRequest } from './provider/batch.js';
export type {
  BatchBackend,
  BatchProgress,
  BatchRequest,
  BatchResult,
  SentJob,
} from './provider/batch-backend.js';
export { BATCH_OPTIONS, type BatchOptions, checkBatchOptions } from './provider/batch-options.js';
export { listedJobs } from './provider/listed-jobs.js';
export {
  type BatchCall,
  type LiveOption,
  NO_RETRIES,
  type SdkBatchApi,
  sdkBatchRunner,
} from './provider/sdk-batch.js';
