import { readFileSync } from 'node:fs';

import { processIo } from './io.ts';
import { main } from './program.ts';
import { stopOnSignals } from './stop-signals.ts';

const FAILURE = 70;

// `leastwise … | head` closes the pipe: that is no failure, there is only nobody left to tell. The work goes on, and
// its answer is still the exit code.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
  });
}

const SHOW_CURSOR = '\u001B[?25h';

const signal = stopOnSignals(process, (exitCode) => {
  // The progress bar hides it.
  if (process.stderr.isTTY) process.stderr.write(SHOW_CURSOR);
  process.exit(exitCode);
});

const manifest = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
  version: string;
};

try {
  process.exitCode = await main(process.argv.slice(2), processIo(signal), manifest.version);
} catch (error) {
  process.stderr.write(
    `leastwise failed, and this is a bug of it: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
  );
  process.exitCode = FAILURE;
}
