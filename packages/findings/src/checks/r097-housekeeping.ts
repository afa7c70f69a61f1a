import { type Subject, subjectKey } from '@leastwise/audit-event';

import type { AccessModel, BindingEntry, Holder } from '../access/model.ts';
import { type Draft, objectKey, wholeStep } from '../findings/draft.ts';
import { clipped, objectText, scopeText, subjectText } from '../text.ts';
import type { SurveyCheck } from './check.ts';

type Said = Pick<Draft, 'message' | 'object'> & Partial<Pick<Draft, 'subject' | 'namespace' | 'paths'>>;

function informs(said: Said): Draft {
  return { check: 'R097', severity: 'INFO', paths: [], ...said };
}

function isOurs({ isAudited, isShipped }: BindingEntry): boolean {
  return isAudited && !isShipped;
}

function referenceTo({ kind, namespace, name }: Subject): Draft['object'] {
  return { kind, ...(namespace === '' ? {} : { namespace }), name };
}

function manyRoles({ subject, holdings }: Holder, { policy }: AccessModel): readonly Draft[] {
  const roles = new Set(
    holdings.filter(({ binding }) => isOurs(binding)).map(({ role }) => objectKey(role.reference)),
  );
  if (roles.size <= policy.thresholds.rolesPerSubject) return [];
  const message = `${subjectText(subject)} is bound to ${roles.size} roles`;
  return [informs({ message, object: referenceTo(subject), subject })];
}

function manySubjects({ bindings, policy }: AccessModel): readonly Draft[] {
  const subjects = new Map<string, Set<string>>();
  for (const binding of bindings) {
    const { namespace } = binding.scope;
    if (!isOurs(binding) || namespace === '') continue;
    const bound = subjects.get(namespace) ?? new Set<string>();
    subjects.set(namespace, bound);
    for (const { subject } of binding.subjects) if (subject !== undefined) bound.add(subjectKey(subject));
  }
  return [...subjects]
    .filter(([, bound]) => bound.size > policy.thresholds.subjectsPerNamespace)
    .map(([namespace, bound]) =>
      informs({
        message: `${bound.size} subjects hold rights in namespace ${clipped(namespace)}`,
        object: { kind: 'Namespace', name: namespace },
        namespace,
      }),
    );
}

/** Bindings that bind a subject to a role where another one does already. */
function duplicates({ bindings }: AccessModel): readonly Draft[] {
  const first = new Map<string, BindingEntry>();
  const drafts: Draft[] = [];
  for (const binding of bindings) {
    const { roleRef } = binding.object;
    for (const { subject } of binding.subjects) {
      if (subject === undefined || !isOurs(binding)) continue;
      const key = JSON.stringify([binding.scope.namespace, roleRef.kind, roleRef.name, subjectKey(subject)]);
      const known = first.get(key);
      if (known === undefined) first.set(key, binding);
      else if (objectKey(known.reference) !== objectKey(binding.reference)) {
        drafts.push(
          informs({
            message: `${objectText(binding.reference)} binds ${subjectText(subject)} to ${roleRef.kind} ${clipped(roleRef.name)} ${scopeText(binding.scope)}, as ${objectText(known.reference)} does`,
            object: binding.reference,
            subject,
            ...(binding.scope.namespace === '' ? {} : { namespace: binding.scope.namespace }),
            paths: [wholeStep(binding)],
          }),
        );
      }
    }
  }
  return drafts;
}

/** The dashboard acts for whoever reaches it, with what it holds for the whole cluster. */
function dashboards({ bindings }: AccessModel): readonly Draft[] {
  return bindings.flatMap((binding) => {
    if (!isOurs(binding) || binding.scope.kind !== 'cluster') return [];
    return binding.subjects.flatMap(({ subject }) => {
      if (subject?.kind !== 'ServiceAccount' || subject.name !== 'kubernetes-dashboard') return [];
      const message = `${objectText(binding.reference)} gives the dashboard rights in the whole cluster`;
      return [informs({ message, object: binding.reference, subject, paths: [wholeStep(binding)] })];
    });
  });
}

/** What is not dangerous by itself, and makes RBAC hard to read. */
export const R097: SurveyCheck = {
  kind: 'survey',
  info: {
    id: 'R097',
    title: 'Hard to oversee',
    why: 'Many roles of one subject, many subjects of one namespace, the same binding twice, and a dashboard with rights of its own hide what is granted.',
    remedy: 'Put together what belongs together, and remove what is there twice.',
    severity: 'INFO',
    peers: ['KR 2', 'KU 0014'],
  },
  judge: (model) => [
    ...[...model.holders.values()].flatMap((holder) => manyRoles(holder, model)),
    ...manySubjects(model),
    ...duplicates(model),
    ...dashboards(model),
  ],
};
