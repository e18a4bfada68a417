/**
 * The statements that lead from each version of the tables to the next one. A published one never changes.
 *
 * `runs` has one row for each run: the number of its events and its summary, so that a list reads no
 * log; its lease; and, when it was submitted, what the queue needs. A row is locked by each append, so
 * `token`, `events` and `owner` decide which appends count. `events` is the log. `contents` has large
 * values once, by the SHA-256 of their text. `completions` has the last output of each content key.
 * `limits` has the schedules of shared limits, and pauses under the empty quantity. `requests` has what
 * processes ask of runs of others, and the replies for a day.
 */
export const MIGRATIONS: readonly ((schema: string) => string)[] = [
  (schema) => `
    CREATE TABLE ${schema}.runs (
      run bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
      id text COLLATE "C" NOT NULL UNIQUE,
      events bigint NOT NULL DEFAULT 0,
      summary text NOT NULL,
      has_ended boolean NOT NULL DEFAULT false,
      token bigint NOT NULL DEFAULT 0,
      owner text,
      lease_ms int,
      lease_until timestamptz,
      tenant text COLLATE "C",
      submission text,
      submitter text,
      postponed_until timestamptz
    ) WITH (fillfactor = 50);
    CREATE INDEX runs_queued ON ${schema}.runs (tenant, run) WHERE tenant IS NOT NULL AND NOT has_ended;
    CREATE INDEX runs_claimed ON ${schema}.runs (tenant)
      WHERE tenant IS NOT NULL AND NOT has_ended AND owner IS NOT NULL;
    CREATE TABLE ${schema}.contents (
      hash bytea PRIMARY KEY,
      text text NOT NULL
    );
    CREATE TABLE ${schema}.events (
      run bigint NOT NULL REFERENCES ${schema}.runs ON DELETE CASCADE,
      position bigint NOT NULL,
      size bigint NOT NULL,
      event text NOT NULL,
      content bytea,
      PRIMARY KEY (run, position)
    );
    CREATE TABLE ${schema}.completions (
      content_key text COLLATE "C" PRIMARY KEY,
      run bigint NOT NULL REFERENCES ${schema}.runs ON DELETE CASCADE,
      position bigint NOT NULL
    );
    CREATE TABLE ${schema}.limits (
      resource text COLLATE "C",
      quantity text COLLATE "C",
      end_ms float8 NOT NULL,
      at_ms float8 NOT NULL,
      PRIMARY KEY (resource, quantity)
    ) WITH (fillfactor = 50);
  `,
  (schema) => `
    CREATE TABLE ${schema}.requests (
      number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
      id text COLLATE "C" NOT NULL UNIQUE,
      run bigint NOT NULL REFERENCES ${schema}.runs ON DELETE CASCADE,
      action text NOT NULL,
      position bigint NOT NULL,
      reply text,
      replied_at timestamptz
    );
    CREATE INDEX requests_pending ON ${schema}.requests (run, number) WHERE reply IS NULL;
    CREATE INDEX requests_replied ON ${schema}.requests (replied_at) WHERE reply IS NOT NULL;
  `,
];
