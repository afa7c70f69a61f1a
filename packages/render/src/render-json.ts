import type { RbacObject } from '@leastwise/rbac';

import { orderObject } from './order-object.ts';

/** Renders objects as a `v1` List, which `kubectl apply -f` takes: two spaces, keys as in the YAML, a newline at the end. */
export function renderJson(objects: readonly RbacObject[]): string {
  const list = { apiVersion: 'v1', kind: 'List', items: objects.map(orderObject) };
  return `${JSON.stringify(list, null, 2)}\n`;
}
