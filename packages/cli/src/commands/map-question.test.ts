import { readFile } from 'node:fs/promises';
import { expect, test, vi } from 'vitest';
import { folder } from '../../test/stratagem.js';
import { mapCommand } from './map.js';

const given = vi.hoisted(() => ({ signal: 'SIGINT' as NodeJS.Signals }));

vi.mock('../run/terminal.js', () => ({
  openTerminal: () => ({}),
  /** The process gets a signal, such as that of Ctrl-C, before an answer. */
  askYesOrNo: (_: unknown, __: string, signal: AbortSignal) =>
    new Promise((_, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason));
      process.emit(given.signal, given.signal);
    }),
}));

const PLAN = `
goal: Summarise
inputs: { text: { type: string } }
tasks: [{ id: summary, description: '{{inputs.text}}' }]
`;

test.each([
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const)(
  '%s withdraws the question after a sample, and keeps its rows',
  async (signal, code) => {
    given.signal = signal;
    await using project = await folder({ 'plan.yaml': PLAN, 'rows.csv': 'text\na\nb\nc\n' });
    const at = (name: string) => `${project.path}/${name}`;
    const written: string[] = [];
    vi.spyOn(process.stderr, 'write').mockImplementation((text, ...more) => {
      written.push(String(text));
      for (const each of more) if (typeof each === 'function') each();
      return true;
    });
    const flags = { each: at('rows.csv'), output: at('out.jsonl'), sample: 2, latency: 1 };
    const exitCode = await mapCommand(at('plan.yaml'), flags, {});
    vi.restoreAllMocks();
    expect(exitCode).toBe(code);
    expect(written.join('')).toMatch(
      /: 1 row is left\.\n {2}it would take .*\n(?:.*\n)*Stopping\. .*\n2 rows: 2 completed\n/,
    );
    expect((await readFile(at('out.jsonl.partial'), 'utf8')).trim().split('\n')).toHaveLength(2);
  },
);
