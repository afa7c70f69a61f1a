import { subjectText } from '../text.ts';
import type { BindingCheck, BindingRemark } from './check.ts';

/** A list from a cluster may hold what the types of this program do not. */
const KINDS: ReadonlySet<string> = new Set(['User', 'Group', 'ServiceAccount']);

/** Subjects that stand for nobody. */
export const R021: BindingCheck = {
  kind: 'binding',
  info: {
    id: 'R021',
    title: 'A subject that stands for nobody',
    why: 'A service account without a namespace in a ClusterRoleBinding, an empty name, or a kind that is not known never matches anybody: somebody does not have what was meant for him.',
    remedy: 'Write the namespace of the service account; remove what is not needed.',
    severity: 'LOW',
    peers: [],
  },
  judge: ({ subjects }) =>
    subjects.flatMap(({ listed, subject }): readonly BindingRemark[] => {
      if (subject !== undefined && KINDS.has(listed.kind)) return [];
      const { kind, namespace = '', name } = listed;
      const says = `lists ${subjectText(listed)}, which is nobody`;
      return [{ severity: 'LOW', says, subject: { kind, namespace, name } }];
    }),
};
