import type { AttemptErrorCode } from '../contract/errors.js';

/** Longer messages quote something, such as the prompt. */
const READ_LENGTH = 1_000;

/** A request that exceeds a limit by itself, which no wait changes. */
const TOO_LARGE = /\brequest (entity )?(is )?too large\b/i;

/** How servers say that a prompt does not fit into the context window. */
const CONTEXT_LENGTH = new RegExp(
  [
    'maximum (context|prompt|model) length',
    'exceeds? (the |your )?(available )?(model.s )?(maximum )?context (length|window|size|limit)',
    'context ?(length|window|size|limit) ?(was |is )?exceeded',
    '(longer|greater|larger|more) than the (model.s )?(maximum )?context (length|window|size)',
    '(prompt|input) is too long',
    'prompt exceeds max length',
    'input token count.{0,40}exceeds',
    'prompt token count.{0,40}exceeds',
    'exceeded model token limit',
    'max_new_tokens. must be <=',
    'inputs. must have less than \\d+ tokens',
    'range of input length',
    'context length of only',
    'too many tokens.{0,40}prompt',
  ].join('|'),
  'i',
);

/** How servers say that the account has no credit. */
const NO_CREDIT = new RegExp(
  [
    'insufficient (account )?(balance|credits?|funds)',
    'balance is (too low|insufficient)',
    'used all available credits',
    'monthly (spending|spend|included credits?) limit',
    'exceeded your monthly included credits',
    'out of credits',
    'account is in arrears',
    '(does ?n.t|do(es)? not) have any credits',
    'out of call volume quota',
    'used up your (daily |monthly )?(free )?(allocation|quota|credits)',
    'budget has been exceeded',
    'reached your specified (api )?usage limits?',
    'extra usage is required',
    '余额不足',
    '欠费',
  ].join('|'),
  'i',
);

/** How servers say that a filter withheld the prompt or the answer. */
const FILTERED =
  /inappropriate content|content management policy|不安全或敏感内容|(blocked|rejected|flagged)( as a result of| by)? (our |the )?(content|safety|moderation)|violat(es|ing) (our |the )?usage (guidelines|policy|policies)/i;

/** How batch APIs say that their queue is full: with a 400, a 429, or in the job. */
const QUEUE_FULL =
  /\b(enqueued token limit|(batch|processing) queue|queue (limit|is full)|(too many|concurrent) batch)/i;
const NO_CAPACITY =
  /\b(overloaded|(at|over|no|insufficient|out of) capacity|capacity (temporarily )?exceeded|high (demand|traffic))\b/i;
const RATE_LIMIT = /\b(rate limit|too many requests)/i;

/**
 * The code that the words of an error tell, for servers without codes of their own.
 *
 * @param status The status of the response; undefined within a stream.
 */
export function codeOfMessage(
  message: string,
  status: number | undefined,
): AttemptErrorCode | undefined {
  const words = message.slice(0, READ_LENGTH);
  if (TOO_LARGE.test(words)) return 'invalid_request';
  if (CONTEXT_LENGTH.test(words)) return 'context_length_exceeded';
  if (NO_CREDIT.test(words)) return 'insufficient_quota';
  if (FILTERED.test(words)) return 'refused';
  if (saysQueueIsFull(words)) return 'rate_limited';
  if (status !== undefined && status < 500 && status !== 429) return undefined;
  if (NO_CAPACITY.test(words)) return 'overloaded';
  return status === undefined && RATE_LIMIT.test(words) ? 'rate_limited' : undefined;
}

/** Whether the words of a batch API say that its queue is full. */
export function saysQueueIsFull(message: string): boolean {
  return QUEUE_FULL.test(message);
}
