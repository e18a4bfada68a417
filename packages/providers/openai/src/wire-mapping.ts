import type { WireMapping } from '@stratagem/core/runner';
import type { OpenAI } from 'openai';
import { chatBody, chatContent, chatDialogue, initialMessages } from './chat.js';
import { apiOf } from './context.js';
import { type Format, formatsOf } from './format.js';
import {
  checkOpenAIOptions,
  OPENAI_OPTIONS,
  OPENAI_TASK_OPTIONS,
  type OpenAIOptions,
} from './options.js';
import { responsesBody, responsesContent, responsesDialogue } from './responses.js';

/** The two APIs of OpenAI behind one mapping. */
export const OPENAI_WIRE: WireMapping<OpenAI, OpenAIOptions, Format> = {
  defaults: { model: 'gpt-6.1-sol' },
  optionNames: OPENAI_OPTIONS,
  taskOptions: OPENAI_TASK_OPTIONS,
  settingNames: ['api', 'structuredOutput', 'maxSteps', 'organization', 'project'],
  checkOptions: checkOpenAIOptions,
  formatsOf,
  dialogueOf: (context) =>
    apiOf(context) === 'chat' ? chatDialogue(context) : responsesDialogue(context),
  attachmentTypes: [
    'image/png',
    'image/jpeg',
    'image/webp',
    'image/gif',
    'application/pdf',
    'text/*',
  ],
  promptBody(text, context, attachments) {
    if (apiOf(context) === 'chat') {
      const message = { role: 'user' as const, content: chatContent({ text, attachments }) };
      return chatBody([...initialMessages(context.options), message], context);
    }
    const content = responsesContent({ text, attachments });
    return responsesBody([{ type: 'message', role: 'user', content }], context);
  },
};
