export { codeOfStatus, parseRetryAfter } from './provider/http-error.js';
export { redact, redactCause } from './provider/redact.js';
export { withTimeLimit } from './provider/time-limit.js';
