import type { APIPromise, ClientOptions, OpenAI } from 'openai';

type Fetch = (input: string | URL | Request, init?: RequestInit) => Promise<Response>;
type Options = Parameters<OpenAI['buildRequest']>[0];

/** The settings of the client, for the SDK. */
export interface TemplatedSettings extends ClientOptions {
  readonly fetch: Fetch;
}

/** All that the requests to one path have in common. */
interface Template {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** What came of a request, as the value or the error of this promise. */
type Outcome = Promise<Response>;

/** An init with it asks for nothing: the request has been sent. */
const OUTCOME = Symbol('outcome');

/** The paths of the requests for answers. */
const PATHS: ReadonlySet<string> = new Set(['/chat/completions', '/responses']);

/**
 * A client that sends requests for answers itself. The SDK takes as long to make and log a request as
 * `fetch` takes to send it; here, it makes the address and the headers once for each path. It still
 * reads all that failed, and sends all other requests.
 *
 * Only for a key that does not change, and for requests that their caller ends in time.
 */
export function templatedClient(
  sdk: { readonly OpenAI: typeof OpenAI; readonly APIPromise: typeof APIPromise },
  settings: TemplatedSettings,
): OpenAI {
  const { fetch } = settings;

  class Templated extends sdk.OpenAI {
    /** Part of the header `User-Agent`. */
    static override readonly name = sdk.OpenAI.name;
    readonly #templates = new Map<string, Template>();

    override post<T>(...given: Parameters<OpenAI['post']>): APIPromise<T> {
      const [path, options] = given;
      if (!PATHS.has(path)) return super.post(...given);
      return new sdk.APIPromise<T>(this, this.#send(path, options));
    }

    async #send(path: string, given: Parameters<OpenAI['post']>[1]) {
      const options: Options = { ...(await given), method: 'post', path };
      const { url, headers } = this.#templates.get(path) ?? (await this.#templateOf(options));
      const { body, signal, timeout = this.timeout } = options;
      const seconds = String(Math.trunc(timeout / 1_000));
      const outcome = fetch(url, {
        method: 'POST',
        headers: { ...headers, 'x-stainless-timeout': seconds, ...lowerCased(options.headers) },
        body: JSON.stringify(body),
        signal: signal ?? null,
      });
      const sent = await outcome.catch(() => undefined);
      const response = sent?.ok === true ? sent : await this.#readFailure(options, outcome);
      const controller = new AbortController();
      const log = { requestLogID: '', retryOfRequestLogID: undefined, startTime: Date.now() };
      return { response, options, controller, ...log };
    }

    async #templateOf(options: Options): Promise<Template> {
      const { req, url } = await super.buildRequest({ ...options, headers: undefined });
      const template = { url, headers: Object.fromEntries(req.headers) };
      this.#templates.set(options.path, template);
      return template;
    }

    /** @throws the error of the SDK for this outcome. */
    #readFailure(options: Options, outcome: Outcome): Promise<Response> {
      const fetchOptions = { [OUTCOME]: outcome } as object;
      return super.post(options.path, { ...options, fetchOptions, maxRetries: 0 }).asResponse();
    }
  }

  return new Templated({
    ...settings,
    fetch: (input, init) =>
      (init as { readonly [OUTCOME]?: Outcome } | undefined)?.[OUTCOME] ?? fetch(input, init),
  });
}

/** Equal names replace each other, whatever their case. */
function lowerCased(headers: Options['headers']): Record<string, string> {
  if (headers == null) return {};
  const entries = Object.entries(headers as Readonly<Record<string, string>>);
  return Object.fromEntries(entries.map(([name, value]) => [name.toLowerCase(), value]));
}
