import { openGitRemote } from '../git-remote.ts';

/** Pushes one commit after the other to a branch until it is killed. */
async function pushForEver(url: string, folder: string): Promise<void> {
  const remote = await openGitRemote({ url, base: 'main', folder });
  for (let at = 0; ; at += 1) {
    const { base, branches } = await remote.fetch('leastwise/');
    const branch = branches.get('leastwise/a');
    const before = branch?.changes[0];
    const number = before?.action === 'write' ? Number(before.content) + 1 : 0;
    process.stdout.write(`${number}\n`);
    const changes = [{ action: 'write', path: 'n', content: String(number) }] as const;
    await remote.push({ branch: 'leastwise/a', parent: base, changes, message: 'm', expected: branch?.tip });
  }
}

await pushForEver(process.argv[2] ?? '', process.argv[3] ?? '');
