import { clusterWide, type Grant } from '../access/grants.ts';
import { everywhere } from '../access/scope.ts';
import { type CombinationCheck, infoOf } from './check.ts';
import { isNamed, part } from './grant-check.ts';
import { CERTIFICATES, CHANGE } from './resources.ts';

const CLIENT_SIGNER = 'kubernetes.io/kube-apiserver-client';

/** The API server asks for the signer itself and for all signers of its domain. */
function isForClients(grant: Grant): boolean {
  const isClient = (name: string): boolean =>
    name.startsWith(CLIENT_SIGNER) || name === 'kubernetes.io/*' || name === '*/*';
  return !isNamed(grant) || grant.names.some(isClient);
}

/**
 * Issues itself a certificate in any name.
 * @see https://kubernetes.io/docs/reference/access-authn-authz/certificate-signing-requests/#authorization
 */
export const R071: CombinationCheck = {
  kind: 'combination',
  info: infoOf(
    {
      id: 'R071',
      title: 'Issues client certificates',
      why: 'It may request a certificate and approve it, or sign one: as any user and any group, for as long as the certificate lasts.',
      remedy:
        'Name the signers in resourceNames, none that signs for clients; let another approve than requests.',
      peers: ['RP approve_csrs', 'KU 0280', 'KY', 'GP'],
    },
    everywhere('CRITICAL'),
  ),
  parts: [
    part('request', [clusterWide(CERTIFICATES, ['certificatesigningrequests'], ['create'])]),
    part('mark approved', [clusterWide(CERTIFICATES, ['certificatesigningrequests/approval'], CHANGE)]),
    part('approve', [clusterWide(CERTIFICATES, ['signers'], ['approve'])], isForClients),
    part('hand out', [clusterWide(CERTIFICATES, ['certificatesigningrequests/status'], CHANGE)]),
    part('sign', [clusterWide(CERTIFICATES, ['signers'], ['sign'])], isForClients),
  ],
  alternatives: [{ all: ['request', 'mark approved', 'approve'] }, { all: ['hand out', 'sign'] }],
  rate: () => 'CRITICAL',
};
