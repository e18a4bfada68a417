import { createExecutor, type PlanResult } from '@stratagem/core';
import { chooseRunner, chooseStrategy, type RunnerFlags, type StrategyFlags } from './choose.js';
import { EXIT } from './exit-code.js';
import { jsonDocument } from './json-document.js';
import { jsonText } from './json-text.js';
import { loadPlan } from './load-plan.js';
import { write } from './output.js';
import { createProgress } from './progress.js';
import { report } from './report.js';

export interface RunFlags extends StrategyFlags, RunnerFlags {
  readonly failFast?: boolean;
  readonly timeout?: number;
  readonly json?: boolean;
}

/** `stratagem run`: the exit code of the run. */
export async function runCommand(file: string, flags: RunFlags): Promise<number> {
  const runner = await chooseRunner(flags);
  const { plan, strategy } = await loadPlan(file);
  const executor = createExecutor({
    strategy: await chooseStrategy(flags, strategy),
    runner,
    ...(flags.failFast && { failFast: true }),
    ...(flags.timeout !== undefined && { deadlineMs: flags.timeout }),
  });
  if (flags.runner === 'simulated') {
    await write(
      process.stderr,
      'Using the simulated model; --runner openai or anthropic takes a real one.\n',
    );
  }

  const progress = createProgress();
  const run = executor.execute(plan, { onEvent: (event) => progress.onEvent(event) });
  const signals = cancelOnSignals((reason) => run.cancel(reason));
  const result = await run;
  progress.stop();

  const document = flags.json ? `${jsonText(jsonDocument(result))}\n` : report(result);
  await write(process.stdout, document);
  // Only now: a second signal also ends the waiting for whoever reads our output.
  signals.stop();
  return exitCodeOf(result, signals.received);
}

function exitCodeOf({ status }: PlanResult, signal: NodeJS.Signals | undefined): number {
  if (status === 'completed') return EXIT.completed;
  if (status === 'failed') return EXIT.failed;
  return signal === 'SIGTERM' ? EXIT.terminated : EXIT.interrupted;
}

/** The first signal cancels, so that what was done is still printed; the second one quits at once. */
function cancelOnSignals(cancel: (reason: string) => void) {
  let received: NodeJS.Signals | undefined;
  const onSignal = (signal: NodeJS.Signals) => {
    if (received !== undefined) {
      process.exit(signal === 'SIGTERM' ? EXIT.terminated : EXIT.interrupted);
    }
    received = signal;
    cancel(signal === 'SIGTERM' ? 'terminated' : 'interrupted');
  };
  process.on('SIGINT', onSignal).on('SIGTERM', onSignal);
  return {
    get received() {
      return received;
    },
    stop() {
      process.off('SIGINT', onSignal).off('SIGTERM', onSignal);
    },
  };
}
