import type { RunnerFlags } from '../options/run-flags.js';
import { write } from '../output/streams.js';

/** Tells the user when answers are simulated, so that nobody mistakes them for real ones. */
export async function announceSimulation({ runner, replay }: RunnerFlags): Promise<void> {
  if ((runner ?? 'simulated') !== 'simulated' || replay !== undefined) return;
  await write(
    process.stderr,
    'Using the simulated model. For a real one, use --runner openai or anthropic.\n',
  );
}
