/** What a caller promised does not hold: a bug, not an outcome. Nothing may be published after it. */
export class InvariantError extends Error {
  override readonly name = 'InvariantError';
  readonly code = 'LW_INVARIANT';
}
