import { everywhere } from '../access/scope.ts';
import { BIND } from './bind-targets.ts';
import { grantCheck } from './grant-check.ts';
import { bindsHarmlessOnly } from './harmless-roles.ts';

/** The verb that lets one bind roles beyond one's own rights. */
export const R041 = grantCheck(
  {
    id: 'R041',
    title: 'Binds roles beyond its own rights',
    why: 'The verb bind on roles or clusterroles lets its holder put a role into a binding although it does not hold what the role grants.',
    remedy: 'Name the roles that may be bound in resourceNames, and make them first.',
    peers: ['KU 0191', 'KS', 'TR 0050', 'KY', 'GP', 'RP bind_roles (wrong resource)'],
  },
  {
    targets: BIND,
    severities: everywhere('CRITICAL'),
    rate: (grant, scope, model) => (bindsHarmlessOnly(grant, scope, model) ? 'MEDIUM' : 'CRITICAL'),
  },
);
