import { isByOthers, onEvent, sentence, whenever } from './entries.ts';
import { did, isDryRun, isNode, isServiceAccount } from './facts.ts';
import type { Settings } from './settings.ts';
import type { Detection, EventFacts } from './types.ts';

const WRITES = 'create update patch delete deletecollection';
const REMOVALS = 'delete deletecollection';
const RBAC = 'rbac.authorization.k8s.io';
const ROLES = [`${RBAC}/roles`, `${RBAC}/clusterroles`];
const BINDINGS = [`${RBAC}/rolebindings`, `${RBAC}/clusterrolebindings`];
const ADMISSION = [
  'mutatingwebhookconfigurations',
  'validatingwebhookconfigurations',
  'mutatingadmissionpolicies',
  'mutatingadmissionpolicybindings',
  'validatingadmissionpolicies',
  'validatingadmissionpolicybindings',
].map((resource) => `admissionregistration.k8s.io/${resource}`);
const EXTENSIONS = [
  ...ADMISSION,
  'apiregistration.k8s.io/apiservices',
  'apiextensions.k8s.io/customresourcedefinitions',
];
const CSR = 'certificates.k8s.io/certificatesigningrequests';
const CENTRAL_CONFIGMAPS = ['aws-auth', 'coredns', 'coredns-custom', 'kube-dns'];

/** Something was changed for real, and not by a part of the system. */
function changed(
  facts: EventFacts,
  settings: Settings,
  verbs: string,
  resources: readonly string[],
): boolean {
  return did(facts, verbs, ...resources) && isByOthers(facts, settings) && !isDryRun(facts);
}

function isSystemRole({ asked }: EventFacts): boolean {
  const name = asked?.name ?? '';
  return asked?.verb === 'deletecollection' || name.startsWith('system:') || name.startsWith('eks:');
}

/** A kubelet makes its own node, and that of no other. */
function isOwnNode({ event, asked }: EventFacts): boolean {
  const name = asked?.name === '' ? event.objectRef?.name : asked?.name;
  return event.user.username === `system:node:${name ?? ''}`;
}

function isNewcomer(username: string): boolean {
  return isNode(username) || username.startsWith('system:bootstrap:');
}

/** Detections of changes to the cluster itself. */
export const CONTROL_PLANE_DETECTIONS: readonly Detection[] = [
  onEvent(
    {
      id: 'D22',
      title: 'Service account or namespace made or removed',
      severity: 'LOW',
      why: 'A new identity, or a place for one.',
      peers: ['Falco', 'Sigma', 'Datadog'],
    },
    (facts, settings) => {
      if (changed(facts, settings, 'create', ['serviceaccounts'])) {
        const isCentral = (facts.asked?.namespace ?? '').startsWith('kube-');
        return { severity: isCentral ? 'MEDIUM' : 'LOW', says: sentence(facts) };
      }
      if (changed(facts, settings, `create ${REMOVALS}`, ['namespaces']))
        return { severity: 'LOW', says: sentence(facts) };
      return undefined;
    },
  ),
  whenever(
    {
      id: 'D26',
      title: 'RBAC changed by a service account, or a binding by anybody',
      severity: 'MEDIUM',
      why: 'Bindings give rights; workloads that change RBAC give them to themselves.',
      peers: ['Elastic', 'Sigma', 'Falco'],
    },
    (facts, settings) =>
      changed(facts, settings, WRITES, BINDINGS) ||
      (isServiceAccount(facts.event.user.username) && changed(facts, settings, WRITES, ROLES)),
  ),
  whenever(
    {
      id: 'D27',
      title: 'Role of the system changed',
      severity: 'CRITICAL',
      why: 'Everything in the cluster has rights by these roles. The API server keeps them up itself.',
      peers: ['Falco', 'Panther'],
    },
    (facts, settings) => changed(facts, settings, `update patch ${REMOVALS}`, ROLES) && isSystemRole(facts),
  ),
  whenever(
    {
      id: 'D30',
      title: 'Admission or API extension changed',
      severity: 'HIGH',
      why: 'A webhook sees and changes every object; an API service answers in the place of the API server.',
      peers: ['Sigma', 'Elastic', 'Panther', 'Datadog'],
    },
    (facts, settings) => changed(facts, settings, WRITES, EXTENSIONS),
  ),
  whenever(
    {
      id: 'D31',
      title: 'Client certificate asked for or approved',
      severity: 'HIGH',
      why: 'A certificate is an identity that nobody can revoke. Which one needs the body.',
      peers: ['Elastic', 'Panther'],
    },
    (facts, settings) => {
      if (changed(facts, settings, 'update patch', [`${CSR}/approval`])) return true;
      return changed(facts, settings, 'create', [CSR]) && !isNewcomer(facts.event.user.username);
    },
  ),
  whenever(
    {
      id: 'D32',
      title: 'Central ConfigMap changed',
      severity: 'HIGH',
      why: 'aws-auth makes administrators of cloud users, and CoreDNS says where everything is.',
      peers: ['Elastic'],
    },
    (facts, settings) =>
      changed(facts, settings, `update patch ${REMOVALS}`, ['configmaps']) &&
      facts.asked?.namespace === 'kube-system' &&
      (facts.asked.verb === 'deletecollection' || CENTRAL_CONFIGMAPS.includes(facts.asked.name)),
  ),
  whenever(
    {
      id: 'D33',
      title: 'Events deleted',
      severity: 'MEDIUM',
      why: 'They expire by themselves; who deletes them hides something.',
      peers: ['Sigma', 'Elastic'],
    },
    (facts, settings) => changed(facts, settings, REMOVALS, ['events', 'events.k8s.io/events']),
  ),
  whenever(
    {
      id: 'D34',
      title: 'Deployment deleted',
      severity: 'LOW',
      why: 'One is work, many are an outage: bursts of deletes are found as spikes.',
      peers: ['Sigma', 'Falco'],
    },
    (facts, settings) => changed(facts, settings, REMOVALS, ['apps/deployments']),
  ),
  whenever(
    {
      id: 'D37',
      title: 'Unexpected node made',
      severity: 'HIGH',
      why: 'A machine that joins gets pods, and their secrets with them.',
      peers: ['Falco'],
    },
    (facts, settings) => {
      if (!changed(facts, settings, 'create', ['nodes'])) return false;
      const { objectRef, user } = facts.event;
      if (!isOwnNode(facts)) return true;
      return !settings.isNodeName(objectRef?.name ?? user.username.slice('system:node:'.length));
    },
  ),
];
