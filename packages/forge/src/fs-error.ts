/** The system's code of a failed file operation (`ENOENT`, …); `''` for any other error. */
export function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
}

/** Whether a file operation failed because nothing is there: no such entry, or a file where a folder was meant. */
export function isAbsent(error: unknown): boolean {
  return ['ENOENT', 'ENOTDIR'].includes(codeOf(error));
}
