import { readFileSync } from 'node:fs';

import { processIo } from './io.ts';
import { main } from './program.ts';

const FAILURE = 70;

// `leastwise … | head` closes the pipe: that is no failure, there is only nobody left to tell. The work goes on, and
// its answer is still the exit code.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
  });
}

const stop = new AbortController();
for (const name of ['SIGINT', 'SIGTERM'] as const) {
  process.once(name, () => {
    stop.abort(name);
  });
}

const manifest = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
  version: string;
};

try {
  process.exitCode = await main(process.argv.slice(2), processIo(stop.signal), manifest.version);
} catch (error) {
  process.stderr.write(
    `leastwise failed, and this is a bug of it: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
  );
  process.exitCode = FAILURE;
}
