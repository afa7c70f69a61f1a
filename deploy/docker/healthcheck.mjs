#!/usr/bin/env node
// `leastwise-healthcheck [URL]`: ends with 0 where the address answers with a success, else with 1 and what was said.
const url = process.argv[2] ?? 'http://127.0.0.1:8080/healthz';
try {
  const answer = await fetch(url, { signal: AbortSignal.timeout(4000) });
  const text = await answer.text();
  if (!answer.ok) {
    process.stderr.write(`${answer.status} ${text.slice(0, 1000)}\n`);
    process.exitCode = 1;
  }
} catch (error) {
  process.stderr.write(`${url}: ${error.cause?.message ?? error.message}\n`);
  process.exitCode = 1;
}
