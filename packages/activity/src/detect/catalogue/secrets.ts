import { isByOthers, onEvent, sentence, whenever } from './entries.ts';
import { did, isNode, isServiceAccount, programOf } from './facts.ts';
import type { Detection, EventFacts, Match } from './types.ts';

/** Programs that people run by hand, scripts among them, where kubectl would be usual. */
const HAND_TOOLS = ['curl', 'wget', 'python', 'go-http-client', 'kali', 'okhttp', 'libwww-perl', 'httpie'];

function isHandTool(facts: EventFacts): boolean {
  const program = programOf(facts);
  return HAND_TOOLS.some((tool) => program.startsWith(tool));
}

function firstRead(facts: EventFacts): Match | undefined {
  const { username } = facts.event.user;
  const namespace = facts.asked?.namespace ?? '';
  if (namespace === '' || !(isServiceAccount(username) || isNode(username))) return undefined;
  if (!did(facts, 'get list watch', 'secrets')) return undefined;
  const says = sentence(facts, 'first read of secrets there');
  return { severity: 'MEDIUM', says, firstSeenKey: `secrets of ${namespace}` };
}

/** Detections around secrets and tokens. */
export const SECRET_DETECTIONS: readonly Detection[] = [
  whenever(
    {
      id: 'D07',
      title: 'Secrets of all namespaces listed',
      severity: 'CRITICAL',
      why: 'One request reads every secret of the cluster.',
      peers: ['Panther', 'Elastic'],
    },
    (facts, settings) =>
      did(facts, 'list watch', 'secrets') && facts.asked?.namespace === '' && isByOthers(facts, settings),
  ),
  onEvent(
    {
      id: 'D09',
      title: 'Secrets read by an unusual program',
      severity: 'HIGH',
      why: 'Secrets are read by controllers and kubectl; curl and scripts are what an intruder has at hand.',
      peers: ['Elastic'],
    },
    (facts, settings) => {
      if (!did(facts, 'get list', 'secrets') || !isByOthers(facts, settings)) return undefined;
      const program = programOf(facts);
      if (isHandTool(facts)) return { severity: 'HIGH', says: sentence(facts, `by ${program}`) };
      const says = sentence(facts, `by ${program}, which is new`);
      return { severity: 'LOW', says, firstSeenKey: `secrets by ${program}` };
    },
  ),
  onEvent(
    {
      id: 'D10',
      title: 'Secrets of kube-system or default listed, or of a new namespace read',
      severity: 'MEDIUM',
      why: 'The keys to the cluster lie there, and workloads read the secrets of their own namespace.',
      peers: ['Elastic', 'Falco', 'Sigma'],
    },
    (facts, settings) => {
      if (!isByOthers(facts, settings)) return undefined;
      const namespace = facts.asked?.namespace ?? '';
      const isCentral = namespace === 'default' || settings.isPrivilegedNamespace(namespace);
      if (isCentral && did(facts, 'list', 'secrets')) return { severity: 'MEDIUM', says: sentence(facts) };
      return firstRead(facts);
    },
  ),
  onEvent(
    {
      id: 'D12',
      title: 'Secret changed',
      severity: 'LOW',
      why: 'A token can be had by writing a secret for it. Whether it is one needs the body.',
      peers: ['Sigma', 'Falco'],
    },
    (facts, settings) => {
      const verbs = 'create update patch delete deletecollection';
      if (!did(facts, verbs, 'secrets') || !isByOthers(facts, settings)) return undefined;
      const isPrivileged = settings.isPrivilegedNamespace(facts.asked?.namespace ?? '');
      return { severity: isPrivileged ? 'MEDIUM' : 'LOW', says: sentence(facts) };
    },
  ),
  whenever(
    {
      id: 'D13',
      title: 'Token of a service account made',
      severity: 'MEDIUM',
      why: 'Kubelets ask for the tokens of pods; anybody else takes an identity along.',
      peers: ['Elastic', 'Panther'],
    },
    (facts, settings) =>
      did(facts, 'create', 'serviceaccounts/token') &&
      isByOthers(facts, settings) &&
      !isNode(facts.event.user.username),
  ),
];
