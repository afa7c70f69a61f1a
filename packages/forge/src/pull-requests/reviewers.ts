/** Somebody to ask for a review, as CODEOWNERS names people. */
export type Reviewer =
  | { readonly kind: 'user'; readonly text: string; readonly name: string }
  | { readonly kind: 'team'; readonly text: string; readonly organization: string; readonly name: string }
  | { readonly kind: 'address'; readonly text: string; readonly name: string };

const NAME = /^[\p{L}\p{N}_][\p{L}\p{N}_.-]*$/u;
const ADDRESS = /^[^\s@]+@[^\s@]+$/;

/**
 * Reads `@name`, `@org/team` (of GitLab also `@group/subgroup/team`) and addresses; `undefined` for anything else,
 * which no forge is asked about.
 */
export function parseReviewer(text: string): Reviewer | undefined {
  if (!text.startsWith('@')) return ADDRESS.test(text) ? { kind: 'address', text, name: text } : undefined;
  const segments = text.slice(1).split('/');
  if (!segments.every((segment) => NAME.test(segment))) return undefined;
  const name = segments.pop() ?? '';
  if (segments.length === 0) return { kind: 'user', text, name };
  return { kind: 'team', text, organization: segments.join('/'), name };
}

/**
 * Asks all at once, and where that is refused one by one: a forge refuses the whole list for the one who may not.
 * Returns those that were refused.
 */
export async function askTogether(
  reviewers: readonly Reviewer[],
  ask: (reviewers: readonly Reviewer[]) => Promise<boolean>,
): Promise<readonly Reviewer[]> {
  if (reviewers.length === 0 || (await ask(reviewers))) return [];
  if (reviewers.length === 1) return reviewers;
  const refused: Reviewer[] = [];
  for (const reviewer of reviewers) if (!(await ask([reviewer]))) refused.push(reviewer);
  return refused;
}

/** Reviewers as GitHub and Gitea are asked for them; a list that would be empty is left out. */
export function namesByKind(reviewers: readonly Reviewer[]): Readonly<Record<string, readonly string[]>> {
  const teams = reviewers.filter(({ kind }) => kind === 'team').map(({ name }) => name);
  const users = reviewers.filter(({ kind }) => kind !== 'team').map(({ name }) => name);
  return {
    ...(users.length === 0 ? {} : { reviewers: users }),
    ...(teams.length === 0 ? {} : { team_reviewers: teams }),
  };
}
