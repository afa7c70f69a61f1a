import { asked } from '../../testing/command.ts';

/** A line of a log: an allowed request in namespace `ns1`, with what is given instead. */
export function event(user: string, what: string, fields: Readonly<Record<string, unknown>> = {}): string {
  return `${JSON.stringify({ ...(JSON.parse(asked(user, what)) as object), auditID: `${user} ${what} ${JSON.stringify(fields)}`, ...fields })}\n`;
}

/** What the API server decided, and why. */
export function reason(decision: 'allow' | 'forbid', text: string): Readonly<Record<string, unknown>> {
  return {
    annotations: { 'authorization.k8s.io/decision': decision, 'authorization.k8s.io/reason': text },
    ...(decision === 'forbid' ? { responseStatus: { code: 403 } } : {}),
  };
}

/** A request for one object; the name as it stands in the URL. */
export function named(resource: string, name: string): Readonly<Record<string, unknown>> {
  return {
    requestURI: `/api/v1/namespaces/ns1/${resource}/${name}`,
    objectRef: { resource, namespace: 'ns1', name, apiVersion: 'v1' },
  };
}

/** A part of what is printed, from its heading to the next blank line. */
export function sectionOf(text: string, heading: string): string {
  const at = text.indexOf(`\n${heading}`);
  return at < 0 ? '' : (text.slice(at + 1).split('\n\n', 1)[0] ?? '').trimEnd();
}
