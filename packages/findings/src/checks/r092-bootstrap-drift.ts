import type { BindingEntry, RoleEntry } from '../access/model.ts';
import { AUTOUPDATE, BOOTSTRAP_LABEL } from '../bootstrap/shipped.ts';
import { type Draft, wholeStep } from '../findings/draft.ts';
import { listed, objectText } from '../text.ts';
import type { SurveyCheck } from './check.ts';

function changesOf({ object, drift }: RoleEntry | BindingEntry): readonly string[] {
  const { labels = {}, annotations = {} } = object.metadata;
  const isBootstrap = Object.hasOwn(labels, BOOTSTRAP_LABEL);
  const isLeftAlone = Object.hasOwn(annotations, AUTOUPDATE) && annotations[AUTOUPDATE] === 'false';
  return [...drift, ...(isBootstrap && isLeftAlone ? ['is not repaired when the API server starts'] : [])];
}

function draftOf(entry: RoleEntry | BindingEntry): readonly Draft[] {
  const changes = entry.isAudited ? changesOf(entry) : [];
  if (changes.length === 0) return [];
  const { reference } = entry;
  return [
    {
      check: 'R092',
      severity: 'HIGH',
      message: `${objectText(reference)} is not as Kubernetes makes it: it ${listed(changes)}`,
      object: reference,
      ...(reference.namespace === undefined ? {} : { namespace: reference.namespace }),
      paths: 'roleReference' in entry ? [wholeStep(entry)] : [],
    },
  ];
}

/** Kubernetes' own roles and bindings, changed. */
export const R092: SurveyCheck = {
  kind: 'survey',
  info: {
    id: 'R092',
    title: 'A built-in role or binding was changed',
    why: 'Everybody trusts these names and nobody reads them: what is added to one of them is granted to whoever has it. With autoupdate off the API server does not repair it.',
    remedy:
      'Undo the change, and set autoupdate to true; the API server adds what is missing when it starts.',
    severity: 'HIGH',
    peers: ['Falco/Panther at run time'],
  },
  judge: ({ roles, bindings }) => [...roles, ...bindings].flatMap(draftOf),
};
