import { unavailable } from './entries.ts';
import type { Detection } from './types.ts';

const NO_ADDRESS = 'Source addresses are not decoded: all but the last are whatever a client says.';
const NO_BODY = 'Bodies are not decoded, so that nothing of them can be stored or logged.';

/** What the catalogue of the field has, and what events as they are decoded cannot tell. */
export const UNAVAILABLE_DETECTIONS: readonly Detection[] = [
  unavailable(
    {
      id: 'D02',
      title: 'Failed authentications from one address',
      severity: 'MEDIUM',
      why: 'Somebody tries tokens.',
      peers: ['Sigma'],
      kind: 'window',
    },
    NO_ADDRESS,
  ),
  unavailable(
    {
      id: 'D19',
      title: 'Privileged pod',
      severity: 'HIGH',
      needs: 'Request',
      why: 'Privileged containers, namespaces and paths of the host are a way onto the node.',
      peers: ['Falco', 'Sigma', 'Elastic', 'Panther', 'Datadog'],
    },
    `${NO_BODY} The annotations of pod security admission, which would do instead, are not decoded either.`,
  ),
  unavailable(
    {
      id: 'D21',
      title: "Pod with a controller's service account",
      severity: 'HIGH',
      needs: 'Request',
      why: 'Whoever starts one has the rights of that controller.',
      peers: ['Elastic'],
    },
    NO_BODY,
  ),
  unavailable(
    {
      id: 'D23',
      title: 'Binding to cluster-admin',
      severity: 'HIGH',
      needs: 'Request',
      why: 'It gives everything. The auditor finds it in the cluster.',
      peers: ['Falco', 'Elastic', 'Panther', 'Datadog'],
    },
    NO_BODY,
  ),
  unavailable(
    {
      id: 'D24',
      title: 'Role with dangerous rules written',
      severity: 'HIGH',
      needs: 'Request',
      why: 'Wildcards, escalate, bind, secrets, exec. The auditor finds it in the cluster.',
      peers: ['Falco', 'Elastic', 'Panther'],
    },
    NO_BODY,
  ),
  unavailable(
    {
      id: 'D25',
      title: 'Role patched to a wildcard',
      severity: 'HIGH',
      needs: 'RequestResponse',
      why: 'The request of a patch is but a part: only the response has the role.',
      peers: ['Elastic'],
    },
    NO_BODY,
  ),
  unavailable(
    {
      id: 'D36',
      title: 'Exposed service, ConfigMap with credentials, image off the list',
      severity: 'LOW',
      needs: 'Request',
      why: 'Policies of admission can refuse these; a log only tells of them.',
      peers: ['Falco', 'Elastic', 'Panther', 'Datadog'],
    },
    NO_BODY,
  ),
  unavailable(
    {
      id: 'D39',
      title: 'Identity of the system from a public address',
      severity: 'HIGH',
      why: 'Controllers run inside; only the last source address is to be trusted.',
      peers: ['Panther'],
    },
    NO_ADDRESS,
  ),
  unavailable(
    {
      id: 'D43',
      title: 'Pod security of a namespace changed',
      severity: 'HIGH',
      needs: 'Request',
      why: 'A label decides whether privileged pods are admitted.',
      peers: [],
    },
    NO_BODY,
  ),
];
