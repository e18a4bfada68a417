import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath, pathToFileURL } from 'node:url';

interface Message {
  readonly id?: number;
  readonly method?: string;
  readonly params?: { readonly items?: readonly unknown[] };
  readonly result?: unknown;
}

/** What an editor shows for a file: the TypeScript compiler as a language server. */
export class LanguageServer {
  readonly #process: ChildProcess;
  readonly #waiting = new Map<number, (result: unknown) => void>();
  #received = Buffer.alloc(0);

  constructor() {
    const compiler = fileURLToPath(new URL('../node_modules/typescript/bin/tsc', import.meta.url));
    const stdio = ['pipe', 'pipe', 'ignore'] as const;
    this.#process = spawn(process.execPath, [compiler, '--lsp', '--stdio'], { stdio: [...stdio] });
    this.#process.stdout?.on('data', (data) => this.#receive(data));
  }

  async open(file: string, text: string): Promise<void> {
    await this.#request('initialize', { processId: process.pid, rootUri: null, capabilities: {} });
    this.#send({ method: 'initialized', params: {} });
    const textDocument = { uri: uriOf(file), languageId: 'typescript', version: 1, text };
    this.#send({ method: 'textDocument/didOpen', params: { textDocument } });
  }

  /** The errors of a file, with the text that they underline. */
  async errors(file: string, text: string): Promise<{ at: string; message: string }[]> {
    const params = { textDocument: { uri: uriOf(file) } };
    const { items } = (await this.#request('textDocument/diagnostic', params)) as {
      items: { message: string; severity: number; range: Record<'start' | 'end', Position> }[];
    };
    return items
      .filter(({ severity }) => severity === 1)
      .map(({ message, range: { start, end } }) => ({
        at: (text.split('\n')[start.line] as string).slice(start.character, end.character),
        message,
      }));
  }

  async completions(file: string, position: Position): Promise<string[]> {
    const params = { textDocument: { uri: uriOf(file) }, position };
    const result = await this.#request('textDocument/completion', params);
    const { items = [] } = (result ?? {}) as { items?: { label: string }[] };
    return items.map(({ label }) => label);
  }

  /** What the editor shows at a place, as Markdown. */
  async hover(file: string, position: Position): Promise<string> {
    const params = { textDocument: { uri: uriOf(file) }, position };
    const result = await this.#request('textDocument/hover', params);
    return (result as { contents?: { value?: string } } | null)?.contents?.value ?? '';
  }

  close(): void {
    this.#process.kill();
  }

  #request(method: string, params: object): Promise<unknown> {
    const id = this.#waiting.size + 1;
    return new Promise((resolve) => {
      this.#waiting.set(id, resolve);
      this.#send({ id, method, params });
    });
  }

  #send(message: object): void {
    const text = JSON.stringify({ jsonrpc: '2.0', ...message });
    this.#process.stdin?.write(`Content-Length: ${Buffer.byteLength(text)}\r\n\r\n${text}`);
  }

  #receive(data: Buffer): void {
    this.#received = Buffer.concat([this.#received, data]);
    for (;;) {
      const head = this.#received.indexOf('\r\n\r\n');
      if (head < 0) return;
      const end =
        head +
        4 +
        Number(/Content-Length: (\d+)/i.exec(`${this.#received.subarray(0, head)}`)?.[1]);
      if (this.#received.length < end) return;
      const { id, method, params, result } = JSON.parse(
        `${this.#received.subarray(head + 4, end)}`,
      ) as Message;
      this.#received = this.#received.subarray(end);
      if (id === undefined) continue;
      if (method === undefined) this.#waiting.get(id)?.(result);
      // A question of the server, such as one for the settings of the editor.
      else this.#send({ id, result: params?.items?.map(() => null) ?? null });
    }
  }
}

export interface Position {
  readonly line: number;
  readonly character: number;
}

function uriOf(file: string): string {
  return pathToFileURL(file).href;
}
