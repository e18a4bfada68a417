import { spawnSync } from 'node:child_process';

/** Runs a command line with our output as its output; its exit code. */
export function run(line) {
  const { status } = spawnSync(line, { shell: true, stdio: 'inherit' });
  return status ?? 1;
}

/** The same, for a step without which the next makes no sense. */
export function must(line) {
  const status = run(line);
  if (status !== 0) process.exit(status);
}

export function install() {
  must('pnpm install --frozen-lockfile --prefer-offline --loglevel=warn');
}
