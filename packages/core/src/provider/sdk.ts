import type { RequestAttachment } from '../contract/attachment.js';
import type { TaskOptions } from '../contract/call-options.js';
import type { RunnerError } from '../contract/errors.js';
import type { RunContext } from '../contract/run-context.js';
import type { RequestTool } from '../contract/tool.js';
import type { AnswerFormat, Dialogue } from './conversation.js';
import type { SdkOptions } from './model-options.js';
import type { ServerEvent } from './server-events.js';

/** A client of an SDK. Those of OpenAI and Anthropic come from the same generator. */
export interface SdkClient {
  readonly baseURL: string;
  /** The client's own time limit, in milliseconds. */
  readonly timeout: number;
}

/** An error that the API answered with, as the SDK throws it. */
export interface SdkError extends Error {
  readonly status?: number | undefined;
  readonly headers?: Headers | undefined;
  readonly requestID?: string | null | undefined;
  /** The body of the response. */
  readonly error?: unknown | undefined;
  readonly code?: unknown | undefined;
  readonly type?: unknown | undefined;
}

/** Read from an event: the stream has ended, whatever follows. */
export const END_OF_STREAM = Symbol('end of stream');

type ErrorClass<T extends unknown[] = never[]> = new (...args: T) => Error;

/** The error classes that a client carries. Another copy of its package has other classes. */
export interface SdkErrorClasses {
  readonly APIError: ErrorClass<
    [status: undefined, body: unknown, message: undefined, headers: Headers, type?: unknown]
  >;
  readonly APIConnectionError: ErrorClass;
  readonly APIConnectionTimeoutError: ErrorClass;
  readonly APIUserAbortError: ErrorClass;
}

/** The settings that a client is created with. */
interface ClientSettings {
  readonly apiKey: string | undefined;
  readonly baseURL: string | undefined;
  readonly logLevel?: 'off' | undefined;
  /** Keeps the words of every server for the errors. */
  readonly fetch: (input: string | URL | Request, init?: RequestInit) => Promise<Response>;
}

/** An SDK: how its clients are created, and how its errors are read. */
export interface Sdk<Client extends SdkClient> {
  /** Names the runner, and begins labels: `openai`. */
  readonly name: string;
  readonly packageName: string;
  /** Begins the names of environment variables: `OPENAI` for `OPENAI_API_KEY`. */
  readonly environment: string;
  /** Imports the SDK, which takes about 0.2 s, and creates a client. */
  createClient(settings: ClientSettings, options: SdkOptions<Client>): Promise<Client>;
  /** The address of the API where options say it otherwise than as a base URL. */
  addressOf?(options: SdkOptions<Client>): string | undefined;
  /**
   * What is probably wrong with the path of a base URL at which a server found nothing: "has no version".
   * Undefined for one that looks right.
   */
  problemOfPath(path: string): string | undefined;
  /** @throws {RunnerError} `missing_api_key` when that is known before the SDK is imported. */
  requireCredentials?(options: SdkOptions<Client>): void;
  /** @throws {RunnerError} `missing_api_key` when that is known before a request is sent. */
  requireReady?(client: Client): Promise<void>;
  /** Values that must never appear in an error. */
  credentialsOf(client: Client): readonly unknown[];
  /** What `APIError` takes of the body of a response that holds an error. */
  errorBodyOf(body: { readonly error: unknown }): object;
  /**
   * What an event of a stream says: the value of its JSON, undefined for a heartbeat, `END_OF_STREAM`
   * for the mark after the last event.
   *
   * @param fail Makes the SDK's error of a body.
   * @throws what `fail` made, for an error that the server wrote into the stream, and a `SyntaxError`
   * for data that is not JSON.
   */
  readEvent(event: ServerEvent, fail: (body: unknown) => Error): unknown;
  /** The error of a request that failed before it was sent. */
  unsentError?(thrown: unknown, client: Client): RunnerError | undefined;
}

/** The model of one runner, and the client that reaches it. */
export interface SdkTarget<Client extends SdkClient, Options extends SdkOptions<Client>> {
  readonly sdk: Sdk<Client>;
  readonly client: Client;
  /** The options of the runner, with the defaults filled in. */
  readonly options: Options;
  readonly model: string;
  /** Begins each message: provider and model. */
  readonly label: string;
}

/** All that the body of a request is made of, besides the messages. */
export interface BodyContext<
  Client extends SdkClient,
  Options extends SdkOptions<Client>,
  Format extends AnswerFormat,
> extends SdkTarget<Client, Options> {
  readonly format: Format;
  readonly tools: readonly RequestTool[];
}

/** All that the requests of one attempt share. */
export interface RequestContext<
  Client extends SdkClient,
  Options extends SdkOptions<Client>,
  Format extends AnswerFormat,
> extends BodyContext<Client, Options, Format> {
  readonly emit: RunContext['emit'];
  /** Whether the answers are streamed. */
  readonly streams: boolean;
  /** Whether the text of a whole answer is emitted too. */
  readonly wantsText: boolean;
  /** The options of the SDK for each request. */
  readonly request: {
    readonly signal: AbortSignal;
    readonly timeout: number;
    readonly maxRetries: 0;
    readonly headers?: Readonly<Record<string, string>> | undefined;
  };
}

/** How a provider writes requests and reads answers: all that its package contains. */
export interface WireMapping<
  Client extends SdkClient,
  Options extends SdkOptions<Client>,
  Format extends AnswerFormat,
> {
  readonly defaults: Partial<Options> & { readonly model: string };
  /** The names of all options. */
  readonly optionNames: readonly string[];
  /** The options that a task may set too, besides its provider options. */
  readonly taskOptions: readonly (keyof TaskOptions)[];
  /** The media types of attachments that it can send, like `image/png` and `text/*`. */
  readonly attachmentTypes: readonly string[];
  /**
   * The options that the answer depends on, besides those that tasks may set too: part of the key of a
   * cached answer.
   */
  readonly settingNames: readonly (keyof Options & string)[];
  /** @throws {OptionError} when an option of this provider alone is out of range. */
  checkOptions(owner: string, options: Options): void;
  /** The formats of an answer, from the one to ask for to those for a server that refuses it. */
  formatsOf(
    outputSchema: Readonly<Record<string, unknown>> | undefined,
    target: SdkTarget<Client, Options>,
  ): Promise<readonly [Format, ...Format[]]>;
  /** Begins a conversation. */
  dialogueOf(context: RequestContext<Client, Options, Format>): Dialogue;
  /** The body of a request that consists of one prompt, for batches. */
  promptBody(
    prompt: string,
    context: BodyContext<Client, Options, Format>,
    attachments?: readonly RequestAttachment[],
  ): object;
}
