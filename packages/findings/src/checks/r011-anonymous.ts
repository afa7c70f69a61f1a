import type { BindingEntry } from '../access/model.ts';
import { refersToClusterRole, subjectCheck } from './binding-check.ts';

function isMeantForAll(binding: BindingEntry): boolean {
  if (refersToClusterRole(binding, ['system:public-info-viewer'])) return true;
  // kubeadm lets new nodes read cluster-info, in kube-public only.
  const { roleRef } = binding.object;
  return (
    roleRef.kind === 'Role' &&
    roleRef.name === 'kubeadm:bootstrap-signer-clusterinfo' &&
    binding.scope.namespace === 'kube-public'
  );
}

/** Whoever reaches the API server. */
export const R011 = subjectCheck(
  {
    id: 'R011',
    title: 'Grants to anybody without authentication',
    why: 'What system:anonymous or system:unauthenticated may do, anybody may do who reaches the API server.',
    remedy: 'Remove the binding; give whoever needs it an account.',
    severity: 'CRITICAL',
    peers: ['TR 0122', 'KU 0262', 'KR', 'GK', 'KY', 'GP'],
  },
  (subject, binding) => {
    const isAnybody =
      (subject.kind === 'User' && subject.name === 'system:anonymous') ||
      (subject.kind === 'Group' && subject.name === 'system:unauthenticated');
    return isAnybody && !isMeantForAll(binding) ? 'CRITICAL' : undefined;
  },
);
