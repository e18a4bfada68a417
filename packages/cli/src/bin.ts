import { main, reportInternalError } from './main.js';
import { EXIT } from './output/exit-code.js';
import { flush, tolerateClosedPipes } from './output/streams.js';

tolerateClosedPipes();
// A dependency may throw where nothing can catch it. `exit` also restores the cursor.
process.on('uncaughtException', async (error) => {
  await reportInternalError(error);
  process.exit(EXIT.failed);
});
const exitCode = await main(process.argv.slice(2));
await flush();
// A runner that ignores its abort signal must not keep the process alive.
process.exit(exitCode);
