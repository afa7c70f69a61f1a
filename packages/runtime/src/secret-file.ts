import { readFileSync } from 'node:fs';

/** A file's content, or why there is none. */
export type FileText =
  { readonly ok: true; readonly text: string } | { readonly ok: false; readonly why: string };

/** Reads a file of UTF-8 text. */
export function readText(path: string): FileText {
  try {
    return { ok: true, text: readFileSync(path, 'utf8') };
  } catch (error) {
    return { ok: false, why: reasonOf(error) };
  }
}

/**
 * Reads a secret from its file, without the newline at its end, which editors add.
 * The reason names no path: somebody may have put the secret itself where its file's name belongs.
 */
export function readSecretFile(path: unknown): FileText {
  if (typeof path !== 'string') return { ok: false, why: 'expected the path of a file' };
  const file = readText(path);
  if (!file.ok) return { ok: false, why: `cannot read the file of this secret: ${file.why}` };
  return { ok: true, text: file.text.replace(/\r?\n$/, '') };
}

function reasonOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
  switch (code) {
    case 'ENOENT':
      return 'there is no such file';
    case 'EACCES':
    case 'EPERM':
      return 'permission denied';
    case 'EISDIR':
      return 'it is a directory';
    default:
      return code;
  }
}
