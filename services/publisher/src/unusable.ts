/** A configuration that is well-formed and cannot be used: a file that is missing, values that do not go together. */
export class UnusableConfigError extends Error {
  override readonly name = 'UnusableConfigError';
  readonly code = 'LW_CONFIG';
  readonly exitCode = 78;
}
