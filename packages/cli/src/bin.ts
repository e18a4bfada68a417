import { main, reportInternalError } from './main.js';
import { EXIT } from './output/exit-code.js';
import { flush, tolerateClosedPipes } from './output/streams.js';

tolerateClosedPipes();
// A dependency may throw where nothing can catch it. `exit` also restores the cursor.
process.on('uncaughtException', async (error) => {
  await reportInternalError(error);
  process.exit(EXIT.failed);
});
// Not awaited here: the code of a command imports the file that this module is bundled into.
void main(process.argv.slice(2)).then(async (exitCode) => {
  await flush();
  // A runner that ignores its abort signal must not keep the process alive.
  process.exit(exitCode);
});
