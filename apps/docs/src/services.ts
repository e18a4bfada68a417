import { LLMock } from '@copilotkit/aimock';
import type { LocalServer } from '@stratagem/server-kit/local-server';
import { postgresProblem, startPostgres } from '@stratagem/server-kit/postgres';
import { redisProblem, startRedis } from '@stratagem/server-kit/redis';
import { afterAll, beforeAll, vi } from 'vitest';
import type { Example } from './examples.js';

/** A program whose addresses lead to servers of this machine, or why there are none. */
interface LocalProgram {
  readonly example: Example;
  /** Whether it reaches a server with a clock of its own. */
  readonly hasServer: boolean;
  readonly problem: string | undefined;
}

/** An address that programs show, and the server that the tests start instead. */
interface Store {
  readonly address: string;
  readonly problem: () => string | undefined;
  readonly start: () => Promise<LocalServer>;
}

const STORES: readonly Store[] = [
  {
    address: 'postgres://stratagem:secret@localhost:5432/stratagem',
    problem: postgresProblem,
    start: startPostgres,
  },
  { address: 'redis://localhost:6379', problem: redisProblem, start: startRedis },
];

/** What programs reach instead of the internet: models, tools and stores on loopback. */
export function servicesOfPrograms() {
  const models = new LLMock({ port: 0 });
  const stores = new Map<Store, Promise<LocalServer>>();

  beforeAll(async () => {
    models.onMessage(/./, { content: 'An answer of a model.' });
    await models.start();
    vi.stubEnv('OPENAI_API_KEY', 'sk-test');
    vi.stubEnv('ANTHROPIC_API_KEY', 'sk-test');
    vi.stubEnv('MISTRAL_API_KEY', 'sk-test');
    vi.stubGlobal('fetch', localFetch(globalThis.fetch, models));
  });
  afterAll(async () => {
    vi.unstubAllEnvs();
    vi.unstubAllGlobals();
    await models.stop();
    for (const server of stores.values()) await (await server)[Symbol.asyncDispose]();
  });

  return {
    async localise(example: Example): Promise<LocalProgram> {
      const store =
        STORES.find(({ address }) => example.code.includes(address)) ??
        STORES.find(({ address }) => example.setup.includes(address));
      if (store === undefined) return { example, hasServer: false, problem: undefined };
      const problem = store.problem();
      if (problem !== undefined) return { example, hasServer: true, problem };
      const server = stores.get(store) ?? store.start();
      stores.set(store, server);
      const { url } = await server;
      const at = (text: string) => text.replaceAll(store.address, url);
      const local = { ...example, setup: at(example.setup), code: at(example.code) };
      return { example: local, hasServer: true, problem: undefined };
    },
  };
}

/** The hosts of models that programs ask without a base URL. */
const MODELS = ['api.openai.com', 'api.anthropic.com', 'api.mistral.ai'];

/** Reaches hosts of this machine alone. */
function localFetch(fetch: typeof globalThis.fetch, models: LLMock): typeof globalThis.fetch {
  return async (input, init) => {
    const request = new Request(input, init);
    const { hostname, href, origin } = new URL(request.url);
    if (['127.0.0.1', 'localhost'].includes(hostname)) return fetch(input, init);
    if (MODELS.includes(hostname))
      return fetch(new Request(href.replace(origin, models.url), request));
    if (hostname === 'tickets.example.com') return toolServer(request);
    throw new Error(`a program of the documentation asks ${hostname}: give it a service`);
  };
}

interface Message {
  readonly id?: number;
  readonly method: string;
  readonly params?: { readonly protocolVersion?: string };
}

/** An MCP server with three tools. */
async function toolServer(request: Request): Promise<Response> {
  if (request.method !== 'POST') return new Response(null, { status: 405 });
  const { id, method, params } = (await request.json()) as Message;
  const inputSchema = { type: 'object' };
  const results: Record<string, object> = {
    initialize: {
      protocolVersion: params?.protocolVersion,
      capabilities: { tools: {} },
      serverInfo: { name: 'tickets', version: '1' },
    },
    'tools/list': { tools: ['search', 'read', 'delete'].map((name) => ({ name, inputSchema })) },
  };
  if (id === undefined) return new Response(null, { status: 202 });
  const result = results[method];
  const error = { code: -32_601, message: 'there is no such method' };
  return Response.json({ jsonrpc: '2.0', id, ...(result === undefined ? { error } : { result }) });
}
