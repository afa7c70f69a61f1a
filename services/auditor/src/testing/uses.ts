import { PolicyObservability, readAuditPolicies, solePolicy } from '@leastwise/audit-policy';
import type { RbacObject } from '@leastwise/rbac';
import type { Log, LogFields } from '@leastwise/runtime';
import { Gathering, type SubjectStore } from '@leastwise/state';
import { auditEvent, requestTarget, requestTo, START_US, userInfo } from '@leastwise/testkit';

export const DAY_MS = 86_400_000;
/** When the last of {@link DAYS} is over. */
export const NOW_MS = START_US / 1000 + 99 * DAY_MS + 3_600_000;

/** A request for pods of the namespace `shop`, some days after the first. */
export type Asked = readonly [account: string, verb: 'get' | 'list' | 'delete', day: number];

/** The account `ci` reads pods for a hundred days, and deletes one at the beginning. */
export const A_HUNDRED_DAYS: readonly Asked[] = [
  ['shop:ci', 'delete', 1],
  ...Array.from({ length: 100 }, (_, day): Asked => ['shop:ci', 'get', day]),
];

/** Adds requests to the evidence of the cluster `prod`, as a further batch. */
export async function count(store: SubjectStore, asked: readonly Asked[], lost = 0): Promise<void> {
  const claim = await store.claim('log');
  const gathering = new Gathering(claim, { observe: { deniedAs: 'denied' }, hasWindows: false });
  for (const [i, [account, verb, day]] of asked.entries()) {
    const target = { verb, resource: 'pods', namespace: 'shop', name: verb === 'list' ? '' : 'web' } as const;
    gathering.add(
      auditEvent({
        ...requestTo(requestTarget(target)),
        auditID: `${claim.position}-${i}`,
        receivedAtUs: START_US + day * DAY_MS * 1000 + i,
        user: userInfo({ username: `system:serviceaccount:${account}` }),
      }),
      'prod',
    );
  }
  const deltas = gathering.take();
  const to = String(Number(claim.position) + asked.length);
  const tally = { ...deltas.tally, lost };
  const result = await store.applyBatch({ claim, from: claim.position, to, deltas: { ...deltas, tally } });
  if (result !== 'applied') throw new Error(result);
}

const API_VERSION = 'rbac.authorization.k8s.io/v1';
const RBAC_GROUP = 'rbac.authorization.k8s.io';

/** A Role of `shop` with some verbs on some resources, and a binding of accounts and groups to it. */
export function roleAndBinding(
  verbs: string,
  resources: string,
  who: readonly string[] = ['shop:ci'],
): RbacObject[] {
  const rules = [{ verbs: verbs.split(','), apiGroups: [''], resources: resources.split(',') }];
  const metadata = { name: 'app', namespace: 'shop' };
  const subjects = who.map((each) => {
    const [namespace = '', name = ''] = each.split(':');
    return namespace === 'group'
      ? { kind: 'Group' as const, apiGroup: RBAC_GROUP, name }
      : { kind: 'ServiceAccount' as const, namespace, name };
  });
  const roleRef = { apiGroup: RBAC_GROUP, kind: 'Role' as const, name: 'app' };
  return [
    { apiVersion: API_VERSION, kind: 'Role', metadata, rules },
    { apiVersion: API_VERSION, kind: 'RoleBinding', metadata, roleRef, subjects },
  ];
}

/** An audit policy with these rules. */
export function policyOf(rules = '- level: Metadata'): PolicyObservability {
  const text = `apiVersion: audit.k8s.io/v1\nkind: Policy\nrules:\n${rules}\n`;
  const sole = solePolicy(readAuditPolicies(text, 'policy.yaml'), 'policy.yaml');
  if (sole.policy === undefined) throw new Error(sole.problems.join('\n'));
  return new PolicyObservability(sole.policy);
}

/** A log that keeps what is said. */
export function listeningLog(): { readonly log: Log; readonly said: string[] } {
  const said: string[] = [];
  const note = (first: string | LogFields, second?: string | LogFields): void => {
    said.push(
      [first, second].map((each) => (typeof each === 'string' ? each : JSON.stringify(each))).join(' '),
    );
  };
  const log: Log = { debug: note, info: note, warn: note, error: note, fatal: note, child: () => log };
  return { log, said };
}
