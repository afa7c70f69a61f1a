import type { WantedViolation } from '@leastwise/kube';
import { severityRank, type FindingSeverity, FINDING_SEVERITIES } from '@leastwise/findings';
import { ForgeError, type PullRequests } from '@leastwise/publish';
import { renderViolationIssue } from '@leastwise/render';
import type { Log } from '@leastwise/runtime';

/** What issues are kept with. */
export interface IssueParts {
  readonly forge: Pick<PullRequests, 'keepIssue' | 'limits'>;
  readonly labels: readonly string[];
  /** Violations that are at least as bad get one. */
  readonly severity: FindingSeverity;
  readonly maxOpen: number;
  readonly log: Log;
  readonly count: (result: 'kept' | 'failed') => void;
}

/** An issue as it was kept last. */
interface Kept {
  readonly text: string;
  readonly isOpen: boolean;
}

function rankOf({ violation }: WantedViolation): number {
  const severity = FINDING_SEVERITIES.find((each) => each === violation.spec.severity) ?? 'INFO';
  return severityRank(severity);
}

/** One issue for each violation that is bad enough: opened, updated where it changed, closed when it is gone. */
export class IssueKeeper {
  readonly #parts: IssueParts;
  readonly #cluster: string;
  readonly #kept = new Map<string, Kept>();
  #running: Promise<void> = Promise.resolve();

  constructor(cluster: string, parts: IssueParts) {
    this.#cluster = cluster;
    this.#parts = parts;
  }

  /**
   * Brings the issues up to date behind the audit's back: a forge that does not answer keeps no audit waiting.
   * @param resolved - names of violations that stand as resolved
   * @param manifestOf - the object of a violation in YAML, where it is known
   */
  keep(
    wanted: readonly WantedViolation[],
    resolved: readonly string[],
    manifestOf: (violation: WantedViolation) => string | undefined,
  ): Promise<void> {
    const inOrder = wanted
      .filter(({ suppressed }) => suppressed === undefined)
      .filter((each) => rankOf(each) <= severityRank(this.#parts.severity))
      .sort((a, b) => rankOf(a) - rankOf(b));
    const open = inOrder.slice(0, this.#parts.maxOpen);
    const names = new Set(open.map(({ violation }) => violation.metadata.name));
    const closed = new Set([...resolved, ...this.#openNames()].filter((name) => !names.has(name)));
    const steps = [
      ...open.map((each) => () => this.#open(each, manifestOf(each))),
      ...[...closed].map((name) => () => this.#close(name)),
    ];
    this.#running = this.#running.then(() => this.#run(steps));
    return this.#running;
  }

  #openNames(): string[] {
    return [...this.#kept].filter(([, { isOpen }]) => isOpen).map(([name]) => name);
  }

  async #run(steps: readonly (() => Promise<void>)[]): Promise<void> {
    for (const step of steps) {
      try {
        await step();
      } catch (error) {
        if (!(error instanceof ForgeError)) throw error;
        this.#parts.count('failed');
        this.#parts.log.warn('an issue could not be kept', { cluster: this.#cluster, err: error });
        // The others would end the same way; the next audit tries again.
        if (error.failure !== 'refused' && error.failure !== 'conflict') return;
      }
    }
  }

  async #open(wanted: WantedViolation, manifest: string | undefined): Promise<void> {
    const { metadata, spec } = wanted.violation;
    const { name } = metadata;
    const issue = renderViolationIssue(
      { ...spec, cluster: this.#cluster, name, manifest },
      this.#parts.forge.limits,
    );
    await this.#keepOne(name, { ...issue, isOpen: true });
  }

  async #close(name: string): Promise<void> {
    // Of an issue that was never opened nothing is known, and nothing is opened to be closed.
    await this.#keepOne(name, { title: `Resolved: ${name}`, body: 'The violation is gone.', isOpen: false });
  }

  async #keepOne(
    name: string,
    issue: { readonly title: string; readonly body: string; readonly isOpen: boolean },
  ): Promise<void> {
    const text = JSON.stringify([issue.title, issue.body]);
    const known = this.#kept.get(name);
    if (known?.isOpen === issue.isOpen && (known.text === text || !issue.isOpen)) return;
    const { forge, labels } = this.#parts;
    await forge.keepIssue({ key: `violation/${this.#cluster}/${name}`, labels, ...issue });
    this.#kept.set(name, { text, isOpen: issue.isOpen });
    this.#parts.count('kept');
  }
}
