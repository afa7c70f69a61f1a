import type { Subject } from '@leastwise/audit-event';

import type { KnownThings } from '../input.ts';

/** Every namespace has it as long as the namespace is there. */
const ALWAYS_THERE = 'default';

/**
 * Tells of a subject whether it is surely not there. What is not known is not said; groups, and users of Kubernetes'
 * own, are kept in no list.
 */
export function goneAmong({
  serviceAccounts,
  namespaces,
  users,
}: KnownThings): (subject: Subject) => boolean {
  const accounts =
    serviceAccounts && new Set(serviceAccounts.map((each) => `${each.namespace}/${each.name}`));
  const inhabited = namespaces && new Set(namespaces);
  const people = users && new Set(users);
  return ({ kind, namespace, name }) => {
    switch (kind) {
      case 'Group':
        return false;
      case 'User':
        return people !== undefined && !name.startsWith('system:') && !people.has(name);
      case 'ServiceAccount':
        if (inhabited !== undefined && !inhabited.has(namespace)) return true;
        return accounts !== undefined && name !== ALWAYS_THERE && !accounts.has(`${namespace}/${name}`);
    }
  };
}
