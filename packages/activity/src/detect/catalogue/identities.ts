import { onEvent, isByOthers, sentence, whenever } from './entries.ts';
import { did, isServiceAccount, pathOf } from './facts.ts';
import type { Settings } from './settings.ts';
import type { Detection, EventFacts } from './types.ts';

/** What an API server tells everybody. */
const PUBLIC_PATHS = /^\/(?:healthz|livez|readyz|version$|\.well-known\/)/;
const ANONYMOUS = 'system:anonymous';
const MASTERS = 'system:masters';

function isImpersonatingPower({ event }: EventFacts): boolean {
  const wanted = event.impersonatedUser;
  if (wanted === undefined) return false;
  const isForeignAccount =
    isServiceAccount(wanted.username) && !wanted.username.startsWith('system:serviceaccount:kube-system:');
  return wanted.groups.includes(MASTERS) || (wanted.username.startsWith('system:') && !isForeignAccount);
}

function isOutsideArc({ asked }: EventFacts): boolean {
  const namespace = asked?.namespace ?? '';
  return !namespace.startsWith('azure-arc') && namespace !== 'kube-system';
}

function hasExtra({ event }: EventFacts, name: string): boolean {
  return event.user.extra.some(([key]) => key.toLowerCase() === `authentication.kubernetes.io/${name}`);
}

function isAnonymous({ event }: EventFacts): boolean {
  return event.user.username === ANONYMOUS;
}

function impersonation(facts: EventFacts, settings: Settings): 'power' | 'refused' | undefined {
  if (!isByOthers(facts, settings)) return undefined;
  if (facts.skipped === 'impersonation-refused') return 'refused';
  return isImpersonatingPower(facts) ? 'power' : undefined;
}

/** Detections of who somebody is, or pretends to be. */
export const IDENTITY_DETECTIONS: readonly Detection[] = [
  whenever(
    {
      id: 'D01',
      title: 'Anonymous request allowed',
      severity: 'HIGH',
      why: 'Nobody who is not known needs more of an API server than its health and version.',
      peers: ['Falco', 'Elastic', 'Panther', 'Datadog'],
    },
    (facts) =>
      isAnonymous(facts) && facts.outcome === 'allowed' && !PUBLIC_PATHS.test(pathOf(facts.event.requestURI)),
  ),
  onEvent(
    {
      id: 'D29',
      title: 'Impersonation of a powerful identity, or refused',
      severity: 'HIGH',
      why: 'Whoever acts as system:masters, a node or a controller has its rights, and leaves its traces.',
      peers: ['Elastic'],
    },
    (facts, settings) => {
      const found = impersonation(facts, settings);
      if (found === undefined) return undefined;
      return {
        severity: 'HIGH',
        says: sentence(facts, found === 'refused' ? 'impersonation was refused' : 'impersonation'),
      };
    },
  ),
  onEvent(
    {
      id: 'D38',
      title: 'User off the list, or shared administrator',
      severity: 'LOW',
      why: 'A list of users says who is expected; a shared administrator says nothing about who it was.',
      peers: ['Falco'],
    },
    (facts, settings) => {
      const { username } = facts.event.user;
      if (settings.isSharedAdmin(username))
        return { severity: 'LOW', says: sentence(facts, 'shared administrator') };
      if (username === '' || username.startsWith('system:') || settings.isAllowedUser(username))
        return undefined;
      return { severity: 'LOW', says: sentence(facts, 'not on the list of users') };
    },
  ),
  onEvent(
    {
      id: 'D41',
      title: 'Token of a service account used outside a pod',
      severity: 'HIGH',
      why: 'A token that is bound to no pod was taken out of the cluster, or made by hand.',
      peers: [],
    },
    (facts, settings) => {
      const { username } = facts.event.user;
      if (!isServiceAccount(username) || settings.isSystem(username)) return undefined;
      if (facts.skipped !== undefined || hasExtra(facts, 'pod-name')) return undefined;
      // A workload of another cluster, or a legacy token, is so always: only its beginning is news.
      return { severity: 'HIGH', says: sentence(facts, 'the token names no pod'), firstSeenKey: 'no pod' };
    },
  ),
  whenever(
    {
      id: 'D42',
      title: 'Member of system:masters at work',
      severity: 'HIGH',
      why: 'No RBAC limits system:masters, and only new certificates revoke it.',
      peers: [],
    },
    ({ event, skipped }) =>
      skipped === undefined &&
      [event.user, event.impersonatedUser].some((user) => user?.groups.includes(MASTERS)) &&
      event.user.username !== 'system:apiserver',
  ),
  whenever(
    {
      id: 'D44',
      title: 'Azure Arc outside its namespaces, or anonymous write of pods',
      severity: 'MEDIUM',
      why: "The proxy of Azure Arc has wide rights for few uses; anonymous pods are somebody else's.",
      peers: ['Elastic'],
    },
    (facts) => {
      if (isAnonymous(facts)) return did(facts, 'create update patch', 'pods');
      if (!facts.event.user.username.startsWith('system:serviceaccount:azure-arc')) return false;
      const verbs = 'get list watch create update patch delete deletecollection';
      return did(facts, verbs, 'secrets', 'configmaps') && isOutsideArc(facts);
    },
  ),
];
