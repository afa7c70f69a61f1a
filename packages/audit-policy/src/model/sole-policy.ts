import { quoted } from '../quoted.ts';
import type { SourcedPolicy } from '../types.ts';
import type { AuditPolicies } from './read-audit-policies.ts';

/** The one policy of a file, with what the API server ignores in it; or why there is none. Lines as `FILE:LINE: reason`. */
export type SolePolicy =
  | { readonly policy: SourcedPolicy; readonly warnings: readonly string[] }
  | { readonly policy: undefined; readonly problems: readonly string[] };

/**
 * The policy of a file that has to hold one, for it is that of one cluster: none where an API server would not start
 * with it, or where there are several.
 */
export function solePolicy({ policies, problems }: AuditPolicies, file: string): SolePolicy {
  const [only, second] = policies;
  const lines = problems.map((each) => `${each.file}:${each.line}: ${each.reason}`);
  if (only === undefined || problems.some(({ id }) => id === 'E01'))
    return { policy: undefined, problems: lines };
  if (second === undefined) return { policy: only, warnings: lines };
  const places = policies.map(({ within, lineOf }) =>
    `line ${lineOf([])} ${within === '' ? '' : quoted(within)}`.trim(),
  );
  return {
    policy: undefined,
    problems: [`${file} holds several policies (${places.join(', ')}): give one in a file of its own`],
  };
}
