// For authors of providers and of runners around runners.

export { identitiesOf } from './contract/attached-bytes.js';
export type {
  AttachedFile,
  AttachedUrl,
  Attachment,
  RequestAttachment,
} from './contract/attachment.js';
export type {
  CallOptions,
  Reasoning,
  ReasoningEffort,
  TaskOptions,
  ToolChoice,
} from './contract/call-options.js';
export { TASK_OPTIONS, withoutDelivery } from './contract/call-options.js';
export { checkDuration, checkFlag, checkLimit, checkOptions } from './contract/check-options.js';
export { type Citation, citationsOf } from './contract/citation.js';
export {
  ATTEMPT_ERROR_CODES,
  type AttemptErrorCode,
  describe,
  isStratagemError,
  OptionError,
  RunnerError,
  type RunnerErrorDetails,
} from './contract/errors.js';
export type * from './contract/instrumentation.js';
export { attachmentSupport, isTextType } from './contract/media-type.js';
export { savePathProblem } from './contract/output-files.js';
export type {
  AttachmentPart,
  NoticePart,
  OutputPart,
  ReasoningPart,
  StepPart,
  TextPart,
  ToolCallPart,
  ToolResultPart,
} from './contract/output-part.js';
export { costOf, type Price, type PriceTable } from './contract/price.js';
export type { ProviderOptions } from './contract/provider-options.js';
export { parseRateLimits, type RateLimit, type RateLimits } from './contract/rate-limits.js';
export { TRANSIENT_ERROR_CODES } from './contract/retry.js';
export { type ContextChanges, deriveContext, type RunContext } from './contract/run-context.js';
export {
  type RunnerPricing,
  resourceOf,
  type TaskOutput,
  type TaskRequest,
  type TaskRunner,
} from './contract/runner.js';
export { asksForText, jsonSchemaOf } from './contract/schema.js';
export type { ServerTool } from './contract/server-tool.js';
export { type ServerToolCall, serverToolCallsOf } from './contract/server-tool-call.js';
export type { Task, TaskType } from './contract/task.js';
export type { RequestTool, ToolResult } from './contract/tool.js';
export { addUsage, type Usage } from './contract/usage.js';
export { validateOutput } from './contract/validate-output.js';
export { announcesJson, errorIn, isBareError, ServerFailure } from './provider/answer-body.js';
export { type AnswerEnd, answerEndOf } from './provider/answer-end.js';
export { type AnswerSchema, answerSchemaOf } from './provider/answer-schema.js';
export { AnswerText } from './provider/answer-text.js';
export {
  base64Of,
  refuseAttachment,
  textOfAttachment,
  urlOf,
  withAttachmentErrors,
} from './provider/attachments.js';
export { CallIds } from './provider/call-ids.js';
export {
  checkCallOptions,
  checkProvider,
  mergeCallOptions,
  reasoningOf,
  streamsIn,
  toolChoiceFor,
  withProviderOptions,
} from './provider/call-options.js';
export {
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
export {
  type ErrorBody,
  readErrorBody,
  readErrorText,
  shortenWords,
} from './provider/error-body.js';
export { FormatLadder, isFormRefusal } from './provider/format-ladder.js';
export { codeOfApiError, codeOfStatus, parseRetryAfter } from './provider/http-error.js';
export { limitTools } from './provider/limit-tools.js';
export { LIST_PRICES, LIST_PRICES_DATE, type ListPrice } from './provider/list-prices.js';
export { missingPackage } from './provider/missing-package.js';
export {
  checkChoice,
  checkModelOptions,
  checkNoUser,
  DEFAULT_MAX_STEPS,
  DEFAULT_TOOL_CALL_CONCURRENCY,
  isHttpUrl,
  type ModelOptions,
  type SdkOptions,
} from './provider/model-options.js';
export {
  listPriceOf,
  type PricedModel,
  type Pricing,
  pricingOf,
  withPricing,
} from './provider/pricing.js';
export { redact, redactCause, secretHeaders, secretsIn, shownHeaders } from './provider/redact.js';
export { adviceIn, type FailedResponse } from './provider/retry-advice.js';
export {
  type BodyContext,
  END_OF_STREAM,
  type RequestContext,
  type Sdk,
  type SdkClient,
  type SdkError,
  type SdkTarget,
  type WireMapping,
} from './provider/sdk.js';
export { environmentOf, missingApiKey } from './provider/sdk-client.js';
export { brokenAnswer, headerProblemIn, redactedError } from './provider/sdk-errors.js';
export { type Exchange, requestAnswer } from './provider/sdk-request.js';
export { sdkRunner } from './provider/sdk-runner.js';
export { parseErrorEvent, parseEvent, type ServerEvent } from './provider/server-events.js';
export { readServerToolCall } from './provider/server-tool-calls.js';
export {
  isServerTool,
  type ServerToolOptions,
  serverToolsOf,
  toolNamesOf,
} from './provider/server-tools.js';
export { type Arrivals, takeEvents } from './provider/take-events.js';
export { withTimeLimit } from './provider/time-limit.js';
export {
  inputJson,
  isEmptyInput,
  isWholeInput,
  replayedName,
  ToolInputText,
} from './provider/tool-input.js';
export { toolParametersOf } from './provider/tool-schema.js';

export { countOf, joinCounts, readWireUsage, type WireUsage } from './provider/wire-usage.js';
export { valueText } from './state/value-text.js';
export { isRecord } from './util/record.js';
export { didYouMean } from './util/suggest.js';
