import { derivedEvidence } from './evidence.ts';
import { describeCell, type Grant, GrantSet, targetKey, type Widened } from './grant.ts';
import type { PolicyOptions } from './options.ts';
import type { Widening } from './policy.ts';
import { isSpecialVerb } from './validity.ts';

/** Wide before narrow, and `list` before `get`, so that what brings more verbs is granted first. */
function rankOf(grant: Grant): string {
  return [
    grant.resource === '' ? '0' : '1',
    grant.namespace === '' ? '0' : '1',
    grant.name === '' ? '0' : '1',
    grant.verb === 'list' ? '0' : '1',
    targetKey(grant),
    grant.namespace,
    grant.name,
    grant.path,
  ].join('\0');
}

function inOrder(grants: readonly Grant[]): Grant[] {
  return grants
    .map((grant) => ({ grant, rank: rankOf(grant) }))
    .sort((a, b) => (a.rank < b.rank ? -1 : 1))
    .map(({ grant }) => grant);
}

/** How many names and namespaces the same operation was seen with. */
interface Spread {
  readonly names: Set<string>;
  readonly namespaces: Set<string>;
}

class Expansion {
  readonly #options: PolicyOptions;
  readonly #spreads = new Map<string, Spread>();
  readonly result = new GrantSet();
  readonly widenings: Widening[] = [];

  constructor(grants: readonly Grant[], options: PolicyOptions) {
    this.#options = options;
    for (const grant of grants) {
      const { names, namespaces } = this.#spreadOf(grant);
      if (grant.name !== '') names.add(grant.name);
      if (grant.namespace !== '') namespaces.add(grant.namespace);
    }
  }

  #spreadOf(grant: Grant): Spread {
    const { expandMultiName, expandMultiNamespace } = this.#options;
    const key = [
      targetKey(grant),
      expandMultiNamespace ? '' : grant.namespace,
      expandMultiName ? '' : grant.name,
    ].join('\0');
    const known = this.#spreads.get(key) ?? { names: new Set(), namespaces: new Set() };
    this.#spreads.set(key, known);
    return known;
  }

  #widened(grant: Grant): Grant {
    const { expandMultiName, expandMultiNamespace } = this.#options;
    const { names, namespaces } = this.#spreadOf(grant);
    // Any name of a special verb's is a far greater right than a few: whom to impersonate, what to bind.
    const isEveryName = expandMultiName && grant.name !== '' && names.size > 1 && !isSpecialVerb(grant);
    const isEverywhere = expandMultiNamespace && grant.namespace !== '' && namespaces.size > 1;
    const wide = {
      ...grant,
      name: isEveryName ? '' : grant.name,
      namespace: isEverywhere ? '' : grant.namespace,
    };
    const what = describeCell(wide);
    if (isEveryName) this.widenings.push({ kind: 'names-expanded', what, replaced: names.size });
    if (isEverywhere) this.widenings.push({ kind: 'namespaces-expanded', what, replaced: namespaces.size });
    return wide;
  }

  add(grant: Grant): void {
    const covering = this.result.covering(grant);
    if (covering) {
      this.result.add({ ...covering, evidence: grant.evidence });
      return;
    }
    const wide = grant.resource === '' ? grant : this.#widened(grant);
    this.result.add(wide);
    if (grant.resource === '') return;
    const { verbExpansions } = this.#options;
    const brought = Object.hasOwn(verbExpansions, grant.verb) ? verbExpansions[grant.verb] : [];
    for (const verb of brought ?? []) {
      this.result.add({ ...wide, verb, evidence: derivedEvidence(grant.evidence) });
      const what = describeCell({ ...wide, verb });
      this.widenings.push({ kind: 'verbs-expanded', what, replaced: 0 });
    }
  }
}

/**
 * audit2rbac's way: an operation seen on several names or in several namespaces is granted on all, and
 * verbs bring their likes; what is granted by then brings nothing more.
 */
export function expand(grants: readonly Grant[], options: PolicyOptions): Widened {
  const isWanted =
    options.expandMultiName || options.expandMultiNamespace || Object.keys(options.verbExpansions).length > 0;
  if (!isWanted) return { grants, widenings: [] };
  const expansion = new Expansion(grants, options);
  for (const grant of inOrder(grants)) expansion.add(grant);
  return { grants: expansion.result.values(), widenings: expansion.widenings };
}
