/**
 * The form under which case-insensitive and normalising file systems (macOS, Windows) may take two paths for one.
 * Stricter than any single one of them: paths with the same form are never written side by side.
 */
export function foldPath(path: string): string {
  return path.normalize('NFC').toUpperCase().toLowerCase();
}

/** The folders that a path lies in, outermost first: `a/b/c` gives `a` and `a/b`. */
export function foldersOf(path: string): string[] {
  const folders: string[] = [];
  for (let slash = path.indexOf('/'); slash !== -1; slash = path.indexOf('/', slash + 1)) {
    folders.push(path.slice(0, slash));
  }
  return folders;
}
