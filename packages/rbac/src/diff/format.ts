import type { RoleReference } from './diff.ts';
import type { Grant } from './grant.ts';

const PLAIN = /^[\w.*:/@~-]+$/;
const INVISIBLE = /[\p{C}\p{Z}]/gu;

/*
 * Names come from files that anybody may have written: whatever a terminal could act on, or that could
 * be taken for the words around it, is quoted and escaped.
 */
function shown(text: string): string {
  if (PLAIN.test(text)) return text;
  const escaped = text
    .replaceAll('\\', '\\\\')
    .replaceAll('"', '\\"')
    .replace(INVISIBLE, (char) => (char === ' ' ? char : `\\u{${(char.codePointAt(0) ?? 0).toString(16)}}`));
  return `"${escaped}"`;
}

function scoped(scope: string): string {
  return scope === '*' ? 'in the whole cluster' : `in namespace ${shown(scope)}`;
}

/** The resource as kubectl has it, `deployments.apps/scale`. */
function resourceWithGroup({ resource, apiGroup }: Grant): string {
  if (apiGroup === '') return resource;
  const slash = resource.indexOf('/');
  const end = slash < 0 ? resource.length : slash;
  return `${resource.slice(0, end)}.${apiGroup}${resource.slice(end)}`;
}

/**
 * One line for people: `update deployments.apps/scale named web in namespace prod`, `get /healthz`.
 * Control and invisible characters are escaped, so it is safe on a terminal; not so in Markdown or HTML.
 */
export function formatGrant(grant: Grant): string {
  if (grant.resource === '') {
    const path = grant.path.startsWith('/') ? shown(grant.path) : `URLs ${shown(grant.path)}`;
    return `${shown(grant.verb)} ${path}`;
  }
  const name = grant.name === '' ? '' : ` named ${shown(grant.name)}`;
  return `${shown(grant.verb)} ${shown(resourceWithGroup(grant))}${name} ${scoped(grant.scope)}`;
}

/** One line for people about a role that is not in the input; escaped as {@link formatGrant} does. */
export function formatRoleReference({ kind, name, scope }: RoleReference): string {
  return `everything in ${kind} ${shown(name)} ${scoped(scope)}`;
}
