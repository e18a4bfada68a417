import { describe, expect, test } from 'vitest';
import { stratagem } from '../../test/stratagem.js';

const plan = 'goal: Report\ntasks:\n  - { id: a, description: Write it }\n';
const args = ['run', '-', '--latency', '5'];

describe('progress', () => {
  test('--quiet prints the output and nothing else', async () => {
    const { exitCode, stdout, stderr } = await stratagem([...args, '--quiet'], { stdin: plan });
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(stdout).toMatch(/^Simulated answer to "Write it"/);
  });

  test('--quiet still shows why a run did not complete', async () => {
    const late = [...args.slice(0, 2), '--latency', '60000', '--deadline', '50ms', '-q'];
    const { exitCode, stderr } = await stratagem(late, { stdin: plan });
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(/^\n ✗ Report\n/);
    expect(stderr).toContain('deadline of 50 ms');
  });

  test('--log-format json writes one JSON object per event, and nothing else', async () => {
    const { stderr } = await stratagem([...args, '--log-format', 'json'], { stdin: plan });
    const events = stderr
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(events.map(({ type }) => type)).toEqual(
      expect.arrayContaining(['run_started', 'task_started', 'task_completed', 'run_completed']),
    );
    expect(events[0].atMs).toBe(0);
    for (const [position, { atMs }] of events.entries()) {
      expect(atMs).toBeGreaterThanOrEqual(events[position - 1]?.atMs ?? 0);
    }
  });

  test('elsewhere than on a terminal, lines have neither colours nor cursor movements', async () => {
    const { stderr } = await stratagem(args, { stdin: plan });
    expect(stderr).toContain('completed a in');
    expect(stderr).not.toContain('\u001b');
  });

  test.each([
    [['--quiet', '--log-format', 'json'], '--quiet and --log-format cannot be combined'],
    [['--log-format', 'xml'], "argument 'xml' is invalid"],
  ])('%j is a usage error', async (flags, message) => {
    const { exitCode, stdout, stderr } = await stratagem([...args, ...flags], { stdin: plan });
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
    expect(stderr).toContain(message);
  });
});
