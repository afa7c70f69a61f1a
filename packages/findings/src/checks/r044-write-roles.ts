import { byScope } from '../access/scope.ts';
import { AGGREGATE_TO } from '../bootstrap/shipped.ts';
import { isGrave } from '../severity.ts';
import { clipped, listed } from '../text.ts';
import type { RoleCheck } from './check.ts';
import { grantCheck } from './grant-check.ts';
import { roles, WRITE } from './resources.ts';

/** Roles without `escalate`; with it, it is R040 as well. */
export const R044 = grantCheck(
  {
    id: 'R044',
    title: 'Writes roles',
    why: 'It may put all its own rights into roles that others hold. In the same way a ClusterRole labelled aggregate-to-admin, -edit or -view changes what these grant in every namespace.',
    remedy:
      'Let roles be written by the pipeline that owns them; label only what everybody with that role should have.',
    peers: ['RT', 'KR'],
  },
  { targets: roles(WRITE), severities: byScope('HIGH', 'HIGH', 'MEDIUM') },
);

/** The other half of R044: a role that writes itself into others. */
export const R044_AGGREGATED: RoleCheck = {
  kind: 'role',
  info: R044.info,
  judge: (role, model) => {
    const { kind, metadata } = role.object;
    const into = Object.entries(metadata.labels ?? {})
      .filter(([key, value]) => key.startsWith(AGGREGATE_TO) && value === 'true')
      .map(([key]) => clipped(key.slice(AGGREGATE_TO.length)));
    if (kind !== 'ClusterRole' || into.length === 0 || role.rules.length === 0) return undefined;
    const worst = model.worstOf(role, { kind: 'namespace', namespace: '' });
    return {
      severity: worst !== undefined && isGrave(worst) ? 'HIGH' : 'MEDIUM',
      says: `adds its rules to what ${listed(into.sort())} grants`,
      rules: [],
    };
  },
};
