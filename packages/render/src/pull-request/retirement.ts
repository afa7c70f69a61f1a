import type { Subject } from '@leastwise/audit-event';

import { escapeInvisible } from '../escape-invisible.ts';
import { markdownFence } from '../escape-markdown.ts';
import { compare, compareSubjects } from '../subject-name.ts';
import { fit, type Part } from './fit.ts';
import { code, counted, fileLink } from './markdown.ts';
import type { RepositoryLinks } from './report.ts';
import { subjectText } from './sections.ts';
import { cut, titleName } from './title.ts';

/** Where a binding comes from, as its labels, annotations or managers say. */
export type BindingOrigin =
  | { readonly by: 'helm'; readonly release: string; readonly namespace: string }
  | { readonly by: 'argo-cd'; readonly application: string }
  | {
      readonly by: 'flux';
      readonly kind: 'Kustomization' | 'HelmRelease';
      readonly namespace: string;
      readonly name: string;
    }
  | { readonly by: 'olm'; readonly owner: string }
  | { readonly by: 'file'; readonly path: string }
  | { readonly by: 'kubectl' }
  | { readonly by: 'unknown' };

/** A binding that nothing observed needs any more. */
export interface RetirableBinding {
  readonly kind: 'RoleBinding' | 'ClusterRoleBinding';
  /** `''` for a ClusterRoleBinding. */
  readonly namespace: string;
  readonly name: string;
  readonly role: { readonly kind: 'Role' | 'ClusterRole'; readonly name: string };
  /** Those that it grants to and that do not need it. */
  readonly subjects: readonly Subject[];
  /** Whether others need it: then only these subjects are to be taken out of it. */
  readonly isSharedWithOthers: boolean;
  /** How many permissions go away with it that nobody used. */
  readonly excess: number;
  readonly origin: BindingOrigin;
}

/** What may be retired of one owner group in one cluster, all of it together. */
export interface RetirementReport {
  readonly cluster: string;
  readonly group: string;
  readonly bindings: readonly RetirableBinding[];
  readonly links?: RepositoryLinks;
}

/** Title and body of an issue. */
export interface IssueDocument {
  readonly title: string;
  readonly body: string;
}

const VISIBLE_SUBJECTS = 10;
const HEAD_CHARACTERS = 100;

/**
 * Renders the issue that asks an owner to retire old bindings: RBAC adds up, so what was merged takes nothing away while
 * the broad binding beside it stands. A checklist, and for each binding where it comes from, who has it, and the
 * command, file or place by which it goes. What does not fit is counted, and listed when the others are gone.
 * @remarks Pure; the order of bindings and subjects makes no difference.
 * @throws InvariantError if a limit is too small, or a link base is no URL
 */
export function renderRetirementIssue(
  report: RetirementReport,
  limits: { readonly title: number; readonly body: number },
): IssueDocument {
  const bindings = [...report.bindings].sort((a, b) => compare(bindingKey(a), bindingKey(b)));
  const bindingCount = counted(bindings.length, 'old binding');
  const title = `Retire ${bindingCount} in ${titleName(report.cluster)} for ${titleName(report.group)}`;
  const excess = bindings.reduce((sum, binding) => sum + binding.excess, 0);
  const parts: Part[] = [
    `**${bindingCount}** · ${counted(excess, 'unused grant')} · cluster ${code(report.cluster, HEAD_CHARACTERS)} · owner ${code(report.group, HEAD_CHARACTERS)}`,
    'RBAC adds up: while these stand, the merged policies take nothing away. Everything that was used is allowed without them, also without all of them at once.',
    {
      noun: 'binding',
      size: bindings.length,
      importance: 2,
      render: (shown) => bindings.slice(0, shown).map(checklistItem).join('\n'),
    },
    {
      noun: 'detail',
      size: bindings.length,
      importance: 1,
      render: (shown) =>
        bindings
          .slice(0, shown)
          .map((binding) => details(binding, report.links))
          .join('\n\n'),
    },
    '---\n\nTo undo it, apply the binding again. What does not appear here any more is done; this issue is closed when nothing is left.',
  ];
  const note = '> **Shortened to fit.** What is left out is listed here when others are gone.';
  return { title: cut(title, limits.title), body: fit(parts, note, limits.body).text };
}

function checklistItem(binding: RetirableBinding): string {
  const whom = binding.isSharedWithOthers ? `: take ${counted(binding.subjects.length, 'subject')} out` : '';
  return `- [ ] ${bindingText(binding)}${whom}`;
}

function details(binding: RetirableBinding, links: RepositoryLinks | undefined): string {
  const { role, excess, origin } = binding;
  const subjects = [...binding.subjects].sort(compareSubjects);
  const shown = subjects.slice(0, VISIBLE_SUBJECTS).map(subjectText);
  const rest = subjects.length - shown.length;
  const whom = [...shown, ...(rest > 0 ? [`${rest} more`] : [])].join(', ');
  const lines = [
    `- grants ${code(`${role.kind} ${role.name}`)} to ${whom}`,
    `- ${counted(excess, 'unused grant')} would go`,
    `- ${originText(origin, links)}`,
  ];
  const command = isByHand(origin) ? [commandText(binding)] : [];
  return [`### ${bindingText(binding)}`, lines.join('\n'), ...command].join('\n\n');
}

function bindingText({ kind, namespace, name }: RetirableBinding): string {
  return `${code(`${kind} ${name}`)}${namespace === '' ? '' : ` in ${code(namespace)}`}`;
}

function originText(origin: BindingOrigin, links: RepositoryLinks | undefined): string {
  switch (origin.by) {
    case 'helm':
      return `from Helm release ${code(origin.release)} in ${code(origin.namespace)}: change the chart or its values, the next upgrade would bring it back`;
    case 'argo-cd':
      return `from Argo CD application ${code(origin.application)}: change its source, the next sync would bring it back`;
    case 'flux':
      return `from Flux ${origin.kind} ${code(origin.name)} in ${code(origin.namespace)}: change its source, the next reconciliation would bring it back`;
    case 'olm':
      return `from operator ${code(origin.owner)}: it comes with the operator, whose permissions its own manifest holds`;
    case 'file':
      return `from ${fileLink(origin.path, links?.base, origin.path)} of this repository: change it there`;
    case 'kubectl':
      return 'made by hand: nothing brings it back';
    case 'unknown':
      return 'of unknown origin: find out first whether something would bring it back';
  }
}

function isByHand({ by }: BindingOrigin): boolean {
  return by === 'kubectl' || by === 'unknown';
}

/** A command to be pasted into a shell of whoever may do it. */
function commandText({ kind, namespace, name, isSharedWithOthers }: RetirableBinding): string {
  const words = [namespace, name].map(shellWord);
  const [scope, object] = words;
  if (scope === undefined || object === undefined) {
    return 'Its name holds characters that cannot be seen, so there is no command to paste.';
  }
  const verb = isSharedWithOthers ? 'edit' : 'delete';
  const flag = namespace === '' ? '' : `--namespace=${scope} `;
  const command = `kubectl ${verb} ${flag}${kind.toLowerCase()} ${object.startsWith('-') ? '-- ' : ''}${object}`;
  const lead = isSharedWithOthers ? 'Take these subjects out:\n\n' : '';
  return lead + markdownFence('sh', command);
}

/** One word of a POSIX shell; `undefined` where it would hold what nobody can see. */
function shellWord(text: string): string | undefined {
  if (escapeInvisible(text) !== text) return undefined;
  return /^[\w.:-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}

function bindingKey({ namespace, kind, name }: RetirableBinding): string {
  return JSON.stringify([namespace, kind, name]);
}
