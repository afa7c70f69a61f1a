import { clusterWide, namespaced } from '../access/grants.ts';
import { everywhere } from '../access/scope.ts';
import { grantCheck } from './grant-check.ts';
import { WRITE, REMOVE } from './resources.ts';

const CHANGES = [...WRITE, ...REMOVE];
const GATEKEEPER = [
  'constraints.gatekeeper.sh',
  'templates.gatekeeper.sh',
  'config.gatekeeper.sh',
  'mutations.gatekeeper.sh',
  'expansion.gatekeeper.sh',
];
const NAMESPACED_KYVERNO = ['policyexceptions'];

/** Changes policies of Gatekeeper or Kyverno. */
export const R075 = grantCheck(
  {
    id: 'R075',
    title: 'Changes policies of Gatekeeper or Kyverno',
    why: 'Whoever writes the policies decides what they forbid; Kyverno and Gatekeeper can also change and make objects by them.',
    remedy: 'Leave policies to the pipeline of the platform.',
    peers: ['RT validating policies', 'RT mutating policies'],
  },
  {
    targets: [
      ...GATEKEEPER.map((group) => clusterWide(group, 'any', CHANGES)),
      clusterWide('kyverno.io', ['clusterpolicies'], CHANGES),
      namespaced('kyverno.io', ['policies', 'policyexceptions'], CHANGES),
      ...NAMESPACED_KYVERNO.map((resource) => namespaced('policies.kyverno.io', [resource], CHANGES)),
      clusterWide('policies.kyverno.io', 'any', CHANGES),
    ],
    severities: everywhere('HIGH'),
  },
);
