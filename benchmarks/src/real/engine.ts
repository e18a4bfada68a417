import type { LlamaContextSequence, LlamaModel } from 'node-llama-cpp';
import { CONTEXT } from './model.js';

/** The answers that the engine works on at once; others wait. */
const SEQUENCES = 32;

export interface Question {
  readonly prompt: string;
  /** The tokens of the answer. */
  readonly outputTokens: number;
  readonly seed: number;
  readonly signal: AbortSignal;
}

/** A prompt and its answer do not fit into the context. */
export class TooLongError extends Error {}

/**
 * llama.cpp in this process, with continuous batching: each pass through the model takes the next token of every
 * answer in progress, and the prompts of new ones.
 */
export class Engine {
  readonly #model: LlamaModel;
  readonly #free: LlamaContextSequence[];
  /** Starts the requests that wait for a sequence, oldest first. */
  readonly #waiting: ((sequence: LlamaContextSequence) => void)[] = [];

  private constructor(model: LlamaModel, sequences: LlamaContextSequence[]) {
    this.#model = model;
    this.#free = sequences;
  }

  /**
   * Loads a model.
   *
   * @param threads The threads that compute. On a machine with other work, more than one wait for each other.
   * @throws NoBinaryFoundError where there is no prebuilt binary: nothing is built or downloaded.
   */
  static async load(modelPath: string, threads: number): Promise<Engine> {
    const { getLlama, LlamaLogLevel } = await import('node-llama-cpp');
    const llama = await getLlama({
      ...{ gpu: false, build: 'never', skipDownload: true, progressLogs: false },
      ...{ logLevel: LlamaLogLevel.error, maxThreads: threads },
    });
    const model = await llama.loadModel({ modelPath });
    const context = await model.createContext({
      ...{ sequences: SEQUENCES, contextSize: CONTEXT, batchSize: CONTEXT, threads },
    });
    return new Engine(
      model,
      Array.from({ length: SEQUENCES }, () => context.getSequence()),
    );
  }

  /** The tokens of a text. */
  countTokens(text: string): number {
    return this.#model.tokenize(text).length;
  }

  /** The text of each token of an answer, as soon as there is one. Ends early when the signal is aborted. */
  async *answer({ prompt, outputTokens, seed, signal }: Question): AsyncGenerator<string> {
    const { bos } = this.#model.tokens;
    const tokens = [...(bos === null ? [] : [bos]), ...this.#model.tokenize(prompt)];
    if (tokens.length + outputTokens > CONTEXT) {
      const sum = `${tokens.length} tokens and an answer of ${outputTokens}`;
      throw new TooLongError(`${sum} do not fit into a context of ${CONTEXT}; shorten the prompt`);
    }
    const sequence = await this.#take();
    try {
      let count = 0;
      if (signal.aborted || outputTokens === 0) return;
      for await (const token of sequence.evaluate(tokens, {
        ...{ temperature: 1, seed, yieldEogToken: true },
      })) {
        yield this.#model.detokenize([token]);
        if (++count === outputTokens || signal.aborted) return;
      }
    } finally {
      await sequence.clearHistory();
      this.#release(sequence);
    }
  }

  #take(): Promise<LlamaContextSequence> {
    const sequence = this.#free.pop();
    if (sequence !== undefined) return Promise.resolve(sequence);
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
    });
  }

  #release(sequence: LlamaContextSequence): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#free.push(sequence);
    else next(sequence);
  }
}
