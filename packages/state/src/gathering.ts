import {
  activityDayOf,
  type ActivityState,
  dayFor,
  emptyActivity,
  type FoundInRequests,
  MatchReader,
  observeActivity,
  observeMatches,
  observeTrace,
  sampleOf,
  type Settings,
  type TracedEvent,
  TraceReader,
  WINDOW_KINDS,
  type WindowKind,
} from '@leastwise/activity';
import {
  attribute,
  type AttributeContext,
  type Attribution,
  type AuditEvent,
  type CountedRequest,
  createAttributeContext,
  createFilter,
  type FilterRule,
  type Identity,
  type Occurrence,
  type SkipReason,
} from '@leastwise/audit-event';
import { observe, type Observations, type ObserveOptions } from '@leastwise/rbac';

import { IdentityList } from './identity-list.ts';
import { Repeats } from './repeats.ts';
import type { Claim, Deltas, SeenIdentity } from './types.ts';

const HOUR_US = 3_600_000_000;

/** The hour, counted from the epoch, of a time in microseconds. */
export function hourOf(us: number): number {
  return Math.floor(us / HOUR_US);
}

/** How events become deltas. */
export interface GatherOptions {
  readonly filters?: readonly FilterRule[];
  /** What becomes of an event that no filter names; `allow` where it is not given. */
  readonly filterDefault?: 'allow' | 'deny';
  /** Take the requests of a group instead of each subject's. */
  readonly group?: AttributeContext['group'];
  /** Count requests in windows too. */
  readonly hasWindows?: boolean;
  /** Keep people's requests, and what detections find, by their days; as `hasWindows` says where it is not given. */
  readonly hasDays?: boolean;
  /** What detections are told of a cluster; what most have where it is not given. */
  readonly settings?: Settings;
  /** Of which kinds; of all where it is not given. */
  readonly windowKinds?: readonly WindowKind[];
  /** How requests become state; or who else wants them, and then no state grows. */
  readonly observe: ObserveOptions | ((request: CountedRequest, isNew: boolean) => void);
}

/**
 * What became of an event. `counted` and `denied`: its request is new, and was allowed or refused; `repeated`: a
 * further stage or a copy; `late`: older than identities are remembered, so that it changes no count; otherwise why
 * it is no evidence.
 */
export type Gathered = 'counted' | 'denied' | 'repeated' | 'late' | SkipReason;

function seenAs({ hi, lo }: Identity, cluster: string, hour: number): SeenIdentity {
  return { hi, lo, cluster, hour };
}

/** What is known of an event before it is counted. */
interface Judged {
  readonly isLate: boolean;
  readonly hour: number;
  readonly traced: TracedEvent | undefined;
  readonly found: FoundInRequests | undefined;
  /** Whether one of its shape was met before, so that the shape is worth learning. */
  readonly isRepeated: boolean;
}

class Open {
  readonly clusters: Observations = new Map();
  readonly activity = new Map<string, ActivityState>();
  readonly counted: IdentityList;
  readonly resolved = new IdentityList(0);
  readonly received = new IdentityList(0);
  readonly watermarks = new Map<string, number>();
  late = 0;
  lost = 0;

  /** @param expected - how many requests are to come; only a hint */
  constructor(expected: number) {
    this.counted = new IdentityList(expected);
  }
}

/**
 * Turns the audit events of one source, in its order, into the deltas of one batch after the other: attribute, tell
 * copies apart, observe. What it makes of an event depends on the events before it and on nothing else, however they
 * were cut into batches.
 */
export class Gathering {
  readonly #claim: Claim;
  readonly #options: GatherOptions;
  readonly #context: AttributeContext;
  readonly #accepts: (event: AuditEvent) => boolean;
  readonly #watermarks: Map<string, number>;
  readonly #traces: TraceReader | undefined;
  readonly #matches: MatchReader | undefined;
  #open = new Open(0);
  /** `undefined` where somebody wants to see every event. */
  readonly #repeats: Repeats | undefined;
  /** The one identity of all requests that repeat. */
  readonly #seen = { hi: 0, lo: 0, cluster: '', hour: 0 };

  constructor(claim: Claim, options: GatherOptions) {
    this.#claim = claim;
    this.#options = options;
    this.#watermarks = new Map(claim.watermarks);
    if ((options.hasDays ?? options.hasWindows) === true) {
      this.#traces = new TraceReader();
      this.#matches = new MatchReader(options.settings);
    }
    this.#context = createAttributeContext({ keyHex: claim.identityKey, group: options.group });
    const { filters = [], filterDefault = 'allow', hasWindows = false, windowKinds = WINDOW_KINDS } = options;
    this.#accepts = createFilter(filters, filterDefault);
    const isAsked = filters.length > 0 || filterDefault === 'deny';
    if (!isAsked && typeof options.observe !== 'function') {
      this.#repeats = new Repeats(options.observe, hasWindows ? windowKinds : []);
    }
  }

  /** Identities in the open batch: what its size is measured by. */
  get size(): number {
    const { counted, resolved, received } = this.#open;
    return counted.length + resolved.length + received.length;
  }

  /** Whether the open batch would change nothing. */
  get isEmpty(): boolean {
    const { clusters, activity, watermarks, late, lost } = this.#open;
    const isIdle = clusters.size === 0 && activity.size === 0 && watermarks.size === 0;
    return this.size === 0 && isIdle && late === 0 && lost === 0;
  }

  /** Records were gone from the log before they could be read. */
  addLost(records: number): void {
    this.#open.lost += records;
  }

  /** Adds an event to the open batch. */
  add(event: AuditEvent, cluster: string): Gathered {
    return this.#add(event, cluster, false);
  }

  #add(event: AuditEvent, cluster: string, isRepeated: boolean): Gathered {
    if (!this.#accepts(event)) return 'filtered';
    const hour = hourOf(event.receivedAtUs);
    const isLate = this.#isLate(event.receivedAtUs, cluster, hour);
    const attribution = attribute(event, cluster, this.#context);
    const traced = isLate ? undefined : this.#traces?.read(event, attribution);
    const found = isLate ? undefined : this.#matches?.read(event, attribution);
    switch (attribution.kind) {
      case 'skip':
        if (!isLate) {
          this.#skip(event, seenAs(attribution.receivedIdentity, cluster, hour), { traced, found });
        }
        return attribution.reason;
      case 'received':
        if (!isLate) this.#open.received.add(seenAs(attribution.identity, cluster, hour));
        return 'request-received';
      case 'request':
        return this.#counted(event, attribution, { isLate, hour, traced, found, isRepeated });
    }
  }

  /** Adds an event that repeats: the same as {@link Gathering.add}, for most without an event being made. */
  addRepeated(occurrence: Occurrence, cluster: string): Gathered {
    const { receivedAtUs } = occurrence;
    const hour = hourOf(receivedAtUs);
    const known = this.#repeats?.find(occurrence, cluster);
    if (!known) return this.#add(occurrence.event(), cluster, true);
    const seen = this.#seen;
    this.#context.hasher.repeatedIdentity(known.frame, occurrence, seen);
    seen.cluster = cluster;
    seen.hour = hour;
    const isLate = this.#isLate(receivedAtUs, cluster, hour);
    if (isLate || !this.#isNew(seen)) return this.add(occurrence.event(), cluster);
    this.#repeats?.add(known, occurrence, this.#open);
    return known.request.outcome === 'denied' ? 'denied' : 'counted';
  }

  /** What is reported though it is no evidence has to be told from its copies. */
  #skip(event: AuditEvent, seen: SeenIdentity, { traced, found }: Pick<Judged, 'traced' | 'found'>): void {
    if (!traced && !found) {
      this.#open.resolved.add(seen);
      return;
    }
    const isNew = this.#isNew(seen);
    if (traced) this.#trace(event, traced, { seen, isNew });
    if (found && isNew) this.#match(event, found, seen.cluster);
  }

  #counted(
    event: AuditEvent,
    { request, receivedIdentity }: Extract<Attribution, { kind: 'request' }>,
    { isLate, hour, traced, found, isRepeated }: Judged,
  ): Gathered {
    const became = this.#request(request, isLate ? undefined : receivedIdentity, hour);
    if (found && became !== 'repeated') this.#match(event, found, request.cluster);
    if (traced) {
      const seen = seenAs(request.identity, request.cluster, hour);
      this.#trace(event, traced, { seen, isNew: became !== 'repeated' });
    } else if (isRepeated && !isLate) {
      this.#learn(event, request, found);
    }
    return became;
  }

  /** Learns what a shape means. Of what people do every event is wanted, and an impersonated one has two identities. */
  #learn(event: AuditEvent, request: CountedRequest, found: FoundInRequests | undefined): void {
    if (!this.#repeats || !event.shape || event.impersonatedUser) return;
    const frame = this.#context.hasher.frameOf(event, request.cluster);
    this.#repeats.learn(event.shape, { request, frame, found }, this.#open);
  }

  #match(event: AuditEvent, found: FoundInRequests, cluster: string): void {
    const { receivedAtUs: us } = event;
    const { hasWindows = false, windowKinds = WINDOW_KINDS } = this.#options;
    const run = { count: 1, firstUs: us, lastUs: us, samples: [sampleOf(event)] };
    const isTold = hasWindows && windowKinds.includes('5m');
    observeMatches(this.#open.activity, { cluster, found, run, hasWindows: isTold });
  }

  #trace(
    { receivedAtUs: atUs, auditID }: AuditEvent,
    traced: TracedEvent,
    { seen, isNew }: { readonly seen: SeenIdentity; readonly isNew: boolean },
  ): void {
    const { activity } = this.#open;
    const state = activity.get(seen.cluster) ?? emptyActivity(seen.cluster);
    activity.set(seen.cluster, state);
    observeTrace(dayFor(state.days, activityDayOf(atUs)), { traced, atUs, auditID, identity: seen, isNew });
  }

  /** The deltas of the open batch, which is begun anew. */
  take(): Deltas {
    this.#repeats?.flush(this.#open);
    const { clusters, activity, counted, resolved, received, watermarks, late, lost } = this.#open;
    // Batches are much alike.
    this.#open = new Open(counted.length);
    return {
      clusters,
      activity,
      counted,
      resolved,
      received,
      watermarks,
      tally: { late, lost },
    };
  }

  /** Moves the cluster's watermark to an event first, so that none is late because of itself. */
  #isLate(us: number, cluster: string, hour: number): boolean {
    const { dedupeHours } = this.#claim;
    if (dedupeHours === Infinity) return false;
    const known = this.#watermarks.get(cluster) ?? -Infinity;
    if (us > known) {
      this.#watermarks.set(cluster, us);
      this.#open.watermarks.set(cluster, us);
      return false;
    }
    return hourOf(known) - hour > dedupeHours;
  }

  /** @param received - as which RequestReceived reported it; `undefined` where the request is late. */
  #request(request: CountedRequest, received: Identity | undefined, hour: number): Gathered {
    const { identity, cluster } = request;
    let became: Gathered;
    if (received === undefined) {
      this.#open.late += 1;
      became = 'late';
    } else if (this.#isNew(seenAs(identity, cluster, hour))) {
      if (identity !== received) this.#open.resolved.add(seenAs(received, cluster, hour));
      became = request.outcome === 'denied' ? 'denied' : 'counted';
    } else {
      became = 'repeated';
    }
    const isNew = became === 'counted' || became === 'denied';
    const { observe: observing } = this.#options;
    if (typeof observing === 'function') observing(request, isNew);
    else observe(this.#open.clusters, request, isNew, observing);
    if (isNew && this.#options.hasWindows === true) {
      observeActivity(this.#open.activity, request, this.#options.windowKinds ?? WINDOW_KINDS);
    }
    return became;
  }

  #isNew(seen: SeenIdentity): boolean {
    return !this.#claim.isCounted(seen) && this.#open.counted.add(seen);
  }
}
