import type { Anthropic } from '@anthropic-ai/sdk';
import type { WireMapping } from '@stratagem/core/runner';
import { type Format, formatsOf } from './format.js';
import { messagesBody, messagesDialogue, promptContent } from './messages.js';
import {
  ANTHROPIC_OPTIONS,
  ANTHROPIC_TASK_OPTIONS,
  type AnthropicOptions,
  checkAnthropicOptions,
  DEFAULT_MAX_OUTPUT_TOKENS,
} from './options.js';

export const ANTHROPIC_WIRE: WireMapping<Anthropic, AnthropicOptions, Format> = {
  defaults: { model: 'claude-sonnet-5-5', maxOutputTokens: DEFAULT_MAX_OUTPUT_TOKENS },
  optionNames: ANTHROPIC_OPTIONS,
  taskOptions: ANTHROPIC_TASK_OPTIONS,
  settingNames: ['structuredOutput', 'maxSteps'],
  checkOptions: checkAnthropicOptions,
  formatsOf,
  dialogueOf: messagesDialogue,
  attachmentTypes: [
    'image/png',
    'image/jpeg',
    'image/webp',
    'image/gif',
    'application/pdf',
    'text/*',
  ],
  promptBody: (text, context, attachments) =>
    messagesBody([{ role: 'user', content: promptContent({ text, attachments }) }], context),
};
