import { install, must } from './steps.mjs';

install();
must(
  'pnpm turbo run build --filter=@stratagem/examples... --filter=@stratagem/cli... --output-logs=errors-only --log-order=grouped',
);
must('pnpm --silent --filter @stratagem/examples start');
