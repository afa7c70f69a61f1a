import { createHash } from 'node:crypto';

import { PublishError } from './types.ts';

/** What a pull request says of itself to the next run; hidden in its body, for the forge is the only memory. */
export interface MachineBlock {
  readonly version: 1;
  /** Of the evidence that is proposed: what a person declines by closing. */
  readonly fingerprint: string;
  /** Of title and body as they were written last ({@link textFingerprint}). */
  readonly text?: string;
  /** Set before we close a pull request ourselves, so that it is not taken for a person's refusal. */
  readonly closedBy?: 'leastwise';
}

/** How many characters a block and the blank lines around it take at most: keep a body that far below the forge's limit. */
export const MACHINE_BLOCK_ROOM = 512;

/** Keeps blocks bounded and of ASCII. */
const TOKEN = /^[\w.:+/=-]{1,128}$/;

/** What cutting between the two halves of a character leaves. */
const HALF_PAIR = /[\ud800-\udbff]$/;

/** Both ends are fixed and what is between them is bounded and holds neither: linear on any body. */
const BLOCK = /<!-- leastwise-block:([\w-]{1,480}) -->/g;

/**
 * The body with this block at its end, and without any other: an HTML comment that holds JSON in base64url. The JSON
 * is ASCII, of which base64url has a `-` in every fourth place at most; so there is no `--`, which would end the comment.
 * @param limit - cuts the end of the text, not the block, where both together are longer (in UTF-16 units). A body that
 *   a person typed may fill the forge's limit; ours leave {@link MACHINE_BLOCK_ROOM}.
 * @throws PublishError if a fingerprint is not 1 to 128 characters of `[A-Za-z0-9_.:+/=-]`.
 */
export function withMachineBlock(body: string, block: MachineBlock, limit = Infinity): string {
  for (const token of [block.fingerprint, block.text]) {
    if (token !== undefined && !TOKEN.test(token)) {
      throw new PublishError(`not a fingerprint: ${JSON.stringify(token.slice(0, 200))}`);
    }
  }
  const { version, fingerprint, text, closedBy } = block;
  const json = JSON.stringify({ version, fingerprint, text, closedBy });
  const comment = `<!-- leastwise-block:${Buffer.from(json).toString('base64url')} -->\n`;
  // A space, not nothing: what stood around an old block must not become a block.
  const rest = body.replace(BLOCK, ' ').trimEnd();
  const room = Math.max(0, limit - comment.length - 2);
  const kept = rest.length <= room ? rest : rest.slice(0, room).replace(HALF_PAIR, '').trimEnd();
  return kept === '' ? comment : `${kept}\n\n${comment}`;
}

/**
 * The last well-formed block of a body. People edit bodies: a block that is damaged, or of another version, is none.
 * @remarks Linear in the length of the body; throws nothing.
 */
export function readMachineBlock(body: string): MachineBlock | undefined {
  let last: MachineBlock | undefined;
  for (const [, encoded = ''] of body.matchAll(BLOCK)) last = decode(encoded) ?? last;
  return last;
}

/**
 * A hash of title and body that says whether there is something new to write. Line ends, and space at the end of a line
 * or of the text, make no difference: forges change them.
 */
export function textFingerprint(title: string, body: string): string {
  const text = JSON.stringify([withoutTrailingSpace(title), withoutTrailingSpace(body)]);
  return createHash('sha256').update(text).digest('hex').slice(0, 32);
}

function withoutTrailingSpace(text: string): string {
  const lines = text.split(/\r\n|\r|\n/).map((line) => line.trimEnd());
  return lines.join('\n').trimEnd();
}

function decode(encoded: string): MachineBlock | undefined {
  const { version, fingerprint, text, closedBy } = parse(Buffer.from(encoded, 'base64url').toString());
  if (version !== 1 || !isToken(fingerprint)) return undefined;
  if (text !== undefined && !isToken(text)) return undefined;
  if (closedBy !== undefined && closedBy !== 'leastwise') return undefined;
  return {
    version,
    fingerprint,
    ...(text !== undefined && { text }),
    ...(closedBy !== undefined && { closedBy }),
  };
}

function parse(json: string): Partial<Record<keyof MachineBlock, unknown>> {
  try {
    const value: unknown = JSON.parse(json);
    return typeof value === 'object' && value !== null ? value : {};
  } catch {
    return {};
  }
}

function isToken(value: unknown): value is string {
  return typeof value === 'string' && TOKEN.test(value);
}
