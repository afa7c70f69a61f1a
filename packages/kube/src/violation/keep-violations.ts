import { applyObject, deleteExactly, type Writing } from '../apply.ts';
import { canonicalJson, entriesOf, textAt, valueAt } from '../json-value.ts';
import { KubeError } from '../kube-error.ts';
import { MANAGED_BY, MANAGED_BY_LABEL } from '../policy-report/types.ts';
import type { KubeObject } from '../watch/kube-object.ts';
import {
  type ViolationRemediation,
  type ViolationStatus,
  VIOLATION_API,
  type WantedViolation,
} from './types.ts';

/** Where violations are listed and watched. */
export const VIOLATIONS_PATH = `/apis/${VIOLATION_API.group}/${VIOLATION_API.version}/${VIOLATION_API.plural}`;
/** Which of them are ours. */
export const VIOLATIONS_QUERY: Readonly<Record<string, string>> = {
  labelSelector: `${MANAGED_BY_LABEL}=${MANAGED_BY}`,
};

/** What is to be written. */
export interface KeepOptions {
  readonly writing: Writing;
  /** Milliseconds since the epoch. */
  readonly nowMs: number;
  /** For how many days resolved violations are kept. */
  readonly resolvedDays: number;
  /** What was done about a violation just now, by its name. */
  readonly remediated?: ReadonlyMap<string, ViolationRemediation>;
}

/** What became of violations, by name. */
export interface KeptViolations {
  /** That were not there, or had been resolved. */
  readonly opened: readonly WantedViolation[];
  readonly resolved: readonly string[];
  readonly pruned: readonly string[];
  /** Writes, statuses included. */
  readonly writes: number;
  readonly failed: readonly { readonly name: string; readonly error: KubeError }[];
}

function timeText(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}

interface Standing {
  readonly object: KubeObject;
  readonly spec: unknown;
  readonly status: unknown;
}

/** A status as the API server has it, without what others put there. */
function statusOf(value: unknown): Partial<ViolationStatus> {
  const state = textAt(value, 'state');
  return {
    ...(state === 'Open' || state === 'Suppressed' || state === 'Resolved' ? { state } : {}),
    ...(textAt(value, 'firstSeen') === '' ? {} : { firstSeen: textAt(value, 'firstSeen') }),
    ...(textAt(value, 'resolvedAt') === '' ? {} : { resolvedAt: textAt(value, 'resolvedAt') }),
  };
}

function remediationOf(status: unknown): object {
  const remediation = valueAt(status, 'remediation');
  return typeof remediation === 'object' && remediation !== null ? { remediation } : {};
}

function openStatus(wanted: WantedViolation, standing: Standing | undefined, options: KeepOptions): object {
  const before = statusOf(standing?.status);
  const isStill = before.state !== undefined && before.state !== 'Resolved';
  const { suppressed, violation } = wanted;
  const remediation = options.remediated?.get(violation.metadata.name);
  return {
    state: suppressed ? 'Suppressed' : 'Open',
    firstSeen: isStill && before.firstSeen !== undefined ? before.firstSeen : timeText(options.nowMs),
    ...(suppressed ? { suppressed } : {}),
    ...(remediation ? { remediation } : isStill ? remediationOf(standing?.status) : {}),
  };
}

function resolvedStatus({ status, object }: Standing, options: KeepOptions): object {
  const before = statusOf(status);
  const now = timeText(options.nowMs);
  const remediation = options.remediated?.get(object.name);
  return {
    state: 'Resolved',
    firstSeen: before.firstSeen ?? now,
    resolvedAt: before.state === 'Resolved' ? (before.resolvedAt ?? now) : now,
    ...(remediation ? { remediation } : remediationOf(status)),
  };
}

function isSame(a: unknown, b: unknown): boolean {
  return canonicalJson(a) === canonicalJson(b);
}

function standingOf(object: KubeObject): Standing {
  return { object, spec: valueAt(object.value, 'spec'), status: valueAt(object.value, 'status') };
}

/** Labels of ours as they stand. */
function labelsOf({ object }: Standing, wanted: Readonly<Record<string, string>>): object {
  const all = new Map(entriesOf(valueAt(object.value, 'metadata', 'labels')));
  return Object.fromEntries(Object.keys(wanted).map((name) => [name, all.get(name)]));
}

class Keeping {
  readonly #options: KeepOptions;
  readonly opened: WantedViolation[] = [];
  readonly resolved: string[] = [];
  readonly pruned: string[] = [];
  readonly failed: { name: string; error: KubeError }[] = [];
  writes = 0;

  constructor(options: KeepOptions) {
    this.#options = options;
  }

  async open(wanted: WantedViolation, standing: Standing | undefined): Promise<void> {
    const { apiVersion, kind, metadata, spec } = wanted.violation;
    const path = `${VIOLATIONS_PATH}/${metadata.name}`;
    await this.#guarded(metadata.name, async () => {
      const hasLabels =
        standing !== undefined && isSame(labelsOf(standing, metadata.labels), metadata.labels);
      if (!hasLabels || !isSame(standing.spec, spec)) {
        await this.#apply(path, { apiVersion, kind, metadata, spec });
      }
      const status = openStatus(wanted, standing, this.#options);
      if (!isSame(standing?.status, status)) {
        await this.#apply(`${path}/status`, { apiVersion, kind, metadata: { name: metadata.name }, status });
      }
      const before = statusOf(standing?.status).state;
      if (before === undefined || before === 'Resolved') this.opened.push(wanted);
    });
  }

  async close(standing: Standing): Promise<void> {
    const { object } = standing;
    const path = `${VIOLATIONS_PATH}/${object.name}`;
    await this.#guarded(object.name, async () => {
      const status = resolvedStatus(standing, this.#options);
      const resolvedMs = Date.parse(textAt(status, 'resolvedAt'));
      if (this.#options.nowMs - resolvedMs > this.#options.resolvedDays * 86_400_000) {
        this.writes += 1;
        if (await deleteExactly(this.#options.writing, path, object)) this.pruned.push(object.name);
        return;
      }
      if (isSame(standing.status, status)) return;
      const { group, version } = VIOLATION_API;
      const names = {
        apiVersion: `${group}/${version}`,
        kind: 'RBACViolation',
        metadata: { name: object.name },
      };
      await this.#apply(`${path}/status`, { ...names, status });
      this.resolved.push(object.name);
    });
  }

  async #apply(path: string, object: object): Promise<void> {
    this.writes += 1;
    await applyObject(this.#options.writing, path, object);
  }

  /** What is refused of one does not keep the others back; where nobody can be asked, nothing can. */
  async #guarded(name: string, act: () => Promise<void>): Promise<void> {
    try {
      await act();
    } catch (error) {
      if (!(error instanceof KubeError)) throw error;
      if (error.failure !== 'invalid' && error.failure !== 'conflict') throw error;
      this.failed.push({ name, error });
    }
  }
}

/**
 * Makes the RBACViolations of a cluster be what was found, by server-side apply: what is as wanted is not written, what
 * somebody changed or deleted is put back, what is not found any more becomes `Resolved` and goes after
 * `resolvedDays`. Doing the same twice writes nothing.
 * @param existing - all that are ours, as they were read last
 * @throws KubeError where the cluster cannot be asked; what was written stays
 */
export async function keepViolations(
  existing: ReadonlyMap<string, KubeObject>,
  wanted: readonly WantedViolation[],
  options: KeepOptions,
): Promise<KeptViolations> {
  const standing = new Map([...existing.values()].map((object) => [object.name, standingOf(object)]));
  const keeping = new Keeping(options);
  const names = new Set<string>();
  for (const each of wanted) {
    const { name } = each.violation.metadata;
    names.add(name);
    await keeping.open(each, standing.get(name));
  }
  for (const [name, each] of standing) if (!names.has(name)) await keeping.close(each);
  const { opened, resolved, pruned, writes, failed } = keeping;
  return { opened, resolved, pruned, writes, failed };
}
