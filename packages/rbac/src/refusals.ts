import { createHash } from 'node:crypto';

import {
  type CountedRequest,
  impliedGroups,
  type Need,
  type Permission,
  type Subject,
  subjectKey,
} from '@leastwise/audit-event';

import { type Authorizer, createAuthorizer } from './authorizer/index.ts';
import { admit } from './capped.ts';
import { isNamespaceGone, secondaryCells } from './classify.ts';
import { emptyCluster } from './cluster-state.ts';
import { dayOf } from './evidence.ts';
import { cellKey } from './grant.ts';
import { noteNamespaces } from './observe.ts';
import type { PolicyOptions } from './options.ts';
import type { Cell } from './policy.ts';
import type { ClusterState, RbacObject } from './types.ts';
import { isSpecialVerb } from './validity.ts';

/** A permission that was allowed when the log was written and is not under the RBAC in question. */
export interface Refusal {
  readonly subject: Subject;
  readonly cell: Cell;
  /** Requests that needed it. */
  count: number;
  firstSeenUs: number;
  lastSeenUs: number;
  /** auditID of the earliest of them, as logged: a client may have chosen it. */
  sampleAuditID: string;
}

/** What became of the allowed requests of a log under some RBAC. */
export interface RefusalReport {
  /** Permissions asked for, one or more a request. */
  readonly checked: number;
  /** By subject and cell. Of more than {@link MAX_REFUSALS} the ones with the smallest hashes, whatever the order. */
  readonly refused: readonly Refusal[];
  /**
   * How many refused permissions are not listed, each counted once, however often it was asked for; their
   * namespaces and days are not known any more. From a million on: at least so many.
   */
  readonly beyond: number;
  /** Permissions that were not held against the RBAC, by reason. */
  readonly skipped: {
    readonly otherAuthorizer: number;
    readonly withheld: number;
    readonly namespaceGone: number;
    readonly outsideRetention: number;
  };
}

/** How many different refusals are listed by name. */
export const MAX_REFUSALS = 10_000;
/** How many more are told apart, by a hash each. */
const MAX_BEYOND = 1_000_000;
const MAX_MEMO = 200_000;

interface Verdict {
  readonly isAllowed: boolean;
}

function refusalKey(subject: Subject, cell: Cell): string {
  return `${subjectKey(subject)}\0${cellKey(cell)}`;
}

/** The first 53 bits of SHA-256: of a million keys, two share one in a case of ten thousand. */
function fingerprint(key: string): number {
  return Number(createHash('sha256').update(key).digest().readBigUInt64BE() >> 11n);
}

/** Asks some RBAC about the allowed requests of a log, one by one, with the groups that each came with. */
export class RefusalFinder {
  readonly #authorizer: Authorizer;
  readonly #options: PolicyOptions;
  readonly #refused = new Map<string, Refusal>();
  readonly #cluster: ClusterState = emptyCluster('');
  #memo = new Map<string, Verdict>();
  #checked = 0;
  readonly #beyond = new Set<number>();
  #otherAuthorizer = 0;
  #withheld = 0;

  /** @param rbac - what would exist; `options.existing` (the bootstrap defaults) is added. */
  constructor(rbac: readonly RbacObject[], options: PolicyOptions) {
    this.#authorizer = createAuthorizer([...options.existing, ...rbac]);
    this.#options = options;
  }

  /** Asks about one request. Stages and copies of a request beyond the first are not to be handed in. */
  add(request: CountedRequest): void {
    if (request.receivedAtUs > this.#cluster.lastSeenUs) this.#cluster.lastSeenUs = request.receivedAtUs;
    if (request.outcome === 'allowed') {
      noteNamespaces(this.#cluster, request);
      this.#addNeed(request.need, request);
    }
    if (request.impersonation) this.#addNeed(request.impersonation, request);
  }

  #addNeed(need: Need, request: CountedRequest): void {
    for (const permission of need.permissions) {
      for (const cell of [permission, ...secondaryCells(permission, this.#options)]) {
        this.#checked += 1;
        if (!need.viaRbac && !this.#options.includeOtherAuthorizers) this.#otherAuthorizer += 1;
        else if (this.#options.specialVerbs === 'Withhold' && isSpecialVerb(cell)) this.#withheld += 1;
        else if (!this.#isAllowed(need, cell)) this.#refuse(need.subject, cell, request);
      }
    }
  }

  #isAllowed(need: Need, permission: Permission): boolean {
    const key = `${subjectKey(need.subject)}\0${need.groups.join('\0')}\0\0${cellKey(permission)}`;
    const known = this.#memo.get(key);
    if (known) return known.isAllowed;
    const groups = [...new Set([...need.groups, ...impliedGroups(need.subject)])];
    const isAllowed = this.#authorizer.authorize({ subject: need.subject, groups, permission }).allowed;
    if (this.#memo.size >= MAX_MEMO) this.#memo = new Map();
    this.#memo.set(key, { isAllowed });
    return isAllowed;
  }

  #refuse(subject: Subject, cell: Cell, request: CountedRequest): void {
    const key = refusalKey(subject, cell);
    const known = this.#refused.get(key);
    const us = request.receivedAtUs;
    if (!known) {
      if (!admit(this.#refused, key, MAX_REFUSALS, this.#forget)) {
        this.#leaveOut(key);
        return;
      }
      const sampleAuditID = request.auditID;
      this.#refused.set(key, { subject, cell, count: 1, firstSeenUs: us, lastSeenUs: us, sampleAuditID });
      return;
    }
    known.count += 1;
    if (us < known.firstSeenUs || (us === known.firstSeenUs && request.auditID < known.sampleAuditID)) {
      known.firstSeenUs = us;
      known.sampleAuditID = request.auditID;
    }
    known.lastSeenUs = Math.max(known.lastSeenUs, us);
  }

  // What had to leave never comes back: only smaller hashes take places.
  readonly #forget = ({ subject, cell }: Refusal): void => {
    this.#leaveOut(refusalKey(subject, cell));
  };

  #leaveOut(key: string): void {
    if (this.#beyond.size < MAX_BEYOND) this.#beyond.add(fingerprint(key));
  }

  /**
   * The findings so far, by subject and cell. What lay in namespaces that the log saw deleted, and what
   * is older than the retention, is left out and counted.
   */
  report(): RefusalReport {
    const { options, lastDay } = { options: this.#options, lastDay: dayOf(this.#cluster.lastSeenUs) };
    let namespaceGone = 0;
    let outsideRetention = 0;
    const refused: Refusal[] = [];
    for (const refusal of this.#refused.values()) {
      const { namespace } = refusal.cell;
      if (dayOf(refusal.lastSeenUs) <= (options.asOfDay ?? lastDay) - options.retentionDays) {
        outsideRetention += refusal.count;
      } else if (namespace !== '' && isNamespaceGone(namespace, this.#cluster, options)) {
        namespaceGone += refusal.count;
      } else {
        refused.push(refusal);
      }
    }
    const order = ({ subject, cell }: Refusal): string => refusalKey(subject, cell);
    refused.sort((a, b) => (order(a) < order(b) ? -1 : 1));
    return {
      checked: this.#checked,
      refused,
      beyond: this.#beyond.size,
      skipped: {
        otherAuthorizer: this.#otherAuthorizer,
        withheld: this.#withheld,
        namespaceGone,
        outsideRetention,
      },
    };
  }
}
