import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';

/** How a request of a job ends. */
type Outcome = 'done' | 'refused' | 'expired';

/** A loopback server with the Batch API of a provider. */
export interface BatchProvider {
  /** The prompts of each job that was sent. */
  readonly jobs: readonly (readonly string[])[];
  /** Jobs end only while this is set. */
  isReleased: boolean;
  /** Decides how a request ends by how often its prompt was sent, this time included. */
  outcomeOf: (prompt: string, time: number) => Outcome;
  readonly canceled: string[];
  /** Called between the creation of a job and the answer with its id. */
  onCreated: (() => Promise<unknown>) | undefined;
  /** Resolves once a job that is held has been asked for. */
  readonly polled: Promise<void>;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  close(): void;
}

interface Sent {
  readonly customId: string;
  readonly prompt: string;
  readonly outcome: Outcome;
}

export async function batchProvider(kind: 'openai' | 'anthropic'): Promise<BatchProvider> {
  const jobs: Sent[][] = [];
  const times = new Map<string, number>();
  /** The metadata of each job. */
  const keys: unknown[] = [];
  let onPolled = () => {};
  const polled = new Promise<void>((resolve) => {
    onPolled = resolve;
  });
  const submit = (requests: readonly Omit<Sent, 'outcome'>[]) => {
    const job = requests.map((request) => {
      const time = (times.get(request.prompt) ?? 0) + 1;
      times.set(request.prompt, time);
      return { ...request, outcome: provider.outcomeOf(request.prompt, time) };
    });
    jobs.push(job);
    return jobs.length - 1;
  };
  const wire = kind === 'openai' ? openaiWire : anthropicWire;
  const server = createServer(async (request, response) => {
    const body = await text(request).catch(() => undefined);
    // The client has left.
    if (body === undefined) return;
    const url = request.url ?? '';
    const [, id = ''] = /(?:job|results|file)-(\d+)/.exec(url) ?? [];
    if (url.endsWith('/cancel')) provider.canceled.push(id);
    const isList = request.method === 'GET' && /batches(?:$|\?)/.test(url);
    const { isReleased } = provider;
    const answer = isList
      ? { data: listed({ keys, isReleased, jobs }), has_more: false }
      : wire({ url, body, id, isReleased, jobs, submit });
    if (request.method === 'POST' && url.endsWith('/batches')) {
      keys.push((JSON.parse(body) as { metadata?: object }).metadata);
      await provider.onCreated?.();
    }
    if (request.method === 'GET' && /job-\d+$/.test(url)) onPolled();
    response.setHeader(
      'content-type',
      typeof answer === 'string' ? 'text/plain' : 'application/json',
    );
    response.end(typeof answer === 'string' ? answer : JSON.stringify(answer));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const url = kind === 'openai' ? `${origin}/v1` : origin;
  const model = kind === 'openai' ? 'gpt-6.1-sol' : 'claude-opus-5-5';
  const key = kind === 'openai' ? 'OPENAI_API_KEY' : 'ANTHROPIC_API_KEY';
  const provider: BatchProvider = {
    get jobs() {
      return jobs.map((job) => job.map(({ prompt }) => prompt));
    },
    isReleased: true,
    outcomeOf: () => 'done',
    canceled: [],
    onCreated: undefined,
    polled,
    args: [
      '--runner',
      kind,
      '--model',
      model,
      '--base-url',
      url,
      '--batch',
      '--batch-poll',
      '20ms',
    ],
    env: { [key]: 'sk-none' },
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
  return provider;
}

/** The jobs as both providers list them, the newest first. */
function listed({
  keys,
  isReleased,
  jobs,
}: Pick<Call, 'isReleased' | 'jobs'> & { keys: unknown[] }) {
  const none = { succeeded: 0, errored: 0, canceled: 0, expired: 0 };
  return jobs
    .map((job, index) => ({
      ...{ id: `job-${index}`, metadata: keys[index] },
      created_at: kindOfTime(keys[index] === undefined),
      processing_status: isReleased ? 'ended' : 'in_progress',
      results_url: isReleased ? `/v1/messages/batches/job-${index}/results` : null,
      request_counts: { ...none, processing: job.length },
    }))
    .reverse();
}

/** Jobs with metadata are OpenAI's, with Unix time. */
function kindOfTime(isText: boolean): string | number {
  return isText ? new Date().toISOString() : Math.floor(Date.now() / 1_000);
}

interface Call {
  readonly url: string;
  readonly body: string;
  readonly id: string;
  readonly isReleased: boolean;
  readonly jobs: readonly (readonly Sent[])[];
  readonly submit: (requests: readonly Omit<Sent, 'outcome'>[]) => number;
}

function openaiWire({ url, body, id, isReleased, jobs, submit }: Call): unknown {
  if (url.endsWith('/files')) {
    const lines = body.split('\r\n').find((part) => part.startsWith('{')) ?? '';
    const requests = lines
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
      .map((each) => ({
        customId: each.custom_id as string,
        prompt: each.body.messages.at(-1).content as string,
      }));
    return { id: `file-${submit(requests)}` };
  }
  if (url.endsWith('/batches')) {
    const { input_file_id: file } = JSON.parse(body);
    return { id: file.replace('file', 'job'), status: 'in_progress' };
  }
  const job = jobs[Number(id)] ?? [];
  if (url.endsWith('/content')) return job.flatMap(openaiLine).join('\n');
  const isExpired = job.some(({ outcome }) => outcome === 'expired');
  const status = !isReleased ? 'in_progress' : isExpired ? 'expired' : 'completed';
  return { id: `job-${id}`, status, output_file_id: `results-${id}` };
}

/** A job that expires has no lines for what it did not get to. */
function openaiLine({ customId, prompt, outcome }: Sent): string[] {
  if (outcome === 'expired') return [];
  const usage = { prompt_tokens: 1_000, completion_tokens: 1_000, total_tokens: 2_000 };
  const choices = [{ message: { role: 'assistant', content: prompt }, finish_reason: 'stop' }];
  const response =
    outcome === 'done'
      ? { status_code: 200, body: { model: 'gpt-6.1-sol', choices, usage } }
      : { status_code: 400, body: { error: { type: 'invalid_request_error', message: 'Bad.' } } };
  return [JSON.stringify({ custom_id: customId, response })];
}

function anthropicWire({ url, body, id, isReleased, jobs, submit }: Call): unknown {
  if (url.endsWith('/batches')) {
    const { requests } = JSON.parse(body);
    const sent = requests.map((each: { custom_id: string; params: { messages: Said[] } }) => ({
      customId: each.custom_id,
      prompt: promptOf(each.params.messages),
    }));
    return { id: `job-${submit(sent)}`, processing_status: 'in_progress' };
  }
  if (url.endsWith('/results')) return (jobs[Number(id)] ?? []).map(anthropicLine).join('\n');
  const status = isReleased ? 'ended' : 'in_progress';
  return {
    id: `job-${id}`,
    processing_status: status,
    results_url: `/v1/messages/batches/job-${id}/results`,
  };
}

interface Said {
  readonly content: string | readonly { readonly text: string }[];
}

function promptOf(messages: readonly Said[]): string {
  const content = messages.at(-1)?.content ?? '';
  return typeof content === 'string' ? content : content.map(({ text }) => text).join('');
}

function anthropicLine({ customId, prompt, outcome }: Sent): string {
  const usage = { input_tokens: 1_000, output_tokens: 1_000 };
  const content = [{ type: 'text', text: prompt }];
  const message = {
    role: 'assistant',
    model: 'claude-opus-5-5',
    stop_reason: 'end_turn',
    content,
    usage,
  };
  const error = { type: 'error', error: { type: 'invalid_request_error', message: 'Bad.' } };
  const result =
    outcome === 'done'
      ? { type: 'succeeded', message }
      : outcome === 'expired'
        ? { type: 'expired' }
        : { type: 'errored', error };
  return JSON.stringify({ custom_id: customId, result });
}
