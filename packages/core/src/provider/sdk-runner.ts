import { checkOptions } from '../contract/check-options.js';
import { attachmentSupport } from '../contract/media-type.js';
import type { TaskRequest, TaskRunner } from '../contract/runner.js';
import type { SamplingSettings } from '../contract/surround.js';
import { withAttachmentErrors } from './attachments.js';
import { mergeCallOptions, streamsIn } from './call-options.js';
import { type AnswerFormat, converse } from './conversation.js';
import { definedFields } from './defined-fields.js';
import { FormatLadder } from './format-ladder.js';
import { checkSdkOptions, DEFAULT_MAX_STEPS, type SdkOptions } from './model-options.js';
import { type Pricing, pricingOf, withPricing } from './pricing.js';
import { shownHeaders } from './redact.js';
import type { Sdk, SdkClient, SdkTarget, WireMapping } from './sdk.js';
import { configuredEndpoint, sdkConnector } from './sdk-client.js';
import { withTimeLimit } from './time-limit.js';

/**
 * A runner over the SDK of a provider. It owns everything but the wire format: the client, the time
 * limit, the conversation with tools, errors and secrets. The SDK never retries; the executor does.
 *
 * @throws {OptionError} when an option is unknown or out of range.
 */
export function sdkRunner<
  Client extends SdkClient,
  Options extends SdkOptions<Client>,
  Format extends AnswerFormat,
>(sdk: Sdk<Client>, wire: WireMapping<Client, Options, Format>, given: Options): TaskRunner {
  const owner = `${sdk.name}()`;
  checkOptions(owner, given, wire.optionNames);
  const connection = connectionOf(owner, sdk, wire, given);
  const { timeoutMs, toolCallConcurrency, maxSteps = DEFAULT_MAX_STEPS } = given;
  const ladder = new FormatLadder(sdk.name);
  return {
    name: sdk.name,
    resource: connection.label,
    settings: connection.settings,
    supportsTools: true,
    supportedOptions: [
      ...wire.taskOptions,
      `providerOptions.${sdk.name}`,
      ...attachmentSupport(wire.attachmentTypes),
    ],
    pricing: connection.pricing.known,
    async check() {
      const { client } = await connection.connect();
      await sdk.requireReady?.(client);
    },
    async run(request, context) {
      const target = targetFor(await connection.connect(), request);
      const formats = await wire.formatsOf(request.outputSchema, target);
      const limitMs = timeoutMs ?? target.client.timeout;
      return withTimeLimit(context, limitMs, (signal, timeout) => {
        const pricing = connection.pricingOf(target.model);
        const ask = (format: Format, onAnswer?: () => void) => {
          const dialogue = wire.dialogueOf({
            ...target,
            format,
            tools: request.tools ?? [],
            emit: context.emit,
            streams: streamsIn(target.options, context),
            wantsText: context.wantsText !== false,
            request: { signal, timeout, maxRetries: 0, headers: target.options.headers },
          });
          const { withCost } = pricing;
          const limits = { maxSteps, toolCallConcurrency, signal, onAnswer, withCost };
          const { model, client } = target;
          const shown = {
            ...{ provider: sdk.name, model, baseURL: client.baseURL },
            settings: samplingOf(target.options),
          };
          return converse(request, context, dialogue, { ...format, ...limits, target: shown });
        };
        return withPricing(pricing, () =>
          withAttachmentErrors(request.attachments, () =>
            formats.length === 1
              ? ask(formats[0])
              : ladder.run(formats, request.outputSchema, context, ask),
          ),
        );
      });
    },
  };
}

/** Nothing else: the options have keys and headers, too. */
function samplingOf(options: SamplingSettings): SamplingSettings {
  const { temperature, topP, seed, maxOutputTokens, stopSequences } = options;
  return { temperature, topP, seed, maxOutputTokens, stopSequences };
}

/** The target of a request: with the options of its task, and the model that the task asks for. */
export function targetFor<Client extends SdkClient, Options extends SdkOptions<Client>>(
  target: SdkTarget<Client, Options>,
  { options: given }: Pick<TaskRequest, 'options'>,
): SdkTarget<Client, Options> {
  if (given === undefined) return target;
  const options = mergeCallOptions(target.options, given);
  const { model = target.model } = given;
  return { ...target, options, model, label: `${target.sdk.name}/${model}` };
}

/** What the runners over an SDK have in common. */
export interface SdkConnection<Client extends SdkClient, Options extends SdkOptions<Client>> {
  /** Provider and model. */
  readonly label: string;
  readonly model: string;
  /** Identifies what an answer depends on, besides the request. */
  readonly settings: Readonly<Record<string, unknown>>;
  readonly pricing: Pricing;
  /** The same for a model that a task asks for. */
  pricingOf(model: string): Pricing;
  connect(): Promise<SdkTarget<Client, Options>>;
}

/**
 * @param share The part of the list price that is charged.
 * @throws {OptionError} when an option is out of range.
 */
export function connectionOf<
  Client extends SdkClient,
  Options extends SdkOptions<Client>,
  Format extends AnswerFormat,
>(
  owner: string,
  sdk: Sdk<Client>,
  wire: WireMapping<Client, Options, Format>,
  given: Options,
  share = 1,
): SdkConnection<Client, Options> {
  checkSdkOptions(owner, sdk.packageName, given);
  wire.checkOptions(owner, given);
  const options: Options = { ...wire.defaults, ...(definedFields(given) as Options) };
  const model = options.model ?? wire.defaults.model;
  const label = `${sdk.name}/${model}`;
  const names = [...wire.settingNames, ...wire.taskOptions, 'providerOptions'].filter(
    (name) => name !== 'stream',
  );
  const settings = names.map((name) => [name, options[name as keyof Options]]);
  const connect = sdkConnector(sdk, options);
  const baseURL = configuredEndpoint(sdk, options);
  const priced = (asked: string) => pricingOf({ provider: sdk.name, model: asked, baseURL, share });
  const connection: SdkConnection<Client, Options> = {
    label,
    model,
    settings: definedFields({
      ...Object.fromEntries(settings),
      headers: options.headers && shownHeaders(options.headers),
      baseURL,
    }),
    pricing: priced(model),
    pricingOf: (asked) => (asked === model ? connection.pricing : priced(asked)),
    connect: async () => ({ sdk, client: await connect(), options, model, label }),
  };
  return connection;
}
