import type { TaskOptions, TaskRunner } from '@stratagem/core';
import type { Received, Reply, Wire } from '../server.js';

/** The answer of a test model to one request. */
export interface ModelReply {
  readonly text?: string | undefined;
  readonly calls?: readonly { readonly name: string; readonly input: object }[];
}

/** An API of a provider. */
export interface ApiSubject {
  readonly name: string;
  readonly options: object;
  /** The path of its requests. */
  readonly path: string;
  /** The JSON Schema of its requests, after its document; left out where no document is. */
  readonly requestSchema?: Readonly<Record<string, unknown>> | undefined;
  /** A piece of text in its stream. */
  textEvent(text: string): object;
  /** Options of a task by their names, each with what it puts into the body of the request. */
  readonly taskOptions: readonly (readonly [options: TaskOptions, body: object])[];
  /** Options of a task that the API does not have, each with what the error says. */
  readonly refusedOptions: readonly (readonly [options: TaskOptions, message: string])[];
  /** The content of a message with the attachments of `attachmentConformance`, without its prompt. */
  readonly attached: readonly object[];
  /** The content of the first message in a body. */
  firstContent(body: Readonly<Record<string, unknown>>): unknown;
  /** The body of an answer that is not streamed; its usage is 12 and 3. Left out where all are. */
  readonly wholeAnswer?: ((text: string) => object) | undefined;
  /** The same for an answer that was cut off at the limit of its tokens. */
  readonly wholeCut?: ((text: string) => object) | undefined;
  /** A stream with the reasoning `Let me think.` and the answer `Yes.` */
  readonly reasoning: Reply;
  /** The tool choice in a body that forces a call of this tool. */
  forcedTool(name: string): unknown;
  /** Reasons for the end of an answer after which the provider asks the server to continue. */
  readonly continuedAfter?: readonly string[] | undefined;
  /** A stream with this answer, which ends for this reason. */
  ending(reason: string | null, reply: ModelReply): Reply;
}

/** A provider under test, and the wire format of its server. */
export interface ProviderSubject {
  /** The name of the runner: `openai`. */
  readonly name: string;
  /** Begins messages: `openai/a-model`. */
  readonly label: string;
  /** Must never appear in a log. */
  readonly apiKey: string;
  /** The path of the base URL: `/v1`. */
  readonly basePath: '' | '/v1';
  /** The name of its `providerOptions`. */
  readonly providerKey: string;
  /** The APIs that tasks, plans and tools are tested through. */
  readonly apis: readonly ApiSubject[];
  /** The structured outputs that the contract of every runner is tested with, by their options. */
  readonly formats: Readonly<Record<string, object>>;
  /** Options with which the server enforces schemas. */
  readonly structuredOptions: object;
  /** A runner with the model `a-model` and the key, on the server at this base URL. */
  create(baseURL: string, options?: object): TaskRunner;

  /** A stream with this answer; its usage is 12 input and 3 output tokens. */
  saying(reply: ModelReply, headers?: Record<string, string>): Reply;
  /** The format of its streams. */
  readonly wire: Wire<object>;
  /** The events that a stream begins with, if any. */
  readonly opening: readonly object[];
  /** The events of an answer that has begun, and the text in them. */
  readonly begun: { readonly events: readonly object[]; readonly text: string };
  /** The body of an error. */
  errorBody(error: object): object;
  readonly requestIdHeader: string;
  /** Whether the client sends an id of its own, which the mock of the service returns. */
  readonly requestIdIsSent: boolean;
  /** Usage that the provider reports besides input and output tokens. */
  readonly usageDetails?: object | undefined;
  /** Whether a step is logged before its tool calls. */
  readonly reportsStepsFirst: boolean;
  callId(position: number): string;
  /** Whether the last message of a request is the result of a tool. */
  isToolResult(received: Received): boolean;
  /** A tool that the model must call with its answer. */
  readonly answerTool?: string | undefined;

  /** Errors of the API: status, fields of the error, expected code. */
  readonly apiErrors: readonly (readonly [status: number, error: object, code: string])[];
  /** Whether this is the error class of the SDK for answers with an error. */
  isApiError(error: unknown): boolean;
  /** The message of an error with the message `No.`, without advice. */
  errorMessage(status: number): string;
  readonly chaos: ChaosSubject;
  /** Only of providers over an SDK of the common generator. */
  readonly sdk?: SdkSubject | undefined;
}

/** How a separate process creates the runner, and which faults its server has. */
export interface ChaosSubject {
  readonly module: string;
  readonly factory: string;
  readonly options?: object | undefined;
  /** Faults besides those that every provider has. */
  readonly faults: Readonly<Record<string, Reply>>;
}

export interface SdkSubject {
  readonly packageName: string;
  /** Begins environment variables: `OPENAI`. */
  readonly environment: string;
  /** The runner with these options alone. */
  create(options?: object): TaskRunner;
  createClient(settings: object): unknown;
  readonly connectionError: new (...args: never[]) => Error;
  /** Environments without a key. */
  readonly keyless: Readonly<Record<string, Readonly<Record<string, string | undefined>>>>;
  /** The variables of credentials in the environment, and the prefix that each is sent with. */
  readonly credentials: Readonly<Record<string, string>>;
  /** Paths of base URLs at which the API is not, each with what the error of a 404 says. */
  readonly wrongPaths: Readonly<Record<string, string>>;
  /** The path of a request with the default options. */
  readonly defaultPath: string;
}
