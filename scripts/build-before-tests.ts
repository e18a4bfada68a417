import { spawnSync } from 'node:child_process';
import type { TestProject } from 'vitest/node';

/** Builds the package of the project and the packages that it uses; Turborepo skips what is current. */
export default function setup(project: TestProject): void {
  // As a task of Turborepo the tests start after the build.
  if (process.env.TURBO_HASH !== undefined) return;
  const build = () => {
    const command = 'pnpm exec turbo run build --output-logs=errors-only';
    const { status } = spawnSync(command, {
      cwd: project.config.root,
      shell: true,
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    if (status !== 0) throw new Error(`The build of ${project.name} failed: pnpm build`);
  };
  build();
  project.onTestsRerun((tests) => {
    if (tests.some((test) => test.project === project)) build();
  });
}
