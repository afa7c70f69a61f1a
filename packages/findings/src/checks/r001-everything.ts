import { everywhere } from '../access/scope.ts';
import { type GrantCheck, infoOf } from './check.ts';
import { everythingIn } from './whole-rule.ts';

/** Everything, everywhere: the same as cluster-admin. */
export const R001: GrantCheck = {
  kind: 'grant',
  info: infoOf(
    {
      id: 'R001',
      title: 'May do everything in the cluster',
      why: 'All verbs on all resources, granted for the whole cluster, are what cluster-admin grants: every secret, every node, every right.',
      remedy: 'Write a role of what is used: `leastwise generate` makes one of the audit log.',
      peers: ['RP cluster_admin', 'TR 0044', 'KU 0035/0185/0187', 'KS any-verb', 'KR'],
    },
    everywhere('CRITICAL'),
  ),
  tellsEverything: true,
  find: everythingIn,
  rate: (_, { kind }) => (kind === 'cluster' ? 'CRITICAL' : undefined),
};
