import { createHash } from 'node:crypto';
import { dirname } from 'node:path';
import { gzipSync } from 'node:zlib';

import { nodeDisk } from './disk.ts';
import { checkEvidenceFile, evidenceLines, evidenceParts, type EvidenceSeal } from './evidence-file.ts';
import { sealedPieces } from './sealed-lines.ts';
import { StateError, type SubjectStore } from './types.ts';

function sourceOf(digest: string): string {
  return `import/${digest}`;
}

/** Whether a source of a state is a file that was imported; no partition of any topic is called like that. */
export function isImportSource(source: string): boolean {
  return /^import\/[0-9a-f]{64}$/.test(source);
}

function* compressed(pieces: Iterable<Uint8Array>): Generator<Uint8Array, void> {
  for (const piece of pieces) if (piece.length > 0) yield gzipSync(piece);
}

/**
 * Writes the evidence of a state to a file: the same evidence as the same bytes, whatever store it is from. Packed
 * where the name ends in `.gz`. Only its owner may read it; a file of that name is replaced, whole.
 * @throws StateError where it cannot be written.
 */
export async function exportEvidence(
  store: Pick<SubjectStore, 'read' | 'activity' | 'facts'>,
  path: string,
): Promise<EvidenceSeal> {
  const evidence = {
    clusters: await store.read(),
    activity: await store.activity(),
    tally: await store.facts(),
  };
  let lines = 0;
  function* counted(): Generator<string, void> {
    for (const line of evidenceLines(evidence)) {
      lines += 1;
      yield line;
    }
  }
  const digest = createHash('sha256');
  const pieces = sealedPieces(counted(), digest);
  const temporary = `${path}.tmp`;
  try {
    await nodeDisk.write(temporary, path.endsWith('.gz') ? compressed(pieces) : pieces);
    await nodeDisk.rename(temporary, path);
    await nodeDisk.syncFolder(dirname(path));
  } catch (error) {
    await nodeDisk.remove(temporary).catch(() => undefined);
    const reason = error instanceof Error ? error.message : String(error);
    throw new StateError(`${path}: cannot be written: ${reason}`, { cause: error });
  }
  return { digest: digest.digest('hex'), lines };
}

/** What became of an import. */
export interface ImportOutcome extends EvidenceSeal {
  /** `known`: the state had all of this file before, and was not changed. */
  readonly became: 'imported' | 'known';
}

function lineOf(source: string, position: string): number {
  if (position === '') return 0;
  if (/^[1-9]\d{0,14}$/.test(position)) return Number(position);
  throw new StateError(`${source}: the position ${JSON.stringify(position.slice(0, 40))} is no line`);
}

/**
 * Adds the evidence of a file to a state, once: the file is a source named after its digest, read line by line. An
 * import that was broken off goes on where it was. What the state knew from elsewhere is counted twice, if the file
 * has it too: a file has no identities. Rules, days, first and last times are the same then.
 * @param signal - ends it between two batches with the signal's reason.
 * @throws StateError where the file is damaged or of a newer version, and then the state was not touched; or where
 * another process imports the same file.
 */
export async function importEvidence(
  store: Pick<SubjectStore, 'claim' | 'applyBatch' | 'flush'>,
  path: string,
  signal?: AbortSignal,
): Promise<ImportOutcome> {
  const seal = await checkEvidenceFile(path);
  const { digest, lines } = seal;
  const claim = await store.claim(sourceOf(digest));
  let from = claim.position;
  const after = lineOf(claim.source, from);
  if (after >= lines) return { ...seal, became: 'known' };
  for await (const { line, deltas } of evidenceParts(path, { after, digest })) {
    signal?.throwIfAborted();
    const to = String(line);
    const result = await store.applyBatch({ claim, from, to, deltas });
    if (result !== 'applied')
      throw new StateError(`${path}: is imported by another process, too (${result})`);
    from = to;
  }
  await store.flush();
  return { ...seal, became: 'imported' };
}
