import { createHash } from 'node:crypto';

/**
 * The trailer by which a commit says of itself that it is as we made it.
 *
 * Its value is a hash over the commit as git stores it: tree, parent, author, committer with both dates, and the
 * message above the trailer; all but the trailer itself and the signature, which is made over the rest. So whatever
 * is done to the commit breaks it:
 *
 * - amended, even with `--no-edit`, our author and an untouched tree: the committer and the date are others, and the
 *   message still has the old trailer;
 * - rebased, by hand or by a forge's button: the parent is another one, and so are committer and date. A press of the
 *   button is a person's act: the branch is theirs from then on;
 * - "Update branch": the tip is a merge commit, which has no trailer;
 * - one more commit, an empty one and a revert included: the tip is that commit, which has no trailer; with our
 *   message copied, it has the trailer of another tree or parent;
 * - squashed with others: another tree, or another parent.
 *
 * And since the parent is within the hash, the tip alone tells: we commit on nothing but the base, so a tip whose hash
 * is right is one commit of ours on what is, or was, the base. No history is needed for that, which a shallow fetch
 * does not have, and which a base that was pushed over does not have either. A branch that was merged keeps being
 * ours, whichever way it was merged, so that its name can be used again. Whoever puts a branch with our prefix on a
 * commit that is not ours, the base's own for instance, owns it.
 *
 * It protects people from us, not us from people: who may push to a branch may compute the hash too, and gets a
 * branch that we shall overwrite. To prove who committed there are signatures.
 */
const TRAILER = 'Leastwise-Tree';

const SEAL = /^([\s\S]*)Leastwise-Tree: ([0-9a-f]{64})\n$/;

/** A commit as far as we look into it. */
export interface RawCommit {
  readonly tree: string;
  readonly parents: readonly string[];
  /** The committer's date in seconds since the epoch; `undefined` where git would not understand it either. */
  readonly committedSeconds: number | undefined;
  readonly isSealed: boolean;
}

/**
 * The message of a commit of ours: the given one and the trailer.
 * @param headers - the commit's headers as git stores them, each with its newline.
 */
export function sealMessage(headers: string, message: string): string {
  const text = `${message.trimEnd()}\n`;
  const above = endsWithTrailers(text) ? text : `${text}\n`;
  return `${above}${TRAILER}: ${hashOf(headers, above)}\n`;
}

/** Reads a commit as git stores it. */
export function parseCommit(raw: Buffer): RawCommit {
  // Bytes are kept as they are: a commit of a person may be in any encoding.
  const text = raw.toString('latin1');
  const end = text.indexOf('\n\n');
  // A header goes on in lines that begin with a space; the signature is the only one that comes after the fact.
  const headers = text.slice(0, end + 1).replace(/^gpgsig(?:-sha256)? .*\n(?: .*\n)*/gm, '');
  const message = text.slice(end + 2);
  const [, above = '', seal] = SEAL.exec(message) ?? [];
  const seconds = /^committer .* (\d{1,12}) [+-]\d{4}$/m.exec(headers)?.[1];
  return {
    tree: /^tree (\S+)$/m.exec(headers)?.[1] ?? '',
    parents: [...headers.matchAll(/^parent (\S+)$/gm)].map(([, oid = '']) => oid),
    committedSeconds: seconds === undefined ? undefined : Number(seconds),
    isSealed: seal !== undefined && seal === hashOf(headers, above, 'latin1'),
  };
}

function hashOf(headers: string, above: string, encoding: 'utf8' | 'latin1' = 'utf8'): string {
  return createHash('sha256').update(`${headers}\n${above}`, encoding).digest('hex');
}

/** Whether the last paragraph, which is not the title, consists of trailers: then git takes ours for one of them. */
function endsWithTrailers(text: string): boolean {
  const paragraphs = text.trimEnd().split(/\n{2,}/);
  const last = paragraphs.at(-1) ?? '';
  return paragraphs.length > 1 && last.split('\n').every((line) => /^[A-Za-z0-9-]+: \S/.test(line));
}
