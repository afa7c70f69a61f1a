import { subjectCheck } from './binding-check.ts';

/** Nodes, whom an authorizer of their own keeps to what runs on them. */
export const R017 = subjectCheck(
  {
    id: 'R017',
    title: 'Grants to nodes',
    why: 'The Node authorizer lets a kubelet see only what its own pods need. What RBAC grants to a node, or to system:nodes, side-steps that.',
    remedy: 'Remove the binding; run what needs it as a DaemonSet with a service account.',
    severity: 'HIGH',
    peers: [],
  },
  ({ kind, name }) => {
    const isNode =
      (kind === 'User' && name.startsWith('system:node:')) || (kind === 'Group' && name === 'system:nodes');
    return isNode ? 'HIGH' : undefined;
  },
);
