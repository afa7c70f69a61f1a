export { diffRbac, MAX_DIFF_GRANTS, type RbacDiff, type RoleReference, type SubjectDiff } from './diff.ts';
export { formatGrant, formatRoleReference } from './format.ts';
export type { Grant } from './grant.ts';
