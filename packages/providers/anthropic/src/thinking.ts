import type {
  OutputConfig,
  ThinkingConfigParam,
} from '@anthropic-ai/sdk/resources/messages/messages';
import { type ReasoningEffort, RunnerError, reasoningOf } from '@stratagem/core/runner';
import { type AnthropicOptions, DEFAULT_MAX_OUTPUT_TOKENS } from './options.js';

/** The fields of a request that say how the model thinks. */
export interface Thinking {
  readonly thinking?: ThinkingConfigParam | undefined;
  readonly effort?: OutputConfig['effort'] | undefined;
}

/** The API refuses a smaller budget. */
const MIN_BUDGET = 1_024;

/** The part of `maxOutputTokens` that older models may think with. */
const SHARES: Readonly<Record<Exclude<ReasoningEffort, 'none'>, number>> = {
  minimal: 0.05,
  low: 0.1,
  medium: 0.3,
  high: 0.6,
  xhigh: 0.8,
  max: 0.9,
};

/**
 * How the model thinks. Models before Claude 4.6 take a budget of tokens, later ones an effort.
 *
 * @throws {RunnerError} `invalid_request` when the budget leaves nothing for the answer.
 */
export function thinkingOf(options: AnthropicOptions, model: string, label: string): Thinking {
  const { effort, budgetTokens } = reasoningOf(options);
  if (effort === 'none') return { thinking: { type: 'disabled' } };
  const { maxOutputTokens = DEFAULT_MAX_OUTPUT_TOKENS } = options;
  const takesBudget = isBefore46(model);
  const share = takesBudget && effort !== undefined ? SHARES[effort] : undefined;
  const shared = share && Math.max(MIN_BUDGET, Math.floor(maxOutputTokens * share));
  const budget = budgetTokens ?? shared;
  const wireEffort =
    takesBudget || effort === undefined ? {} : { effort: effort === 'minimal' ? 'low' : effort };
  if (budget === undefined) {
    return effort === undefined
      ? {}
      : ({ thinking: { type: 'adaptive' }, ...wireEffort } as Thinking);
  }
  if (budget >= maxOutputTokens) {
    const limits = `${budget} tokens of reasoning leave nothing of ${maxOutputTokens}`;
    throw new RunnerError('invalid_request', `${label}: ${limits}; raise maxOutputTokens`);
  }
  return { thinking: { type: 'enabled', budget_tokens: budget }, ...wireEffort } as Thinking;
}

/** `claude-opus-4-5-20251101`, `claude-3-7-sonnet-20250219`, `anthropic/claude-sonnet-4.5` */
const VERSION = /claude-(?:[a-z]+-)?(\d{1,2})(?!\d)(?:[-.](\d{1,2})(?!\d))?/;

/** Whether a name is that of a model which takes a budget. An unknown name is one of a later model. */
function isBefore46(model: string): boolean {
  const [, major, minor = '0'] = VERSION.exec(model) ?? [];
  return major !== undefined && Number(major) + Number(minor) / 100 < 4.06;
}
