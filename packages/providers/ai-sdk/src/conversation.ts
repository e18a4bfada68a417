import type { RunContext, TaskOutput, TaskRequest } from '@stratagem/core';
import {
  correctionMessage,
  DEFAULT_MAX_STEPS,
  DEFAULT_TOOL_CALL_CONCURRENCY,
  definedFields,
  type FormatLadder,
  limitTools,
  RunnerError,
  reasoningOf,
  serverToolsOf,
  streamsIn,
  textOfAttachment,
  toolChoiceFor,
  toolNamesOf,
} from '@stratagem/core/runner';
import type { LanguageModel, ModelMessage, streamText, UserContent } from 'ai';
import { withCallIds } from './call-ids.js';
import { toRunnerError } from './errors.js';
import { structuredOutputsOf } from './format.js';
import { type AiSdkOptions, labelOf } from './options.js';
import { notStreamed, withHeaders } from './response-type.js';
import { serverToolSetOf } from './server-tools.js';
import { toolSetOf } from './tools.js';
import { Transcript } from './transcript.js';
import { answeringWhole } from './whole-answers.js';

/** The model that is asked, and the options of its runner. */
export interface Target {
  readonly model: LanguageModel;
  readonly options: AiSdkOptions;
  readonly ladder: FormatLadder;
}

/**
 * Asks the model, and lets the SDK run the tools that it calls, until it answers. An answer that
 * does not fit the task's schema is sent back once, with the reason.
 *
 * @throws {RunnerError} when there is no answer.
 */
export async function conversation(
  request: TaskRequest,
  context: RunContext,
  target: Target,
  signal: AbortSignal,
): Promise<TaskOutput> {
  const outputs = await structuredOutputsOf(request, target.model);
  return target.ladder.run(outputs, request.outputSchema, context, (output, onAnswer) =>
    converseIn(output, { request, context, target, signal, onAnswer }),
  );
}

/** How often one answer is continued after the server has paused it. */
const MAX_PAUSES = 10;

type StructuredOutput = Awaited<ReturnType<typeof structuredOutputsOf>>[number];

/** Asks for an answer in one form. */
async function converseIn(
  structured: StructuredOutput,
  { request, context, target, signal, onAnswer }: Conversation,
): Promise<TaskOutput> {
  const { maxSteps = DEFAULT_MAX_STEPS } = target.options;
  const streams = streamsIn(target.options, context);
  const isRead = streams || context.wantsText !== false;
  const transcript = new Transcript(context.emit, target, isRead);
  const asked = streams
    ? await withHeaders(target.model, (headers) => {
        transcript.headers = headers;
      })
    : await answeringWhole(target.model);
  const requestContext = await requestContextOf(request, target, structured, asked);
  let messages: ModelMessage[] = [{ role: 'user', content: contentOf(request) }];
  let isCorrected = false;
  for (let pauses = 0; ; ) {
    let responseMessages: () => PromiseLike<ModelMessage[]>;
    try {
      const stepsLeft = maxSteps - transcript.steps;
      const sent = { ...requestContext, messages };
      responseMessages = await streamAnswer(sent, stepsLeft, transcript, signal);
    } catch (thrown) {
      if (transcript.steps > 0) onAnswer();
      const error = await toRunnerError(thrown, target, transcript);
      throw (streams && notStreamed(error, transcript, target.model)) || error;
    }
    if (transcript.isPaused && pauses < MAX_PAUSES && transcript.steps < maxSteps) {
      pauses++;
      messages = [...messages, ...(await responseMessages())];
      continue;
    }
    const details = transcript.details();
    const output = transcript.text;
    const misfit = isCorrected ? undefined : await request.check?.(output);
    if (misfit === undefined || transcript.steps >= maxSteps) return { output, ...details };
    await transcript.reportLastStep();
    const correction: ModelMessage = { role: 'user', content: correctionMessage(misfit) };
    messages = [...messages, ...(await responseMessages()), correction];
    isCorrected = true;
  }
}

/** The first message: a text, or the attachments and the text. */
function contentOf({ prompt, attachments = [] }: TaskRequest): UserContent {
  if (attachments.length === 0) return prompt;
  const parts = attachments.map((attachment) => {
    const { filename, mediaType } = attachment;
    const text = textOfAttachment(attachment);
    if (text !== undefined) return { type: 'text' as const, text };
    const data = attachment.data ?? new URL(attachment.url);
    return { type: 'file' as const, data, mediaType, filename };
  });
  return [...parts, { type: 'text', text: prompt }];
}

interface Conversation {
  readonly request: TaskRequest;
  readonly context: RunContext;
  readonly target: Target;
  readonly signal: AbortSignal;
  /** Called when the model has answered. */
  readonly onAnswer: () => void;
}

type RequestContext = Awaited<ReturnType<typeof requestContextOf>>;

type SdkProviderOptions = NonNullable<Parameters<typeof streamText>[0]['providerOptions']>;

/** @throws {RunnerError} `invalid_request` for a limit of reasoning tokens: the SDK takes none. */
function effortOf(options: AiSdkOptions, label: string) {
  const { effort, budgetTokens } = reasoningOf(options);
  if (budgetTokens === undefined) return effort;
  const message = `${label}: the AI SDK takes no reasoning.budgetTokens; use providerOptions`;
  throw new RunnerError('invalid_request', message);
}

/** All that the requests of one attempt share. */
async function requestContextOf(
  request: TaskRequest,
  { model, options }: Target,
  output: StructuredOutput,
  asked: LanguageModel,
) {
  const { instructions, temperature, topP, seed, stopSequences, maxOutputTokens } = options;
  const { headers, providerOptions, toolCallConcurrency = DEFAULT_TOOL_CALL_CONCURRENCY } = options;
  const ownTools = request.tools ?? [];
  const serverTools = serverToolsOf(options, ownTools);
  const tools = {
    ...(await toolSetOf(limitTools(ownTools, toolCallConcurrency))),
    ...(await serverToolSetOf(serverTools, model)),
  };
  return {
    model: request.tools === undefined ? asked : await withCallIds(asked),
    ...definedFields({
      ...{ instructions, temperature, topP, seed, maxOutputTokens },
      stopSequences: stopSequences && [...stopSequences],
      headers: headers && { ...headers },
      providerOptions: providerOptions as SdkProviderOptions | undefined,
      reasoning: effortOf(options, labelOf(model)),
      toolChoice: toolChoiceFor(options, toolNamesOf(ownTools, serverTools), true),
      output,
      tools: Object.keys(tools).length > 0 ? tools : undefined,
    }),
  };
}

/**
 * Sends the messages, and reads the answer to its end.
 *
 * @returns The messages of the model, to repeat in the next request.
 */
async function streamAnswer(
  context: RequestContext & { readonly messages: ModelMessage[] },
  maxSteps: number,
  transcript: Transcript,
  signal: AbortSignal,
): Promise<() => PromiseLike<ModelMessage[]>> {
  const { isStepCount, streamText } = await import('ai');
  const failure = new AbortController();
  try {
    const result = streamText({
      ...context,
      maxRetries: 0,
      stopWhen: isStepCount(maxSteps),
      // A forced call is the first request of an attempt alone.
      ...(context.toolChoice && {
        prepareStep: () => (transcript.steps === 0 ? undefined : { toolChoice: 'auto' as const }),
      }),
      abortSignal: AbortSignal.any([signal, failure.signal]),
      // By default the SDK prints errors, with the secrets in them. The stream reports them too.
      onError: () => {},
    });
    for await (const part of result.stream) {
      signal.throwIfAborted();
      await transcript.read(part);
    }
    return () => result.responseMessages;
  } catch (thrown) {
    // Stops the request and the tools that are still running.
    failure.abort();
    throw thrown;
  }
}
