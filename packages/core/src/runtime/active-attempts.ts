import type { AttemptCarrier, AttemptReport } from '../contract/carrier.js';
import { RunnerError } from '../contract/errors.js';
import type { RunObserver } from '../contract/instrumentation.js';
import type { OutputFiles } from '../contract/output-files.js';
import { type OutputPart, partOf } from '../contract/output-part.js';
import { idempotencyKeyOf } from '../contract/run-id.js';
import type { AttemptResult } from '../contract/runner.js';
import type { Task } from '../contract/task.js';
import type { ApprovalDecision, ApprovalRequest } from '../contract/tool-approval.js';
import type { Command } from '../kernel/command.js';
import type { Kernel } from '../kernel/kernel.js';
import { attach } from './attach.js';
import type { AttachmentReader } from './attachment-reader.js';
import { Attempt, type AttemptHost, type ContentKey } from './attempt.js';
import { AttemptFacts, type AttemptInbox } from './attempt-facts.js';
import type { AttemptKeys } from './content-key.js';
import { finishedResult } from './finished-result.js';
import type { Input } from './input.js';
import { isPlainText, keepPart, keepRequest, keepResult, withDetails } from './kept-output.js';
import { type ProcessCarrier, readAnswer } from './process-carrier.js';
import type { SavedFiles } from './saved-files.js';
import type { RunSettings } from './settings.js';
import { StreamedSecrets } from './streamed-secrets.js';

/** The attempts of a run in flight: hands them to the carrier, and turns its reports into inputs. */
export class ActiveAttempts extends AttemptFacts implements AttemptHost {
  /** The carrier, where attempts run in this process. */
  readonly #own: ProcessCarrier | undefined;
  /** The carrier of attempts that run elsewhere. */
  readonly #carrier: AttemptCarrier | undefined;
  /** Whether attempts start at once in this process: no output of an earlier run may take their place. */
  readonly #startsAtOnce: boolean;
  /** By the index of the task; undefined for a task without an attempt in flight. */
  readonly #active: (Attempt | undefined)[];
  /** Keys of attempts that have ended, whose results may not be durable yet. */
  readonly #settled: string[] = [];
  #savedFiles: Promise<SavedFiles> | undefined;
  /** In a run with a journal, once they are loaded. */
  #keys: AttemptKeys | undefined;
  #loadingKeys: Promise<AttemptKeys> | undefined;

  /** @param own The carrier of a run without one in its settings. */
  constructor(
    settings: RunSettings,
    kernel: Kernel,
    own: ProcessCarrier | undefined,
    inbox: AttemptInbox,
    observer: RunObserver | undefined,
  ) {
    super(settings, kernel, inbox, observer);
    this.#own = own;
    // The engine stores longer arrays as hash tables, unless they grow.
    this.#active = new Array(Math.min(kernel.graph.size, 2 ** 24));
    this.#carrier = settings.carrier;
    this.#startsAtOnce = own !== undefined && settings.record?.reuse === undefined;
  }

  /** To be called in a run with a journal, before the first start: other runs need no keys. */
  loadKeys(): void {
    this.#loadingKeys = import('./content-key.js').then(({ AttemptKeys }) => {
      this.#keys = new AttemptKeys(this.settings, this.kernel);
      return this.#keys;
    });
  }

  launch(command: Extract<Command, { type: 'start' }>, now: number): void {
    const task = this.kernel.graph.tasks[command.index] as Task;
    const attempt = new Attempt(task, command, now, this);
    this.#active[command.index] = attempt;
    if (task.attachments !== undefined) this.#beginWithAttachments(attempt);
    else if (this.#startsAtOnce) this.#own?.run(attempt);
    else this.#begin(attempt);
  }

  #begin(attempt: Attempt): void {
    const mayBeFound = attempt.task.run === undefined && this.settings.record?.reuse !== undefined;
    if (mayBeFound && this.#loadingKeys !== undefined) {
      this.#startUnlessFound(attempt, this.#loadingKeys);
    } else this.#start(attempt);
  }

  #beginWithAttachments(attempt: Attempt): void {
    const { attachments } = this.settings;
    if (attachments.reader !== undefined) {
      if (this.#attach(attempt, attachments.reader)) this.#begin(attempt);
      return;
    }
    // The task was added while the run was under way.
    attachments.load().then((reader) => {
      if (!attempt.isOver && this.#attach(attempt, reader)) this.#begin(attempt);
    });
  }

  /** Gives the attempt what its task attaches. Returns whether the attempt can start. */
  #attach(attempt: Attempt, reader: AttachmentReader): boolean {
    try {
      for (const part of attach(attempt, reader, this.kernel, this.settings)) {
        this.#takeOutput(attempt, part);
      }
      return true;
    } catch (thrown) {
      this.#end(attempt, { type: 'failed', attempt, thrown });
      return false;
    }
  }

  /** The attempt has ended, as far as the run is concerned. */
  leave(attempt: Attempt): void {
    attempt.isOver = true;
    this.#active[attempt.index] = undefined;
    if (this.#carrier?.forget !== undefined) this.#settled.push(attempt.key);
  }

  /** Whether attempts have ended that the carrier has not been told to forget. */
  get hasSettled(): boolean {
    return this.#settled.length > 0;
  }

  /** The results of attempts that have ended are recorded: the carrier need not keep them. */
  forgetSettled(): void {
    for (const key of this.#settled.splice(0)) this.#ask((carrier) => carrier.forget?.(key));
  }

  /** The run has ended: what still works in this process is asked to end. */
  close(): void {
    // Most runs end without any, and an error takes as long as many tasks.
    for (const attempt of this.#active) {
      if (attempt !== undefined) this.#own?.abort(attempt, new Error('the run has ended'));
    }
    // The handle of the run refers to this list, and may live longer than the run.
    this.#active.length = 0;
  }

  /** The run does not want this attempt any more. */
  cancel(index: number, number: number, reason: unknown): void {
    const attempt = this.#active[index];
    if (attempt?.attempt === number) {
      this.#giveUp(attempt, reason, (carrier) => carrier.cancel(attempt.key, reason));
    } else if (this.#own === undefined) {
      // An attempt of the process before this one, which the carrier may still work on.
      const { id } = this.kernel.graph.tasks[index] as Task;
      const key = idempotencyKeyOf(this.runId, id, number);
      this.#ask((carrier) => carrier.cancel(key, reason));
    }
  }

  /** A human has decided about a call that an attempt asked for. */
  decide(index: number, number: number, callKey: string, decision: ApprovalDecision): void {
    const attempt = this.#active[index];
    if (attempt?.attempt !== number) return;
    if (this.#own !== undefined) attempt.decide(callKey, decision);
    else this.#ask((carrier) => carrier.decide?.(attempt.key, callKey, decision));
  }

  /** This process gives up the run: attempts elsewhere live on until the run is resumed. */
  detachAll(reason: unknown): void {
    for (const attempt of this.#active) {
      if (attempt !== undefined) {
        this.#giveUp(attempt, reason, (carrier) => carrier.detach(attempt.key));
      }
    }
    // Their results were not recorded: the resumed run needs them.
    for (const key of this.#settled.splice(0)) this.#ask((carrier) => carrier.detach(key));
  }

  /** Nothing that the attempt does counts any more; the carrier learns why. */
  #giveUp(attempt: Attempt, reason: unknown, tell: (carrier: AttemptCarrier) => void): void {
    attempt.isOver = true;
    this.#active[attempt.index] = undefined;
    attempt.abort(reason);
    this.#own?.abort(attempt, reason);
    this.#ask(tell);
    attempt.release();
  }

  /** A carrier that fails must not stop the run: it looks after its attempts by itself. */
  #ask(request: (carrier: AttemptCarrier) => void): void {
    try {
      if (this.#carrier !== undefined) request(this.#carrier);
    } catch {
      // Nobody needs the error: the attempt has ended for the run.
    }
  }

  // --- Starts and reports ---

  #start(attempt: Attempt): void {
    if (this.#own !== undefined) {
      this.#own.run(attempt);
      return;
    }
    try {
      this.settings.carrier?.start(attempt, (report) => this.receive(attempt, report));
    } catch (thrown) {
      this.#end(attempt, { type: 'failed', attempt, thrown });
    }
  }

  /** Starts an attempt unless an earlier answer takes its place. */
  async #startUnlessFound(attempt: Attempt, keys: Promise<AttemptKeys>): Promise<void> {
    const notice = (message: string) => {
      this.inbox.takeOutput(attempt, { kind: 'notice', source: 'journal', message });
    };
    const result = await (await keys).find(attempt, this.inbox.now(), notice);
    if (attempt.isOver) return;
    if (result === undefined) this.#start(attempt);
    else this.complete(attempt, result, true);
  }

  /** Takes a report of the carrier. */
  receive(attempt: Attempt, report: AttemptReport): Promise<void> | undefined {
    switch (report.type) {
      case 'add_tasks':
        this.#addTasks(attempt, report.tasks);
        return undefined;
      case 'output':
        return attempt.isOver ? undefined : this.#takeOutput(attempt, report.part);
      case 'approval':
        if (!attempt.isOver) this.#askApproval(attempt, report.request);
        return undefined;
      case 'begun':
        if (!attempt.isOver) this.inbox.take({ type: 'begun', attempt }, true);
        return undefined;
      case 'failed':
        this.#end(attempt, { type: 'failed', attempt, thrown: report.error });
        return undefined;
      case 'completed':
        this.complete(attempt, report.result);
    }
    return undefined;
  }

  /**
   * Takes the result of an attempt. An output that cannot be kept has failed.
   *
   * @param isFinished Whether it fits the schema of its task, and has its content key.
   */
  complete(attempt: Attempt, given: AttemptResult, isFinished = false): void {
    if (attempt.isOver) return;
    const { outputSchema, save, run } = attempt.task;
    let input: Input;
    try {
      // What came over a wire may be anything.
      const isForeign = this.#carrier !== undefined && !isFinished;
      const result = isForeign ? readAnswer(this.#carrier.name, given, true) : given;
      const mayHaveKey = this.#loadingKeys !== undefined && run === undefined && !isFinished;
      const contentKey = mayHaveKey ? this.#keyOf(attempt) : undefined;
      if (typeof contentKey === 'object' || (outputSchema !== undefined && !isFinished)) {
        this.#finish(attempt, result, contentKey);
        return;
      }
      const keyed = contentKey === undefined ? result : { ...result, contentKey };
      const isKept = isPlainText(keyed.output, this.settings);
      const kept = isKept ? keyed : keepResult(keyed, this.settings);
      if (save !== undefined) {
        this.#saveAndEnd(attempt, kept);
        return;
      }
      input = { type: 'completed', attempt, result: kept };
    } catch (thrown) {
      input = { type: 'failed', attempt, thrown };
    }
    this.#end(attempt, input);
  }

  /** The content key of an attempt; a promise while the code for it is loaded. */
  #keyOf(attempt: Attempt): ContentKey {
    if (this.#keys !== undefined) return this.#keys.of(attempt);
    return this.#loadingKeys?.then((keys) => keys.of(attempt));
  }

  #takeParts(attempt: Attempt, parts: readonly OutputPart[]): Promise<void> | undefined {
    let pressure: Promise<void> | undefined;
    for (const part of parts) {
      pressure = this.inbox.takeOutput(attempt, keepPart(part, this.settings));
    }
    return pressure;
  }

  /** In this process, `emit` throws at once when a part is invalid. */
  #takeOutput(attempt: Attempt, part: OutputPart): Promise<void> | undefined {
    try {
      const own = this.#own === undefined ? partOf(part) : part;
      const { secretTexts } = this.settings;
      if (secretTexts === undefined) {
        return this.inbox.takeOutput(attempt, keepPart(own, this.settings));
      }
      attempt.streamed ??= new StreamedSecrets(secretTexts);
      return this.#takeParts(attempt, attempt.streamed.add(own));
    } catch (thrown) {
      this.#stop(attempt, thrown);
      return undefined;
    }
  }

  #askApproval(attempt: Attempt, request: ApprovalRequest): void {
    try {
      if (this.#carrier !== undefined && this.#carrier.decide === undefined) {
        const { name } = this.#carrier;
        const message = `the carrier "${name}" cannot run the tool "${request.tool}", which needs approval`;
        throw new RunnerError('invalid_request', message);
      }
      const kept = keepRequest(request, this.settings);
      this.inbox.take({ type: 'approval', attempt, request: kept }, true);
    } catch (thrown) {
      this.#stop(attempt, thrown);
    }
  }

  /** In this process, `addTasks` throws at once when the tasks cannot be added. */
  #addTasks(attempt: Attempt, tasks: readonly Task[]): void {
    if (this.#own !== undefined) {
      this.inbox.addTasks(attempt, tasks);
      return;
    }
    if (attempt.isOver) return;
    try {
      this.inbox.addTasks(attempt, tasks);
    } catch (thrown) {
      this.#stop(attempt, thrown);
    }
  }

  /** Ends an attempt that has reported something impossible. */
  #stop(attempt: Attempt, thrown: unknown): void {
    this.#own?.abort(attempt, thrown);
    this.#ask((carrier) => carrier.cancel(attempt.key, thrown));
    this.#end(attempt, { type: 'failed', attempt, thrown });
  }

  /** Checks an output against its schema, and adds the key under which it can be found again. */
  #finish(attempt: Attempt, result: AttemptResult, contentKey: ContentKey): void {
    finishedResult(attempt.task, result, contentKey).then(
      (finished) => this.complete(attempt, finished, true),
      (thrown) => this.#end(attempt, { type: 'failed', attempt, thrown }),
    );
  }

  /** An output that cannot be saved has failed, and has been paid for all the same. */
  #saveAndEnd(attempt: Attempt, result: AttemptResult): void {
    this.#savedFiles ??= this.#openFiles();
    const saved = this.#savedFiles.then((files) => files.save(attempt.index, result.output));
    saved.then(
      (savedTo) => {
        const input: Input = { type: 'completed', attempt, result: { ...result, savedTo } };
        this.#end(attempt, input);
      },
      (thrown) => {
        const failure = withDetails(thrown, result);
        this.#end(attempt, { type: 'failed', attempt, thrown: failure });
      },
    );
  }

  async #openFiles(): Promise<SavedFiles> {
    // Loaded when it is needed: most plans save nothing.
    const { SavedFiles } = await import('./saved-files.js');
    return new SavedFiles(this.settings.toolbox.files as OutputFiles, this.kernel);
  }

  #end(attempt: Attempt, input: Input): void {
    if (attempt.isOver) return;
    const last = attempt.streamed === undefined ? input : this.#withRest(attempt, input);
    attempt.isOver = true;
    this.inbox.take(last, this.#own === undefined);
  }

  /** Takes the text that has waited for more. Too much of it makes the attempt fail. */
  #withRest(attempt: Attempt, input: Input): Input {
    try {
      this.#takeParts(attempt, attempt.streamed?.end() ?? []);
      return input;
    } catch (error) {
      if (input.type === 'failed') return input;
      const failure = error as RunnerError;
      const thrown = input.type === 'completed' ? withDetails(failure, input.result) : failure;
      return { type: 'failed', attempt, thrown };
    }
  }
}
