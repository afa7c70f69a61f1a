import { objectText, scopeText } from '../text.ts';
import type { BindingCheck } from './check.ts';

/** A role that is not there, looked for in the input, in what exists besides, and among Kubernetes' own. */
export const R019: BindingCheck = {
  kind: 'binding',
  info: {
    id: 'R019',
    title: 'The role of a binding is missing',
    why: 'It grants nothing today. Whoever makes a role of that name chooses what the binding grants; and what cannot be seen is not judged here.',
    remedy: 'Remove the binding, or scan the role along with it.',
    severity: 'MEDIUM',
    peers: ['KR'],
  },
  judge: ({ roles, roleReference, scope }) => {
    if (roles.length > 0) return [];
    const says = `refers to ${objectText(roleReference)}, which is not known, ${scopeText(scope)}`;
    return [{ severity: 'MEDIUM', says }];
  },
};
