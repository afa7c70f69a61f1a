import { boundedText } from '@leastwise/audit-event';

import { distinctIn } from '../first-seen/index.ts';
import { type Info, isByOthers } from './entries.ts';
import { did, isDryRun, pathOf, wasRefused } from './facts.ts';
import type { Settings } from './settings.ts';
import type { Detection, EventFacts, Match, WindowDetection } from './types.ts';
import type { Contribution, WindowTally } from './window-tally.ts';

const MINUTE = 60;
const ANY_VERB = 'get list watch create update patch delete deletecollection';
const ALLOWED = 1;
const REFUSED = 2;

/** What an intruder looks around in: one bit each. */
const SURROUNDINGS = [
  'namespaces',
  'nodes',
  'pods',
  'configmaps',
  'serviceaccounts',
  'rbac.authorization.k8s.io/roles',
  'rbac.authorization.k8s.io/clusterroles',
  'rbac.authorization.k8s.io/rolebindings',
  'rbac.authorization.k8s.io/clusterrolebindings',
];
const RBAC = SURROUNDINGS.slice(5);
const WORKLOADS = [
  'pods',
  'apps/deployments',
  'apps/daemonsets',
  'apps/statefulsets',
  'apps/replicasets',
  'batch/jobs',
  'batch/cronjobs',
];

interface Asked {
  readonly windowSeconds: number;
  readonly observe: (facts: EventFacts, settings: Settings) => Omit<Contribution, 'group'> | undefined;
  /** What is to be said, `undefined` where nothing is. */
  readonly says: (tally: WindowTally) => string | undefined;
}

/** An entry that adds up what each user does. */
function perUser(info: Info, { windowSeconds, observe, says }: Asked): WindowDetection {
  return {
    needs: 'Metadata',
    ...info,
    kind: 'window',
    available: true,
    windowSeconds,
    observe: (facts, settings) => {
      const contribution = observe(facts, settings);
      return contribution && { ...contribution, group: boundedText(facts.event.user.username) };
    },
    predicate: (tally) => matchOf(info, says(tally)),
  };
}

function matchOf(info: Info, says: string | undefined): Match | undefined {
  return says === undefined ? undefined : { severity: info.severity, says };
}

/** How many different texts a sketch has, as a whole number. */
function distinct(tally: WindowTally, index: number): number {
  const sketch = tally.distinct[index];
  return sketch === undefined ? 0 : Math.round(distinctIn(sketch));
}

function bitsIn(bits: number): number {
  let count = 0;
  for (let rest = bits; rest !== 0; rest &= rest - 1) count += 1;
  return count;
}

/** 53 bits of an identity: enough to tell two requests of one auditID. */
function numberOf({ identity }: EventFacts): number {
  return identity.hi * 2 ** 21 + (identity.lo >>> 11);
}

function duplicateAuditID(facts: EventFacts): Contribution | undefined {
  const { auditID } = facts.event;
  if (auditID === '') return undefined;
  return { group: boundedText(auditID), least: numberOf(facts), most: numberOf(facts) };
}

const DUPLICATE_AUDIT_ID: Info = {
  id: 'D53',
  title: 'auditID used for two requests',
  severity: 'HIGH',
  why:
    'Clients may choose the auditID: one that comes twice hides a request from whoever counts by it. Aggregated API ' +
    'servers that log to the same place pass it on. A truncated event is not told by events as they are decoded, and ' +
    'a silent source is told by its metric.',
  peers: [],
};

/** Detections that add events up in tumbling windows. */
export const WINDOW_DETECTIONS: readonly Detection[] = [
  perUser(
    {
      id: 'D03',
      title: 'Many different paths refused',
      severity: 'MEDIUM',
      why: 'Somebody tries what an identity may do.',
      peers: ['Datadog', 'Panther', 'Elastic', 'Sigma'],
    },
    {
      windowSeconds: 5 * MINUTE,
      observe: (facts, settings) =>
        facts.outcome === 'denied' && isByOthers(facts, settings)
          ? { distinct: [pathOf(facts.event.requestURI)] }
          : undefined,
      says: (tally) =>
        distinct(tally, 0) > 10
          ? `${tally.count} refused, of about ${distinct(tally, 0)} different paths, in 5 min; more than 10 are told`
          : undefined,
    },
  ),
  perUser(
    {
      id: 'D04',
      title: 'Few requests to many places, partly refused',
      severity: 'MEDIUM',
      why: 'So looks who feels their way with a new identity. Peers ask for one address too, which events are decoded without.',
      peers: ['Elastic'],
    },
    {
      windowSeconds: 5 * MINUTE,
      observe: (facts, settings) => {
        const { outcome, event } = facts;
        if (outcome === undefined || !isByOthers(facts, settings)) return undefined;
        const bits = outcome === 'allowed' ? ALLOWED : REFUSED;
        return { bits, distinct: [pathOf(event.requestURI), facts.resource] };
      },
      says: (tally) => {
        const [paths, resources] = [distinct(tally, 0), distinct(tally, 1)];
        if (tally.bits !== (ALLOWED | REFUSED) || tally.count >= 75) return undefined;
        if (paths <= 5 || resources <= 3) return undefined;
        return `${tally.count} requests, allowed and refused, of ${paths} paths and ${resources} resources in 5 min`;
      },
    },
  ),
  perUser(
    {
      id: 'D05',
      title: 'Looking around',
      severity: 'MEDIUM',
      why: 'Namespaces, nodes, roles and bindings within a minute are the first thing an intruder reads.',
      peers: ['Elastic'],
    },
    {
      windowSeconds: MINUTE,
      observe: (facts, settings) => {
        const index = SURROUNDINGS.findIndex((resource) => did(facts, 'get list', resource));
        return index >= 0 && isByOthers(facts, settings) ? { bits: 1 << index } : undefined;
      },
      says: ({ bits, count }) =>
        bitsIn(bits) >= 3
          ? `${bitsIn(bits)} kinds of surroundings in ${count} reads within 1 min`
          : undefined,
    },
  ),
  perUser(
    {
      id: 'D08',
      title: 'Many different secrets read',
      severity: 'HIGH',
      why: 'A workload reads its own few secrets, again and again.',
      peers: ['Elastic', 'Panther'],
    },
    {
      windowSeconds: 30 * MINUTE,
      observe: (facts, settings) => {
        if (!did(facts, 'get', 'secrets') || !isByOthers(facts, settings)) return undefined;
        return { distinct: [`${facts.asked?.namespace ?? ''}/${facts.asked?.name ?? ''}`] };
      },
      says: (tally) =>
        distinct(tally, 0) >= 15
          ? `about ${distinct(tally, 0)} different secrets in ${tally.count} reads within 30 min; 15 are told`
          : undefined,
    },
  ),
  perUser(
    {
      id: 'D11',
      title: 'Secrets refused again and again',
      severity: 'MEDIUM',
      why: 'Somebody searches for a secret that an identity may read.',
      peers: ['Panther', 'Falco'],
    },
    {
      windowSeconds: 15 * MINUTE,
      observe: (facts) => (wasRefused(facts, ANY_VERB, 'secrets') ? {} : undefined),
      says: ({ count }) => (count >= 20 ? `${count} refused in 15 min; 20 are told` : undefined),
    },
  ),
  perUser(
    {
      id: 'D28',
      title: 'RBAC changed, then a workload',
      severity: 'MEDIUM',
      why: 'Rights are given, and what uses them is started, by one hand within minutes.',
      peers: ['Elastic'],
    },
    {
      windowSeconds: 5 * MINUTE,
      observe: (facts, settings) => {
        const isRbac = did(facts, 'create update patch', ...RBAC);
        if (!isRbac && !did(facts, 'create patch', ...WORKLOADS)) return undefined;
        if (!isByOthers(facts, settings) || isDryRun(facts)) return undefined;
        const { receivedAtUs } = facts.event;
        return isRbac ? { least: receivedAtUs } : { most: receivedAtUs };
      },
      says: ({ least, most }) =>
        most > least
          ? `a workload changed ${Math.ceil((most - least) / 1e6)} s after RBAC was, within one window of 5 min`
          : undefined,
    },
  ),
  {
    needs: 'Metadata',
    ...DUPLICATE_AUDIT_ID,
    kind: 'window',
    available: true,
    windowSeconds: 60 * MINUTE,
    observe: duplicateAuditID,
    predicate: ({ count, least, most }) =>
      matchOf(
        DUPLICATE_AUDIT_ID,
        most > least ? `${count} events of one auditID are of different requests` : undefined,
      ),
  },
];
