import { openEmbeddedStore } from '../embedded-store.ts';
import { applyNext } from './requests.ts';

/** Applies and flushes one batch after the other until it is killed, and says which one is durable. */
async function writeForEver(dir: string): Promise<void> {
  const store = await openEmbeddedStore({ dir });
  const claim = await store.claim('log');
  for (let position = Number(claim.position); ; position += 1) {
    process.stdout.write(`${position}\n`);
    await applyNext(store, claim, position);
    await store.flush();
  }
}

await writeForEver(process.argv[2] ?? '');
