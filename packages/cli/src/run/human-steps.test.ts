import type { TaskWaiting, ToolApprovalRequested } from '@stratagem/core';
import { describe, expect, test } from 'vitest';
import { HumanSteps } from './human-steps.js';
import type { Terminal } from './terminal.js';

function waiting(taskId: string, given: Partial<TaskWaiting> = {}): TaskWaiting {
  const base = { type: 'task_waiting', sequence: 0, timestamp: 0, level: 0 } as const;
  return { ...base, taskId, kind: 'approval', question: 'Ok?', ...given };
}

/** A run that accepts only numbers for the task `number`. */
function fakeRun() {
  const taken: unknown[] = [];
  return {
    taken,
    async answer(taskId: string, answer: unknown) {
      if (taskId === 'number' && typeof answer !== 'number') throw new Error('needs a number');
      taken.push([taskId, answer]);
    },
    async approve(taskId: string, callId?: string) {
      taken.push([taskId, callId, 'approved']);
    },
    async reject(taskId: string, _reason?: unknown, callId?: string) {
      taken.push(callId === undefined ? [taskId, 'rejected'] : [taskId, callId, 'rejected']);
    },
  };
}

function fakeTerminal(lines: string[]): Terminal & { asked: string[]; printed: string[] } {
  const asked: string[] = [];
  const printed: string[] = [];
  return {
    asked,
    printed,
    async ask(question, signal) {
      asked.push(question);
      const line = lines.shift();
      if (line !== undefined) return line;
      return await new Promise((_, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason));
      });
    },
    print: (text) => void printed.push(text),
  };
}

const settled = () => new Promise((resolve) => setTimeout(resolve, 5));

describe('a human step', () => {
  test('gets the answer from the command line', async () => {
    const run = fakeRun();
    const answer = [
      { id: 'number', value: '42' },
      { id: 'text', value: 'a=b' },
    ];
    const humans = new HumanSteps(
      run,
      { approve: ['yes'], reject: ['no'], answer },
      undefined,
      expect.unreachable,
    );
    for (const id of ['yes', 'no']) humans.onWaiting(waiting(id));
    for (const id of ['number', 'text']) humans.onWaiting(waiting(id, { kind: 'answer' }));
    await settled();
    expect(run.taken).toEqual([
      ['yes', true],
      ['no', 'rejected'],
      ['text', 'a=b'],
      ['number', 42],
    ]);
  });

  test('is asked about on the terminal, one at a time, until the answer is valid', async () => {
    const run = fakeRun();
    const terminal = fakeTerminal(['maybe', 'YES', 'many', '7']);
    const humans = new HumanSteps(run, {}, terminal, expect.unreachable);
    humans.onWaiting(waiting('a'));
    humans.onWaiting(waiting('number', { kind: 'answer', question: 'How many?' }));
    await settled();
    expect(run.taken).toEqual([
      ['a', true],
      ['number', 7],
    ]);
    expect(terminal.asked).toEqual(['Ok? [y/n] ', 'Ok? [y/n] ', 'How many?\n> ', 'How many?\n> ']);
    expect(terminal.printed).toEqual(['Please answer y or n.', 'needs a number']);
  });

  test('that settles before it is answered is no longer asked about', async () => {
    const run = fakeRun();
    const terminal = fakeTerminal([]);
    const humans = new HumanSteps(run, {}, terminal, expect.unreachable);
    humans.onWaiting(waiting('a'));
    humans.onWaiting(waiting('b'));
    await settled();
    humans.onSettled('b');
    humans.onSettled('a');
    await settled();
    expect(terminal.asked).toHaveLength(1);
    expect(run.taken).toEqual([]);
  });

  test('stops the run when there is no terminal to ask on and no timeout', () => {
    const stops: string[] = [];
    const humans = new HumanSteps(fakeRun(), {}, undefined, (reason) => void stops.push(reason));
    humans.onWaiting(waiting('a', { timeoutMs: 5 }));
    expect(stops).toEqual([]);
    humans.onWaiting(waiting('b'));
    humans.onWaiting(waiting('c', { kind: 'answer' }));
    expect(stops).toEqual([
      'task "b" waits for an approval, but there is no terminal to ask on; use --approve b or --reject b',
      'task "c" waits for an answer, but there is no terminal to ask on; use --answer c=…',
    ]);
  });
});

describe('a call of a tool', () => {
  const call = (taskId: string, key: string): ToolApprovalRequested => ({
    ...{ type: 'tool_approval_requested', sequence: 0, timestamp: 0, level: 0, attempt: 1 },
    ...{ taskId, key, callId: `id of ${key}`, tool: 'remove', input: { path: key } },
  });

  test('is decided as the command line says for its task', () => {
    const run = fakeRun();
    const preset = { approve: ['yes'], reject: ['no'] };
    const humans = new HumanSteps(run, preset, undefined, expect.unreachable);
    for (const id of ['yes', 'no']) humans.onCall(call(id, 'a.txt'));
    expect(run.taken).toEqual([
      ['yes', 'a.txt', 'approved'],
      ['no', 'a.txt', 'rejected'],
    ]);
  });

  test('is asked about on the terminal, one after the other', async () => {
    const run = fakeRun();
    const terminal = fakeTerminal(['y', 'n']);
    const humans = new HumanSteps(run, {}, terminal, expect.unreachable);
    for (const key of ['a.txt', 'b.txt', 'c.txt', 'd.txt']) humans.onCall(call('tidy', key));
    // Somebody decides on the page, and the attempt ends.
    humans.onDecided('tidy', 'c.txt');
    await settled();
    humans.onAttemptEnded('tidy');
    await settled();
    expect(terminal.asked).toEqual([
      'Task "tidy": call remove with {"path":"a.txt"}? [y/n] ',
      'Task "tidy": call remove with {"path":"b.txt"}? [y/n] ',
      'Task "tidy": call remove with {"path":"d.txt"}? [y/n] ',
    ]);
    expect(run.taken).toEqual([
      ['tidy', 'a.txt', 'approved'],
      ['tidy', 'b.txt', 'rejected'],
    ]);
  });

  test('stops a run that nobody can answer', () => {
    let reason = '';
    const stop = (given: string) => {
      reason = given;
    };
    new HumanSteps(fakeRun(), {}, undefined, stop).onCall(call('tidy', 'a.txt'));
    expect(reason).toContain('task "tidy" asks to call the tool "remove"');
    expect(reason).toContain('use --approve tidy or --reject tidy');
  });
});
