import { OptionError, RunnerError, type TaskRunner, type Usage } from '@stratagem/core';
import {
  checkOptions,
  codeOfStatus,
  parseRetryAfter,
  redact,
  withTimeLimit,
} from '@stratagem/core/runner';

export interface MyPartOptions {
  /** The address that takes the requests. */
  readonly url: string;
  readonly apiKey?: string | undefined;
  /**
   * The longest one request may take, in milliseconds.
   * @default 60_000
   */
  readonly timeoutMs?: number | undefined;
}

/** The answer of the service. Change this, and the request below, to what yours takes and gives. */
interface Answer {
  readonly text: string;
  readonly model?: string;
  readonly usage?: Usage;
}

/** Runs tasks on a service that takes a prompt and returns a text. */
export function myPart(options: MyPartOptions): TaskRunner {
  checkOptions('myPart()', options, ['url', 'apiKey', 'timeoutMs']);
  const { url, apiKey, timeoutMs = 60_000 } = options;
  if (!URL.canParse(url)) throw new OptionError('myPart(): url must be an address');
  return {
    name: 'my-part',
    run: ({ prompt }, context) =>
      withTimeLimit(context, timeoutMs, async (signal) => {
        const response = await fetch(url, {
          method: 'POST',
          headers: {
            'content-type': 'application/json',
            // The service can tell that it has seen this attempt before.
            'idempotency-key': context.idempotencyKey,
            ...(apiKey !== undefined && { authorization: `Bearer ${apiKey}` }),
          },
          body: JSON.stringify({ prompt }),
          signal,
        });
        if (!response.ok) {
          // The code says whether it is worth trying again; a key must not get into a log.
          const secrets = apiKey === undefined ? [] : [apiKey];
          const why = redact(`my-part: ${response.status} ${await response.text()}`, secrets);
          const retryAfterMs = parseRetryAfter(response.headers);
          throw new RunnerError(codeOfStatus(response.status), why, { retryAfterMs });
        }
        const { text, model, usage } = (await response.json()) as Answer;
        await context.emit(text);
        return { output: text, model, usage };
      }),
  };
}
