export { parseRateLimits } from './contract/rate-limits.js';
export { asksForText } from './contract/schema.js';
export { addUsage } from './contract/usage.js';
export { type AnswerSchema, answerSchemaOf } from './provider/answer-schema.js';
export { type BatchProvider, batchRunner, type PreparedRequest } from './provider/batch.js';
export type {
  BatchBackend,
  BatchProgress,
  BatchRequest,
  BatchResult,
} from './provider/batch-backend.js';
export { BATCH_OPTIONS, type BatchOptions, checkBatchOptions } from './provider/batch-options.js';
export {
  type AnswerEnd,
  type AnswerTarget,
  type ModelAnswer,
  requireComplete,
} from './provider/complete-answer.js';
export {
  type AnsweredCall,
  type AnswerFormat,
  type ConversationOptions,
  converse,
  correctionMessage,
  type Dialogue,
  parseAnswer,
  promptOf,
  type ResponseMeta,
  type ToolCall,
  type Turn,
  type TurnInput,
} from './provider/conversation.js';
export { definedFields } from './provider/defined-fields.js';
export { codeOfApiError, codeOfStatus, parseRetryAfter } from './provider/http-error.js';
export {
  checkChoice,
  checkModelOptions,
  DEFAULT_MAX_STEPS,
  isHttpUrl,
  type ModelOptions,
  type SdkOptions,
} from './provider/model-options.js';
export { redact, redactCause, secretsIn } from './provider/redact.js';
export type {
  BodyContext,
  RequestContext,
  Sdk,
  SdkClient,
  SdkError,
  SdkTarget,
  WireMapping,
} from './provider/sdk.js';
export {
  type BatchCall,
  NO_RETRIES,
  type SdkBatchApi,
  sdkBatchRunner,
} from './provider/sdk-batch.js';
export { environmentOf, missingApiKey } from './provider/sdk-client.js';
export { adviceIn, brokenAnswer, redactedError } from './provider/sdk-errors.js';
export { type Exchange, requestAnswer } from './provider/sdk-request.js';
export { sdkRunner } from './provider/sdk-runner.js';
export { withTimeLimit } from './provider/time-limit.js';
