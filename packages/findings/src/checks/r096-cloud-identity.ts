import type { Draft } from '../findings/draft.ts';
import type { AuditedServiceAccount } from '../input.ts';
import { clipped, listed, objectText } from '../text.ts';
import type { SurveyCheck } from './check.ts';

/** What ties a service account to an identity of AWS, Google Cloud or Azure. */
const CLOUD_IDENTITIES = [
  'azure.workload.identity/client-id',
  'eks.amazonaws.com/role-arn',
  'iam.gke.io/gcp-service-account',
];

function draftOf({
  namespace,
  name,
  annotations = {},
  uid,
  origin,
}: AuditedServiceAccount): readonly Draft[] {
  const identities = CLOUD_IDENTITIES.filter((key) => Object.hasOwn(annotations, key));
  if (identities.length === 0) return [];
  const object = {
    kind: 'ServiceAccount',
    namespace,
    name,
    ...(uid === undefined ? {} : { uid }),
    ...(origin === undefined ? {} : { origin }),
  };
  const as = identities.map((key) => `${key}: ${clipped(annotations[key] ?? '')}`);
  return [
    {
      check: 'R096',
      severity: 'LOW',
      message: `${objectText(object)} is an identity of the cloud too (${listed(as)})`,
      object,
      subject: { kind: 'ServiceAccount', namespace, name },
      namespace,
      paths: [],
    },
  ];
}

/** Accounts whose rights do not end with the cluster. */
export const R096: SurveyCheck = {
  kind: 'survey',
  info: {
    id: 'R096',
    title: 'A service account with an identity of the cloud',
    why: 'Whoever may start pods as it, or create its tokens, has its rights at the provider too, which RBAC does not show.',
    remedy:
      'Keep its rights at the provider as narrow as those here, and know who may start pods in its namespace.',
    severity: 'LOW',
    peers: ['RP providerIAM'],
  },
  judge: ({ input }) => (input.serviceAccounts ?? []).flatMap(draftOf),
};
