import { escapeInvisible } from './escape-invisible.ts';
import { markdownFence, markdownText } from './escape-markdown.ts';
import { fit, type Part } from './pull-request/fit.ts';
import { code, counted } from './pull-request/markdown.ts';
import type { IssueDocument } from './pull-request/retirement.ts';
import { cut, titleName } from './pull-request/title.ts';

/** What an issue tells of one violation. */
export interface ViolationReport {
  readonly cluster: string;
  /** Of the RBACViolation. */
  readonly name: string;
  readonly rule: string;
  readonly severity: string;
  readonly title: string;
  readonly message: string;
  readonly remedy: string;
  readonly object: { readonly kind: string; readonly namespace?: string; readonly name: string };
  /** The object as it stands, in YAML; `undefined` where it is not known. */
  readonly manifest?: string | undefined;
  /** Each way to what is granted. */
  readonly grants: readonly string[];
  readonly moreGrants: number;
  readonly owners: readonly string[];
}

const HEAD_CHARACTERS = 200;
const GRANT_CHARACTERS = 500;
const MAX_MANIFEST_LINES = 200;

function objectText({ kind, namespace, name }: ViolationReport['object']): string {
  return namespace === undefined ? `${kind} ${name}` : `${kind} ${namespace}/${name}`;
}

/** Owners are mentioned as they were written, for that is how a forge tells them; anything else is shown as text. */
function ownerText(owner: string): string {
  return /^@[\w.-]+(\/[\w.-]+)*$/.test(owner) ? owner : code(owner, HEAD_CHARACTERS);
}

function manifestDiff(manifest: string): string {
  const lines = manifest.split('\n').filter((line) => line !== '');
  const shown = lines.slice(0, MAX_MANIFEST_LINES).map((line) => `- ${escapeInvisible(line)}`);
  const rest = lines.length - shown.length;
  return [...shown, ...(rest > 0 ? [`# ${counted(rest, 'line')} more`] : [])].join('\n');
}

function manifestPart(manifest: string): Part {
  const render = (shown: number): string =>
    shown === 0 ? '' : markdownFence('diff', manifestDiff(manifest));
  return { noun: 'manifest', size: 1, importance: 1, render };
}

function grantsPart(grants: readonly string[], more: number): Part {
  const render = (shown: number): string => {
    if (shown === 0) return '';
    const lines = grants.slice(0, shown).map((each) => `- ${code(each, GRANT_CHARACTERS)}`);
    const rest = more > 0 ? [`and ${counted(more, 'more way')}`] : [];
    return ['### How it is granted', lines.join('\n'), ...rest].join('\n\n');
  };
  return { noun: 'grant', size: grants.length, importance: 2, render };
}

/**
 * Renders the issue that tells an owner of a violation: the rule, what it found, the object as a diff that takes it
 * away, the way to each grant, the remedy, and who has to act.
 * @remarks Pure. Every text of the cluster is escaped.
 * @throws InvariantError if a limit is too small
 */
export function renderViolationIssue(
  report: ViolationReport,
  limits: { readonly title: number; readonly body: number },
): IssueDocument {
  const { rule, severity, object, grants, moreGrants, owners, manifest } = report;
  const title = `${severity}: ${report.title} (${rule}) by ${titleName(objectText(object))} in ${titleName(report.cluster)}`;
  const head = [
    `**${markdownText(severity)}**`,
    `rule ${code(rule)}`,
    code(objectText(object), HEAD_CHARACTERS),
    `cluster ${code(report.cluster, HEAD_CHARACTERS)}`,
  ].join(' · ');
  const parts: Part[] = [
    head,
    markdownText(report.message),
    `**What to do:** ${markdownText(report.remedy)}`,
    ...(owners.length > 0 ? [`**Who:** ${owners.map(ownerText).join(', ')}`] : []),
    ...(manifest === undefined ? [] : [manifestPart(manifest)]),
    grantsPart(grants, moreGrants),
    `---\n\n${code(`kubectl get rbacviolation ${report.name} -o yaml`)}. This issue is closed when the violation is gone, or when somebody takes responsibility for it by a suppression with an owner and an end date.`,
  ];
  const note = '> **Shortened to fit.** The RBACViolation in the cluster has the rest.';
  return { title: cut(title, limits.title), body: fit(parts, note, limits.body).text };
}
