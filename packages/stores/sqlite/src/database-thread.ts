import { Worker } from 'node:worker_threads';

/** As often as SQLite would by itself: after a thousand pages. */
const LOG_LENGTH = 4_096_000;

/** A large content for the table of contents. */
export interface ContentRequest {
  /** Its JSON; left out when `output` is to be encoded. */
  readonly text?: string | undefined;
  readonly output?: string | undefined;
  /** The checksum of the row so far, to which that of the content is added. */
  readonly sum: number;
}

export interface WrittenContent {
  /** Its number in the table. */
  readonly content: number;
  readonly checksum: number;
}

interface ContentStatements {
  readonly insert: string;
  readonly find: string;
}

/**
 * What the thread does, with a connection of its own. The first checkpoint holds nobody up; the second
 * waits for writers, so that the log can begin again and does not grow without end.
 */
const PROGRAM = `
  const { hash } = require('node:crypto');
  const { existsSync } = require('node:fs');
  const { parentPort, workerData } = require('node:worker_threads');
  const { crc32 } = require('node:zlib');
  const { file, insert, find } = workerData;
  let database;
  function connect() {
    if (database !== undefined) return;
    // SQLite would create it.
    if (!existsSync(file)) throw new Error('the file was deleted or moved');
    const { DatabaseSync } = require('node:sqlite');
    database = new DatabaseSync(file);
    database.exec('PRAGMA busy_timeout = 10000; PRAGMA synchronous = NORMAL');
    database.exec('PRAGMA wal_autocheckpoint = 0; PRAGMA checkpoint_fullfsync = ON');
  }
  function writeContent({ output, text = JSON.stringify(output), sum }) {
    const digest = hash('sha256', text, 'buffer');
    const checksum = crc32(text, sum);
    const { changes, lastInsertRowid } = database.prepare(insert).run(digest, text);
    if (Number(changes) > 0) return { content: Number(lastInsertRowid), checksum };
    const found = database.prepare(find).get(text, digest);
    return { content: found?.same === 1 ? Number(found.content) : -1, checksum };
  }
  parentPort.on('message', (request) => {
    let answer;
    try {
      connect();
      if (request === 'checkpoint') {
        database.exec('PRAGMA wal_checkpoint(PASSIVE); PRAGMA wal_checkpoint(RESTART)');
      } else answer = { written: writeContent(request) };
    } catch ({ message, code, errcode }) {
      answer = { error: { message, code, errcode } };
    }
    parentPort.postMessage(answer);
  });
`;

type Answer =
  | { readonly written: WrittenContent }
  | { readonly error: { readonly message: string } }
  | undefined;

/**
 * A thread for work that would hold up the program. It copies the log of a database into its file, which
 * waits for the disk, and it writes large contents. It begins when there is such work.
 */
export class DatabaseThread {
  readonly #data: ContentStatements & { readonly file: string };
  readonly #onFailure: () => void;
  #length = 0;
  #isCheckpointing = false;
  #worker: Worker | undefined;
  #hasFailed = false;
  /** How many callers wait for the thread, which must keep the process alive meanwhile. */
  #callers = 0;
  /** What waits for an answer, in order. */
  readonly #waiting: ((answer: Answer) => void)[] = [];

  /** @param onFailure Called when there can be no thread: SQLite then copies the log in commits. */
  constructor(file: string, statements: ContentStatements, onFailure: () => void) {
    this.#data = { file, ...statements };
    this.#onFailure = onFailure;
  }

  /** A commit has made the log longer by about so much. */
  recordCommit(length: number): void {
    this.#length += length;
    if (this.#length >= LOG_LENGTH) void this.#checkpoint();
  }

  /**
   * Writes a content unless it exists. Rejects with the errors of SQLite.
   *
   * @returns Undefined when there can be no thread.
   */
  async writeContent(request: ContentRequest): Promise<WrittenContent | undefined> {
    this.#callers++;
    const asked = this.#ask(request);
    this.#worker?.ref();
    const answer = await asked;
    this.#callers--;
    if (this.#callers === 0) this.#worker?.unref();
    if (answer === undefined) return undefined;
    if ('error' in answer) throw Object.assign(new Error(answer.error.message), answer.error);
    return answer.written;
  }

  /** The last connection to close a file copies the rest of its log: this leaves little of it. */
  async close(): Promise<void> {
    if (this.#worker === undefined) return;
    this.#callers++;
    this.#worker.ref();
    await this.#ask('checkpoint');
    await this.#worker.terminate();
  }

  async #checkpoint(): Promise<void> {
    if (this.#isCheckpointing) return;
    this.#isCheckpointing = true;
    this.#length = 0;
    // When it fails, the log grows until the next one.
    await this.#ask('checkpoint');
    this.#isCheckpointing = false;
  }

  #ask(request: ContentRequest | 'checkpoint'): Promise<Answer> {
    return new Promise((resolve) => {
      if (this.#hasFailed) return resolve(undefined);
      try {
        this.#worker ??= this.#start();
        this.#waiting.push(resolve);
        this.#worker.postMessage(request);
      } catch {
        this.#fail();
        resolve(undefined);
      }
    });
  }

  #start(): Worker {
    const worker = new Worker(PROGRAM, {
      eval: true,
      workerData: this.#data,
      execArgv: ['--disable-warning=ExperimentalWarning'],
    });
    worker.on('message', (answer: Answer) => this.#waiting.shift()?.(answer));
    worker.on('error', () => this.#fail());
    // A checkpoint alone must not keep the process alive.
    worker.unref();
    return worker;
  }

  #fail(): void {
    this.#hasFailed = true;
    this.#onFailure();
    for (const resolve of this.#waiting.splice(0)) resolve(undefined);
  }
}
