import type { Cell } from '@leastwise/rbac';

/** A key that only equal cells share; no field of a cell holds a NUL. */
export function cellKey({ verb, apiGroup, resource, namespace, name, path }: Cell): string {
  return `${verb}\0${apiGroup}\0${resource}\0${namespace}\0${name}\0${path}`;
}
