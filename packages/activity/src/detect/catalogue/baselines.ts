import { firstSeenKeyOf } from '../first-seen/index.ts';
import { isByOthers, type Info, sentence } from './entries.ts';
import { did, isDryRun, isNode, isServiceAccount, programOf } from './facts.ts';
import type { Settings } from './settings.ts';
import type { BaselineDetection, Detection, EventFacts, Match } from './types.ts';

function onFirstSeen(
  info: Info,
  predicate: (facts: EventFacts, settings: Settings) => Match | undefined,
): BaselineDetection {
  return { needs: 'Metadata', ...info, kind: 'baseline', available: true, baseline: 'first-seen', predicate };
}

function refusedByProgram(facts: EventFacts): Match {
  const program = programOf(facts);
  const match: Match = {
    severity: 'MEDIUM',
    says: sentence(facts, `by ${program}, which is new`),
    firstSeenKey: `refused by ${program}`,
  };
  return facts.asked?.verb === 'create' ? { ...match, severityIfKnown: 'LOW' } : match;
}

/** Detections that ask what was before. */
export const BASELINE_DETECTIONS: readonly Detection[] = [
  onFirstSeen(
    {
      id: 'D06',
      title: 'Own rights asked for',
      severity: 'LOW',
      why: 'Programs know what they may; who asks has just come by an identity.',
      peers: ['Sigma', 'Elastic', 'Datadog'],
    },
    (facts, settings) => {
      const reviews = ['selfsubjectrulesreviews', 'selfsubjectaccessreviews'];
      const resources = reviews.map((name) => `authorization.k8s.io/${name}`);
      if (!did(facts, 'create', ...resources) || !isByOthers(facts, settings)) return undefined;
      const { username } = facts.event.user;
      const match: Match = {
        severity: 'LOW',
        says: sentence(facts, `by ${programOf(facts)}`),
        firstSeenKey: `review by ${programOf(facts)}`,
      };
      const isWorkload = isServiceAccount(username) || isNode(username);
      return isWorkload ? { ...match, severityIfKnown: 'LOW' } : match;
    },
  ),
  onFirstSeen(
    {
      id: 'D35',
      title: 'Workload changed by a new program',
      severity: 'LOW',
      why: 'People and pipelines change workloads in the ways they always do.',
      peers: ['Elastic', 'Sigma', 'Panther'],
    },
    (facts, settings) => {
      const resources = ['apps/daemonsets', 'apps/deployments', 'batch/cronjobs', 'batch/jobs'];
      if (!did(facts, 'create update patch delete deletecollection', ...resources)) return undefined;
      if (!isByOthers(facts, settings) || isDryRun(facts)) return undefined;
      const program = programOf(facts);
      const says = sentence(facts, `by ${program}, which is new`);
      return { severity: 'LOW', says, firstSeenKey: `workload by ${program}` };
    },
  ),
  onFirstSeen(
    {
      id: 'D40',
      title: 'New program of a service account, or refused',
      severity: 'LOW',
      why: 'A service account has one program; a second one has its token.',
      peers: ['Elastic'],
    },
    (facts, settings) => {
      if (facts.outcome === undefined || !isByOthers(facts, settings)) return undefined;
      if (facts.outcome === 'denied') return refusedByProgram(facts);
      if (!isServiceAccount(facts.event.user.username)) return undefined;
      const program = programOf(facts);
      const says = sentence(facts, `by ${program}, which is new`);
      return { severity: 'LOW', says, firstSeenKey: `allowed to ${program}` };
    },
  ),
  {
    id: 'D50',
    title: 'Spike',
    severity: 'HIGH',
    needs: 'Metadata',
    why: 'Far more of one kind of request than this subject ever sends at this hour.',
    peers: [],
    kind: 'baseline',
    available: true,
    baseline: 'spike',
    predicate: ({ kind }) => kind === 'spike',
  },
  {
    id: 'D51',
    title: 'Unusual hour',
    severity: 'MEDIUM',
    needs: 'Metadata',
    why: 'A person changes things at an hour at which they are never at work.',
    peers: [],
    kind: 'baseline',
    available: true,
    baseline: 'hours',
    predicate: ({ kind }) => kind === 'unusual',
  },
  onFirstSeen(
    {
      id: 'D52',
      title: 'First use of a verb on a resource',
      severity: 'LOW',
      why: 'Rarely used identities do few things; a new one is what an intruder does with them.',
      peers: [],
    },
    (facts, settings) => {
      const { asked, outcome } = facts;
      if (asked === undefined || outcome === undefined || !isByOthers(facts, settings)) return undefined;
      return {
        severity: 'LOW',
        says: sentence(facts, 'for the first time'),
        firstSeenKey: firstSeenKeyOf(asked, outcome),
      };
    },
  ),
];
