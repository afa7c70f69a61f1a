import { foldersOf, foldPath } from './fold-path.ts';
import { PublishError } from './types.ts';

/** What one path segment may take on the file systems in use (ext4, APFS, NTFS). */
const MAX_SEGMENT_BYTES = 255;

/** Control characters, line separators, and halves of surrogate pairs, which no file system can store. */
const UNPRINTABLE = /[\p{Cc}\p{Zl}\p{Zp}\p{Cs}]/u;

/** Characters that HFS+ ignores in names, so that `.g\u200cit` is `.git` there (CVE-2014-9390). */
const IGNORED_BY_HFS = /[\u200c-\u200f\u202a-\u202e\u206a-\u206f\ufeff]/gu;

/**
 * Refuses a path that could leave the repository, reach into git's own folder, or not be checked out elsewhere:
 * absolute, with a backslash, an empty, `.` or `..` segment, a control character, a name that some system
 * takes for `.git`, or a segment over 255 bytes.
 * @throws PublishError naming the path and what is wrong with it.
 */
export function checkPath(path: string): void {
  const problem = problemOf(path);
  if (problem !== undefined) throw new PublishError(`refused path ${JSON.stringify(path)}: ${problem}`);
}

/**
 * Checks each of the paths, and that they can stand side by side: no two that differ by letter case or Unicode
 * normalisation only (in a folder's name neither), and none that is both a file and a folder.
 * @throws PublishError naming the path, or the two.
 */
export function checkPaths(paths: Iterable<string>): void {
  const files = new Set<string>();
  const spellings = new Map<string, string>();
  for (const path of paths) {
    checkPath(path);
    files.add(path);
    for (const part of [...foldersOf(path), path]) {
      const folded = foldPath(part);
      const other = spellings.get(folded);
      if (other !== undefined && other !== part) {
        throw new PublishError(`paths collide: ${JSON.stringify(other)} and ${JSON.stringify(part)}`);
      }
      spellings.set(folded, part);
    }
  }
  for (const path of files) {
    const file = foldersOf(path).find((folder) => files.has(folder));
    if (file !== undefined) {
      throw new PublishError(`${JSON.stringify(file)} is wanted as a file and as a folder`);
    }
  }
}

function problemOf(path: string): string | undefined {
  if (path.startsWith('/') || /^[A-Za-z]:/.test(path)) return 'it is absolute';
  if (path.includes('\\')) return 'it holds a backslash';
  if (UNPRINTABLE.test(path)) return 'it holds a control character';
  for (const segment of path.split('/')) {
    if (segment === '') return 'it has an empty segment';
    if (segment === '.' || segment === '..') return `it has a segment ${segment}`;
    if (isGitFolder(segment)) return 'it reaches into .git';
    if (Buffer.byteLength(segment) > MAX_SEGMENT_BYTES) return 'it has a segment over 255 bytes';
  }
  return undefined;
}

/** Whether a system may take the segment for git's own folder; NTFS drops trailing dots, spaces and stream names. */
function isGitFolder(segment: string): boolean {
  const stem = segment.replace(IGNORED_BY_HFS, '').toLowerCase().split(':', 1)[0] ?? '';
  return /^(?:\.git|git~1)[. ]*$/.test(stem);
}
