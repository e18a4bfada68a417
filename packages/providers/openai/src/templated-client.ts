import { isRecord } from '@stratagem/core/runner';
import type { OpenAI } from 'openai';

type Build = OpenAI['buildRequest'];
type Fetch = (input: string | URL | Request, init?: RequestInit) => Promise<Response>;

/** All that the requests to one path have in common. */
interface Template {
  readonly url: string;
  readonly headers: Headers;
}

/** The paths of the requests for answers. */
const PATHS: ReadonlySet<string> = new Set(['/chat/completions', '/responses']);

/**
 * The class of a client that makes the address and the headers of requests for answers once. The SDK makes
 * them for each request, and joins the signal of the caller with one of its own, which takes almost as long
 * as sending the request.
 *
 * Only for a key that does not change. A request that the SDK would retry, or that its caller cannot
 * abort, or that has a key of its own, is sent as the SDK sends it.
 *
 * @param fetch The one that the client is created with.
 */
export function templatedClient(Client: typeof OpenAI, fetch: Fetch): typeof OpenAI {
  return class extends Client {
    /** Part of the header `User-Agent`. */
    static override readonly name = Client.name;
    readonly #templates = new Map<string, Template>();
    readonly #fromTemplates = new WeakSet<object>();

    override async buildRequest(...given: Parameters<Build>): ReturnType<Build> {
      const [{ method, path, body, query, headers, timeout, signal, maxRetries }] = given;
      const isPlain = method === 'post' && PATHS.has(path) && isRecord(body) && query === undefined;
      const isEndedByCaller = maxRetries === 0 && timeout !== undefined && signal != null;
      if (
        !isPlain ||
        !isEndedByCaller ||
        !areTexts(headers) ||
        this.idempotencyHeader !== undefined
      ) {
        return super.buildRequest(...given);
      }
      const template = this.#templates.get(path) ?? (await this.#templateOf(...given));
      const own = new Headers(template.headers);
      own.set('x-stainless-timeout', String(Math.trunc(timeout / 1_000)));
      for (const [name, value] of Object.entries(headers ?? {})) own.set(name, value);
      const req = { method: 'POST', headers: own, body: JSON.stringify(body), signal };
      this.#fromTemplates.add(req);
      return { req, url: template.url, timeout };
    }

    async #templateOf(...[options, state]: Parameters<Build>): Promise<Template> {
      const { req, url } = await super.buildRequest({ ...options, headers: undefined }, state);
      const template = { url, headers: req.headers };
      this.#templates.set(options.path, template);
      return template;
    }

    override fetchWithTimeout(...given: Parameters<OpenAI['fetchWithTimeout']>): Promise<Response> {
      const [url, init] = given;
      // The caller ends the request after its time, through the signal.
      const isOurs = init !== undefined && this.#fromTemplates.has(init);
      return isOurs ? fetch(url, init) : super.fetchWithTimeout(...given);
    }
  };
}

/** Whether headers can be set one by one: the SDK deletes those that are null, and joins some to an object. */
function areTexts(headers: unknown): headers is Record<string, string> | undefined {
  return (
    headers === undefined ||
    (isRecord(headers) && Object.values(headers).every((value) => typeof value === 'string'))
  );
}
