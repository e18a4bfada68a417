export { parseRateLimits } from './contract/rate-limits.js';
export { asksForText } from './contract/schema.js';
export { addUsage } from './contract/usage.js';
export { type AnswerSchema, answerSchemaOf } from './provider/answer-schema.js';
export {
  BATCH_OPTIONS,
  type BatchBackend,
  type BatchOptions,
  type BatchProgress,
  type BatchProvider,
  type BatchRequest,
  type BatchResult,
  batchRunner,
  checkBatchOptions,
  type PreparedRequest,
} from './provider/batch.js';
export {
  type AnsweredCall,
  answerOf,
  type ConversationOptions,
  converse,
  type Dialogue,
  type ToolCall,
  type Turn,
  type TurnInput,
} from './provider/conversation.js';
export { codeOfStatus, parseRetryAfter } from './provider/http-error.js';
export {
  checkClient,
  checkModelOptions,
  isHttpUrl,
  type ModelOptions,
} from './provider/model-options.js';
export { redact, redactCause, secretsIn } from './provider/redact.js';
export {
  fromSdkError,
  type SdkError,
  type SdkErrorClasses,
  type SdkRequest,
} from './provider/sdk-errors.js';
export { withTimeLimit } from './provider/time-limit.js';
