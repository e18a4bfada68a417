import type { BatchAnswer, BatchCall } from '@stratagem/test-kit';

/** A request in the input file of a job. */
export interface SentRequest {
  readonly custom_id: string;
  readonly method: string;
  readonly url: string;
  readonly body: Record<string, unknown>;
}

/** The outcome of a request: a line of the output file, or of the error file. */
export type Outcome = { readonly response: object } | { readonly error: object } | undefined;

/** The files and jobs of OpenAI. A job ends after a number of polls. */
export class BatchApi {
  readonly jobs: SentRequest[][] = [];
  readonly canceled: string[] = [];
  pollsPerJob = 2;
  status = 'completed';
  outcome: (request: SentRequest) => Outcome = () => undefined;
  readonly #files = new Map<string, string>();
  readonly #created: object[] = [];
  readonly #polls = new Map<string, number>();

  readonly routes = ({ method, path, body }: BatchCall): BatchAnswer | undefined => {
    const [, resource, id, action] = path.replace(/\?.*/, '').replace('/v1', '').split('/');
    if (method === 'POST' && resource === 'files') return this.#upload(body);
    if (method === 'GET' && resource === 'files' && action === 'content') {
      return { body: this.#files.get(id ?? '') ?? '' };
    }
    if (resource !== 'batches') return undefined;
    if (method === 'POST' && id === undefined) return this.#create(JSON.parse(body));
    if (method === 'GET' && id === undefined) {
      const data = this.#created.map((job) => ({ ...job, created_at: Date.now() / 1_000 }));
      return { body: { object: 'list', data: data.reverse(), has_more: false } };
    }
    if (method === 'POST' && action === 'cancel') {
      this.canceled.push(id ?? '');
      return { body: { id, status: 'cancelling' } };
    }
    return { body: this.#retrieve(id ?? '') };
  };

  #upload(multipart: string): BatchAnswer {
    const id = `file-${this.#files.size + 1}`;
    const [, content = ''] =
      /filename="requests.jsonl"[\s\S]*?\r\n\r\n([\s\S]*?)\r\n--/.exec(multipart) ?? [];
    this.#files.set(id, content);
    return { body: { id, object: 'file', purpose: 'batch' } };
  }

  #create(given: { input_file_id: string; endpoint: string; completion_window: string }) {
    const lines = this.#files.get(given.input_file_id)?.trim().split('\n') ?? [];
    this.jobs.push(lines.map((line) => JSON.parse(line)));
    const job = { id: `batch_${this.jobs.length}`, status: 'validating', ...given };
    this.#created.push(job);
    return { body: job };
  }

  #retrieve(id: string): object {
    const polls = (this.#polls.get(id) ?? 0) + 1;
    this.#polls.set(id, polls);
    if (polls < this.pollsPerJob) return { id, status: 'in_progress' };
    const lines = (this.jobs[Number(id.slice(6)) - 1] ?? []).map((request) => ({
      custom_id: request.custom_id,
      outcome: this.outcome(request),
    }));
    // Results arrive in another order than requests.
    lines.reverse();
    const write = (name: string, wanted: 'response' | 'error') => {
      const text = lines
        .filter(({ outcome }) => outcome !== undefined && wanted in outcome)
        .map(({ custom_id, outcome }) => JSON.stringify({ id: 'r', custom_id, ...outcome }))
        .join('\n');
      if (text === '') return {};
      this.#files.set(`${name}-${id}`, `${text}\n`);
      return { [`${name}_file_id`]: `${name}-${id}` };
    };
    return { id, status: this.status, ...write('output', 'response'), ...write('error', 'error') };
  }
}
