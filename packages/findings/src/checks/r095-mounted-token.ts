import { impliedGroups, type Subject, subjectKey } from '@leastwise/audit-event';

import type { AccessModel } from '../access/model.ts';
import type { Draft } from '../findings/draft.ts';
import type { AuditedWorkload } from '../input.ts';
import { isGrave, raised, severityRank } from '../severity.ts';
import { byCodeUnits, objectText, subjectText } from '../text.ts';
import type { SurveyCheck } from './check.ts';

/** The worst grave finding on each subject; of several the first by check. */
function worstBySubject(drafts: readonly Draft[]): ReadonlyMap<string, Draft> {
  const worst = new Map<string, Draft>();
  for (const draft of drafts) {
    if (draft.subject === undefined || !isGrave(draft.severity)) continue;
    const key = subjectKey(draft.subject);
    const known = worst.get(key);
    const order =
      known === undefined
        ? -1
        : severityRank(draft.severity) - severityRank(known.severity) ||
          byCodeUnits(draft.check, known.check) ||
          byCodeUnits(draft.message, known.message);
    if (order < 0) worst.set(key, draft);
  }
  return worst;
}

/** Whether pods of a workload get a token: as the pod says, else as its service account does. */
function mountsToken({
  input: { serviceAccounts = [] },
}: AccessModel): (workload: AuditedWorkload) => boolean {
  const byAccount = new Map(
    serviceAccounts.map((each) => [`${each.namespace}/${each.name}`, each.automountServiceAccountToken]),
  );
  return ({ namespace, serviceAccountName, automountServiceAccountToken }) =>
    automountServiceAccountToken ?? byAccount.get(`${namespace}/${serviceAccountName}`) ?? true;
}

function draftOf(workload: AuditedWorkload, worst: ReadonlyMap<string, Draft>): readonly Draft[] {
  const { kind, namespace, name, serviceAccountName, uid, origin } = workload;
  const subject: Subject = { kind: 'ServiceAccount', namespace, name: serviceAccountName };
  const holders = [
    subject,
    ...impliedGroups(subject).map((group): Subject => ({ kind: 'Group', namespace: '', name: group })),
  ];
  const found = holders
    .flatMap((holder) => worst.get(subjectKey(holder)) ?? [])
    .sort((a, b) => severityRank(a.severity) - severityRank(b.severity) || byCodeUnits(a.check, b.check))[0];
  if (found === undefined) return [];
  const object = {
    kind,
    namespace,
    name,
    ...(uid === undefined ? {} : { uid }),
    ...(origin === undefined ? {} : { origin }),
  };
  return [
    {
      check: 'R095',
      severity: raised(found.severity),
      message: `${objectText(object)} mounts the token of ${subjectText(subject)}, of which ${found.check} is told: ${found.message}`,
      object,
      subject,
      namespace,
      paths: found.paths,
    },
  ];
}

/** A dangerous account whose token lies in a pod. */
export const R095: SurveyCheck = {
  kind: 'survey',
  info: {
    id: 'R095',
    title: 'A pod holds a dangerous token',
    why: 'Whoever breaks into the pod has the rights of its service account at once. It is one step worse than the worst finding on the account.',
    remedy: 'Set automountServiceAccountToken to false where the API is not used; else narrow the role.',
    severity: 'CRITICAL',
    peers: ['KU 0053/0267/0272', 'KS -rp', 'RP combined'],
  },
  judge: (model, drafts) => {
    const worst = worstBySubject(drafts);
    return (model.input.workloads ?? [])
      .filter(mountsToken(model))
      .flatMap((workload) => draftOf(workload, worst));
  },
};
