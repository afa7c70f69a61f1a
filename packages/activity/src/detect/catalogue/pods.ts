import { isByOthers, onEvent, sentence, whenever } from './entries.ts';
import { plainProgramOf, purposeOf } from './exec-command.ts';
import type { CommandPurpose } from './exec-command.ts';
import { did, isNode, pathOf, queryValues } from './facts.ts';
import type { Detection, DetectionSeverity, EventFacts } from './types.ts';

/** SPDY clients create, WebSocket clients get. */
const CONNECT = 'create get';

const PURPOSES: Readonly<Record<CommandPurpose, readonly [severity: DetectionSeverity, text: string]>> = {
  credentials: ['HIGH', 'reads credentials'],
  'metadata-service': ['HIGH', "asks the cloud's metadata service"],
  'reverse-shell': ['HIGH', 'opens a shell to elsewhere'],
  node: ['HIGH', 'reaches for the node'],
  download: ['HIGH', 'downloads something'],
  'too-long-to-read': ['HIGH', 'is longer than anybody types'],
  copy: ['MEDIUM', 'copies files, as kubectl cp does'],
  shell: ['MEDIUM', 'starts a shell'],
};

/** Switching protocols, or any success. */
function isConnected({ event: { code } }: EventFacts): boolean {
  return code === 101 || (code >= 200 && code <= 299);
}

/** What monitoring asks kubelets for. */
const HARMLESS_NODE_PATH = /^(?:metrics|healthz|stats|configz)(?:\/[\w/.-]*)?$/;
const NODE_PATH = /\/nodes\/[^/]+\/proxy\/?(.*)$/;
const LEGACY_NODE_PATH = /\/proxy\/nodes\/[^/]+\/?(.*)$/;

function isHarmlessOnNode({ event }: EventFacts): boolean {
  const path = pathOf(event.requestURI);
  const rest = (NODE_PATH.exec(path) ?? LEGACY_NODE_PATH.exec(path))?.[1] ?? '';
  return HARMLESS_NODE_PATH.test(rest) && !rest.includes('..');
}

function isNodeProxy({ asked }: EventFacts): boolean {
  if (asked?.apiGroup !== '') return false;
  return asked.resource === 'nodes/proxy' || (asked.resource === 'nodes' && asked.verb === 'proxy');
}

/** Detections of what reaches into pods and nodes. */
export const POD_DETECTIONS: readonly Detection[] = [
  whenever(
    {
      id: 'D14',
      title: 'Command in a container',
      severity: 'MEDIUM',
      why: 'Exec and attach go past images, reviews and admission. WebSocket clients use get, not create.',
      peers: ['Falco', 'Sigma', 'Elastic', 'Panther', 'Datadog'],
    },
    (facts) => did(facts, CONNECT, 'pods/exec', 'pods/attach') && isConnected(facts),
  ),
  onEvent(
    {
      id: 'D15',
      title: 'Suspicious command in a container',
      severity: 'HIGH',
      why: 'The URI of an exec has its command: tokens, metadata services, shells, downloads, copies.',
      peers: ['Elastic', 'Panther', 'Sigma'],
    },
    (facts) => {
      if (!did(facts, CONNECT, 'pods/exec')) return undefined;
      const command = queryValues(facts, 'command');
      const purpose = purposeOf(command);
      if (purpose === undefined) return undefined;
      const [severity, text] = PURPOSES[purpose];
      // Arguments may hold secrets: what is told is which kind of command it was, not the command.
      const program = plainProgramOf(command);
      const by = program === undefined ? '' : ` (${program} and ${command.length - 1} arguments, withheld)`;
      return { severity, says: sentence(facts, `the command ${text}${by}`) };
    },
  ),
  whenever(
    {
      id: 'D16',
      title: 'Port forwarded',
      severity: 'LOW',
      why: 'It goes past network policies, and past whatever guards a service.',
      peers: ['Falco'],
    },
    (facts) => did(facts, CONNECT, 'pods/portforward'),
  ),
  whenever(
    {
      id: 'D17',
      title: 'Ephemeral container added',
      severity: 'MEDIUM',
      why: 'A container of any image joins a running pod and shares what it has.',
      peers: ['Falco', 'Elastic'],
    },
    (facts) => did(facts, 'update patch', 'pods/ephemeralcontainers'),
  ),
  whenever(
    {
      id: 'D18',
      title: 'Kubelet reached through the API server',
      severity: 'HIGH',
      why: 'nodes/proxy runs commands in every pod of a node, with no audit log and no admission.',
      peers: ['Elastic', 'Stratus'],
    },
    (facts) => isNodeProxy(facts) && !isHarmlessOnNode(facts),
  ),
  whenever(
    {
      id: 'D20',
      title: 'Pod made in a namespace of the system',
      severity: 'MEDIUM',
      why: 'Pods there can use identities of the control plane, and nobody wonders about them.',
      peers: ['Falco', 'Sigma', 'Panther', 'Datadog'],
    },
    (facts, settings) =>
      did(facts, 'create', 'pods') &&
      settings.isPrivilegedNamespace(facts.asked?.namespace ?? '') &&
      isByOthers(facts, settings) &&
      // Mirror pods of what a kubelet runs by itself.
      !isNode(facts.event.user.username),
  ),
];
