import { subjectKey } from '@leastwise/audit-event';

import { type Grant, grantTexts, indexRules } from '../access/grants.ts';
import type { AccessModel, Holding } from '../access/model.ts';
import { type Scope, WHOLE_CLUSTER } from '../access/scope.ts';
import { type Draft, draftKey, objectToChange } from '../findings/draft.ts';
import { stepOf } from '../findings/grant-drafts.ts';
import type { UnusedPermission } from '../input.ts';
import { worstOf } from '../severity.ts';
import { clipped, listed, subjectText } from '../text.ts';
import { subjectOf } from './subject-of.ts';
import type { GrantCheck, SurveyCheck } from './check.ts';

/** The unused permission as one of the grants of a role; `undefined` where the role does not grant it. */
function grantIn({ role }: Holding, { verb, apiGroup, resource }: UnusedPermission): Grant | undefined {
  const permission = { verb, apiGroup, resource, namespace: '', path: '' };
  for (const { at, rule, index } of indexRules(role.rules)) {
    const names = rule.resourceNames ?? [];
    if (!index.allowsResource({ ...permission, name: names[0] ?? '' })) continue;
    return { ruleIndex: at, rule, verbs: [verb], apiGroup, resource, path: '', names, isNamespaced: true };
  }
  return undefined;
}

/** How dangerous one permission is by itself: the worst that is told of it. */
function sensitivityOf(
  grant: Grant,
  scope: Scope,
  { checks, model }: { checks: readonly GrantCheck[]; model: AccessModel },
) {
  const { verbs, apiGroup, resource, names } = grant;
  const alone = indexRules([
    {
      verbs,
      apiGroups: [apiGroup],
      resources: [resource],
      ...(names.length > 0 ? { resourceNames: names } : {}),
    },
  ]);
  const rated = checks.flatMap((check) =>
    alone
      .flatMap((rule) => check.find(rule, model.settings))
      .filter(({ isNamespaced }) => isNamespaced || scope.kind === 'cluster')
      .flatMap((each) => check.rate(each, scope, model) ?? []),
  );
  return worstOf(rated) ?? 'LOW';
}

/** One unused grant, and the finding that it belongs to. */
interface UnusedGrant {
  readonly draft: Omit<Draft, 'message'>;
  readonly grant: Grant;
  readonly days: number;
}

function unusedGrants(
  unused: UnusedPermission,
  model: AccessModel,
  checks: readonly GrantCheck[],
): readonly UnusedGrant[] {
  const subject = subjectOf(unused.subject);
  const holder = subject && model.holders.get(subjectKey(subject));
  if (holder === undefined) return [];
  const scope = unused.namespace === '' ? WHOLE_CLUSTER : model.scopeIn(unused.namespace);
  return holder.holdings.flatMap((holding): readonly UnusedGrant[] => {
    const object = objectToChange(holding.role, holding.binding);
    const grant = holding.binding.scope.namespace === scope.namespace ? grantIn(holding, unused) : undefined;
    if (grant === undefined || object === undefined) return [];
    const draft = {
      check: 'R094',
      severity: sensitivityOf(grant, scope, { checks, model }),
      object,
      subject: holder.subject,
      ...(scope.namespace === '' ? {} : { namespace: scope.namespace }),
      paths: [stepOf(holding, grant)],
    };
    return [{ draft, grant, days: unused.unusedDays }];
  });
}

/** All unused grants of one subject, place and object are one finding: for as long as the least of them. */
function together(all: readonly UnusedGrant[]): readonly Draft[] {
  const byKey = new Map<string, UnusedGrant[]>();
  for (const each of all) {
    const key = draftKey(each.draft);
    const same = byKey.get(key);
    if (same) same.push(each);
    else byKey.set(key, [each]);
  }
  return [...byKey.values()].flatMap((same): readonly Draft[] => {
    const [first] = same;
    if (first?.draft.subject === undefined) return [];
    const { namespace = '', subject } = first.draft;
    const days = Math.min(...same.map((each) => each.days));
    const texts = listed(grantTexts(same.map(({ grant }) => grant)), { separator: '; ' });
    const place = namespace === '' ? 'in the whole cluster' : `in namespace ${clipped(namespace)}`;
    return [
      {
        ...first.draft,
        severity: worstOf(same.map(({ draft }) => draft.severity)) ?? 'LOW',
        message: `${subjectText(subject)} did not use for ${days} days what it may do ${place}: ${texts}`,
        paths: same.flatMap(({ draft }) => draft.paths),
      },
    ];
  });
}

/**
 * Grants that nobody used, where a use would have been seen.
 * @param checks - the checks on grants of single resources, by which an unused one is rated
 */
export function createR094(checks: readonly GrantCheck[]): SurveyCheck {
  return {
    kind: 'survey',
    info: {
      id: 'R094',
      title: 'Granted and not used',
      why: 'A right that is never used helps only whoever takes the account over. It is said only where the audit log would have shown a use for the whole time, and it is as bad as the right is.',
      remedy: 'Remove it from the role; `leastwise generate` makes a role of what is used.',
      severity: 'LOW',
      peers: ['AWS', 'GCP'],
    },
    judge: (model) => {
      const { unusedDays } = model.policy.thresholds;
      const unused = (model.input.unused ?? [])
        .filter((each) => each.unusedDays >= unusedDays && each.observedDays >= unusedDays)
        .flatMap((each) => unusedGrants(each, model, checks));
      return together(unused);
    },
  };
}
