import type { Grant } from '../access/grants.ts';
import type { AccessModel, RoleEntry } from '../access/model.ts';
import type { Scope } from '../access/scope.ts';

/** A role may be bound freely if nothing that is ever told of a role is told of it. */
function isHarmless({ profile }: RoleEntry): boolean {
  return profile.grants.size === 0 && profile.parts.size === 0;
}

/** The roles that a name in a rule on `bind` may mean: in one namespace, or wherever there is one. */
function rolesMeant(
  { resource, name }: { readonly resource: string; readonly name: string },
  { namespace }: Scope,
  model: AccessModel,
): readonly RoleEntry[] {
  if (resource === 'clusterroles') return model.rolesNamed('ClusterRole', name);
  if (namespace !== '') return model.rolesNamed('Role', name, namespace);
  return model.roles.filter(({ object }) => object.kind === 'Role' && object.metadata.name === name);
}

/**
 * Whether a grant of `bind` is for roles only that are there and harmless. Who makes a role of a name that is not there
 * chooses what may be bound, so that is not harmless.
 */
export function bindsHarmlessOnly({ names, resource }: Grant, scope: Scope, model: AccessModel): boolean {
  return (
    names.length > 0 &&
    names.every((name) => {
      const meant = rolesMeant({ resource, name }, scope, model);
      return meant.length > 0 && meant.every(isHarmless);
    })
  );
}
