import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Journal, Strategy } from '@stratagem/core';

/** Sends all prompts to the server, at most `parallel` at once, and returns the texts of the answers. */
export type Contender = (
  url: string,
  prompts: readonly string[],
  parallel: number,
) => Promise<readonly string[]>;

const apiKey = 'none';

async function limited(
  prompts: readonly string[],
  parallel: number,
  ask: (prompt: string) => Promise<string>,
): Promise<string[]> {
  const { default: pLimit } = await import('p-limit');
  const limit = pLimit(parallel);
  return Promise.all(prompts.map((prompt) => limit(() => ask(prompt))));
}

const messagesOf = (content: string) => [{ role: 'user' as const, content }];

const bareFetch: Contender = (url, prompts, parallel) =>
  limited(prompts, parallel, async (prompt) => {
    const response = await fetch(`${url}/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${apiKey}` },
      body: JSON.stringify({ model: 'm', messages: messagesOf(prompt) }),
    });
    const { choices } = (await response.json()) as {
      choices: [{ message: { content: string } }];
    };
    return choices[0].message.content;
  });

const sdkWhole: Contender = async (url, prompts, parallel) => {
  const { OpenAI } = await import('openai');
  const client = new OpenAI({ apiKey, baseURL: url });
  return limited(prompts, parallel, async (prompt) => {
    const { choices } = await client.chat.completions.create({
      model: 'm',
      messages: messagesOf(prompt),
    });
    return choices[0]?.message.content ?? '';
  });
};

const sdkStreamed: Contender = async (url, prompts, parallel) => {
  const { OpenAI } = await import('openai');
  const client = new OpenAI({ apiKey, baseURL: url });
  return limited(prompts, parallel, async (prompt) => {
    const chunks = await client.chat.completions.create({
      ...{ model: 'm', messages: messagesOf(prompt) },
      stream: true,
      stream_options: { include_usage: true },
    });
    let text = '';
    for await (const { choices } of chunks) text += choices[0]?.delta.content ?? '';
    return text;
  });
};

async function aiSdkModel(url: string) {
  const { createOpenAI } = await import('@ai-sdk/openai');
  return createOpenAI({ apiKey, baseURL: url }).chat('m');
}

const aiSdkWhole: Contender = async (url, prompts, parallel) => {
  const { generateText } = await import('ai');
  const model = await aiSdkModel(url);
  return limited(prompts, parallel, async (prompt) => (await generateText({ model, prompt })).text);
};

const aiSdkStreamed: Contender = async (url, prompts, parallel) => {
  const { streamText } = await import('ai');
  const model = await aiSdkModel(url);
  return limited(prompts, parallel, async (prompt) => {
    let text = '';
    for await (const piece of streamText({ model, prompt }).textStream) text += piece;
    return text;
  });
};

async function langchainModel(url: string) {
  const { ChatOpenAI } = await import('@langchain/openai');
  return new ChatOpenAI({ model: 'm', apiKey, configuration: { baseURL: url } });
}

const langchainBatch: Contender = async (url, prompts, parallel) => {
  const model = await langchainModel(url);
  const answers = await model.batch([...prompts], { maxConcurrency: parallel });
  return answers.map(({ content }) => String(content));
};

const langchainStream: Contender = async (url, prompts, parallel) => {
  const model = await langchainModel(url);
  return limited(prompts, parallel, async (prompt) => {
    let text = '';
    for await (const { content } of await model.stream(prompt)) text += String(content);
    return text;
  });
};

interface Ours {
  readonly stream: boolean;
  readonly journal?: 'memory' | 'sqlite' | undefined;
  readonly isAdaptive?: boolean | undefined;
}

function stratagem({ stream, journal, isAdaptive = false }: Ours): Contender {
  return async (url, prompts, parallel) => {
    const { createExecutor } = await import('@stratagem/core');
    const { openai } = await import('@stratagem/openai');
    const directory = await mkdtemp(join(tmpdir(), 'stratagem-calls-'));
    const opened = await journalOf(journal, directory);
    try {
      const executor = createExecutor({
        strategy: await strategyOf(isAdaptive, parallel),
        runner: openai({ model: 'm', apiKey, baseURL: url, stream }),
        ...(opened && { journal: opened }),
      });
      const tasks = prompts.map((description, index) => ({ id: `task-${index}`, description }));
      const { outputs } = await executor.execute({ goal: 'calls', tasks }).orThrow();
      return tasks.map(({ id }) => String(outputs[id]));
    } finally {
      await opened?.close?.();
      await rm(directory, { recursive: true, force: true });
    }
  };
}

async function strategyOf(isAdaptive: boolean, maxParallel: number): Promise<Strategy> {
  if (!isAdaptive) return (await import('@stratagem/parallel')).parallel({ maxParallel });
  return (await import('@stratagem/adaptive')).adaptive({ maxParallel });
}

async function journalOf(
  kind: Ours['journal'],
  directory: string,
): Promise<(Journal & { close?(): Promise<void> }) | undefined> {
  if (kind === undefined) return undefined;
  if (kind === 'memory') return (await import('@stratagem/core')).memoryJournal();
  return (await import('@stratagem/sqlite')).sqliteJournal({ directory });
}

/** The contenders by mode; the first of each is the one that ratios are about. */
export const CONTENDERS = {
  whole: {
    'openai + p-limit': sdkWhole,
    fetch: bareFetch,
    'generateText + p-limit': aiSdkWhole,
    'langchain batch': langchainBatch,
    stratagem: stratagem({ stream: false }),
    'stratagem, journal in memory': stratagem({ stream: false, journal: 'memory' }),
    'stratagem, SQLite': stratagem({ stream: false, journal: 'sqlite' }),
    'stratagem, adaptive': stratagem({ stream: false, isAdaptive: true }),
    'stratagem, adaptive, SQLite': stratagem({
      ...{ stream: false, journal: 'sqlite', isAdaptive: true },
    }),
  },
  streamed: {
    'openai + p-limit': sdkStreamed,
    'streamText + p-limit': aiSdkStreamed,
    'langchain stream + p-limit': langchainStream,
    stratagem: stratagem({ stream: true }),
    'stratagem, SQLite': stratagem({ stream: true, journal: 'sqlite' }),
    'stratagem, adaptive': stratagem({ stream: true, isAdaptive: true }),
  },
} as const satisfies Readonly<Record<string, Readonly<Record<string, Contender>>>>;

export type Mode = keyof typeof CONTENDERS;
