// `publish-once.mjs STATE API REPOSITORY TOKEN STEP`: one cycle of the publisher, as built, on an embedded state. It kills
// itself before the call of that number that changes something; 0: it does not.
import { readFile } from 'node:fs/promises';

import { openGitea, openGitRemote } from '@leastwise/forge';
import { runCycle } from '@leastwise/publish';
import { DEFAULT_OPTIONS } from '@leastwise/rbac';
import { openEmbeddedStore } from '@leastwise/state';

const [folder, server, repository, tokenFile, step] = process.argv.slice(2);
const token = async () => (await readFile(tokenFile, 'utf8')).trim();
const store = await openEmbeddedStore({ dir: folder });
const remote = await openGitRemote({ url: `${server}/${repository}.git`, base: 'main', https: { token } });
const pulls = openGitea({ apiUrl: `${server}/api/v1`, repository, token });
let steps = 0;
const settings = {
  base: 'main',
  directly: 'nothing',
  options: DEFAULT_OPTIONS,
  version: '0.0.0',
  codeownersDialect: 'gitea',
  publishesReports: true,
};
const { outcomes, failures } = await runCycle({ clusters: await store.read(), late: 0, lost: 0 }, settings, {
  remote,
  pulls,
  nowUs: Date.now() * 1000,
  onStep: () => {
    steps += 1;
    if (steps === Number(step)) process.kill(process.pid, 'SIGKILL');
  },
});
const failed = outcomes.filter(({ result }) => result !== 'done');
if (failed.length > 0 || failures.length > 0) throw new Error(JSON.stringify([failed, failures]));
await remote[Symbol.asyncDispose]();
await store[Symbol.asyncDispose]();
process.stdout.write(`${steps}\n`);
