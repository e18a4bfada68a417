import type { BatchAnswer, BatchCall } from '@stratagem/test-kit';

/** A request of a job. */
export interface SentRequest {
  readonly custom_id: string;
  readonly params: Record<string, unknown>;
}

/** The jobs of Anthropic. A job ends after a number of polls. */
export class BatchApi {
  readonly jobs: SentRequest[][] = [];
  readonly canceled: string[] = [];
  pollsPerJob = 2;
  /** The outcome of a request; undefined for no result. */
  outcome: (request: SentRequest) => object | undefined = () => undefined;
  readonly #polls = new Map<string, number>();

  readonly routes = ({ method, path, body }: BatchCall): BatchAnswer | undefined => {
    const [, , , , id, action] = (path.split('?')[0] ?? '').split('/');
    if (!path.startsWith('/v1/messages/batches')) return undefined;
    if (method === 'POST' && id === undefined) {
      this.jobs.push((JSON.parse(body) as { requests: SentRequest[] }).requests);
      return { body: { id: `msgbatch_${this.jobs.length}`, processing_status: 'in_progress' } };
    }
    if (method === 'GET' && id === undefined) return { body: this.#list() };
    if (action === 'cancel') {
      this.canceled.push(id ?? '');
      return { body: { id, processing_status: 'canceling' } };
    }
    return {
      body: action === 'results' ? this.#results(id ?? '') : this.#retrieve(id ?? '', path),
    };
  };

  /** The newest first. */
  #list(): object {
    const data = this.jobs.map(({ length }, index) => ({
      id: `msgbatch_${index + 1}`,
      created_at: new Date().toISOString(),
      processing_status: 'in_progress',
      request_counts: { processing: length, succeeded: 0, errored: 0, canceled: 0, expired: 0 },
    }));
    return { data: data.reverse(), has_more: false, first_id: null, last_id: null };
  }

  #retrieve(id: string, path: string): object {
    const polls = (this.#polls.get(id) ?? 0) + 1;
    this.#polls.set(id, polls);
    if (polls < this.pollsPerJob) return { id, processing_status: 'in_progress' };
    return { id, processing_status: 'ended', results_url: `${path.split('?')[0]}/results` };
  }

  /** Results arrive in another order than requests. */
  #results(id: string): string {
    const lines = (this.jobs[Number(id.slice(9)) - 1] ?? []).flatMap((request) => {
      const result = this.outcome(request);
      return result === undefined ? [] : JSON.stringify({ custom_id: request.custom_id, result });
    });
    return `${lines.reverse().join('\n')}\n`;
  }
}
