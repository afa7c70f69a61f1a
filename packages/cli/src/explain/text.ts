import { subjectName } from '@leastwise/render';
import type { ExceptionClass } from '@leastwise/rbac';

import { firstOf } from '../audit-policy/table.ts';
import { printable } from '../output.ts';
import { counted, formatCount } from '../progress.ts';
import type { Explanation, Sighting, ToldException, ToldRule, ToldWidening } from './explanation.ts';
import { holdsLines } from './holds-text.ts';
import type { ToldRefusal } from './refusals.ts';
import type { NamedUsage, Seen, SeenPermission } from './seen.ts';
import { bindingText, cellText, listed, ruleText, ruleYaml, scopeText, word } from './words.ts';

/** Of one list on a terminal; the rest is counted, and whole in JSON. */
const MAX_LISTED = 50;
/** Below this span of evidence, rights that are used once a month have not been seen yet. */
const SHORT_EVIDENCE_DAYS = 30;

/** An explanation for people. All that others chose is escaped. */
export function explanationText(explanation: Explanation): string {
  const sections = [
    headLines(explanation),
    ruleLines(explanation),
    wideningLines(explanation.widened),
    needLines(explanation),
    exceptionLines(explanation.notGranted),
    refusalLines(explanation),
    bindingLines(explanation),
    holdsLines(explanation),
    blindLines(explanation),
  ];
  return `${sections
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join('\n'))
    .join('\n\n')}\n`;
}

function headLines({ subject, cluster, seen, isIncomplete, evidenceDays }: Explanation): string[] {
  const title = `${printable(subjectName(subject))} in cluster ${word(cluster)}`;
  if (seen === null) return [title, '  nothing was observed of it'];
  return [
    title,
    ...sightingLines(seen),
    ...(isIncomplete ? ['  INCOMPLETE: more rules were seen than are kept'] : []),
    ...(evidenceDays < SHORT_EVIDENCE_DAYS
      ? [
          `  the evidence of the cluster reaches back ${counted(evidenceDays, 'day')}: ` +
            'what runs weekly or monthly may be missing',
        ]
      : []),
  ];
}

function sightingLines({ firstSeen, lastSeen, days, allowed, refused, clients, groups }: Sighting): string[] {
  return [
    `  seen      ${firstSeen} to ${lastSeen}, on ${counted(days, 'day')}`,
    `  requests  ${formatCount(allowed)} allowed, ${formatCount(refused)} refused`,
    `  clients   ${clients.length === 0 ? 'unknown' : clients.join(', ')}`,
    ...(groups.length === 0 ? [] : [`  groups    ${listed(groups.map(word))} (named as granted)`]),
  ];
}

/** `12 requests on 2 days; first …, last …; e.g. auditID …; by kubectl; granted through team`. */
function seenText({ requests, days, firstSeen, lastSeen, lastAuditID, clients, groups }: Seen): string {
  return [
    `${counted(requests, 'request')} on ${counted(days, 'day')}`,
    firstSeen === lastSeen ? `at ${firstSeen}` : `first ${firstSeen}, last ${lastSeen}`,
    `e.g. auditID ${word(lastAuditID)}`,
    ...(clients.length === 0 ? [] : [`by ${clients.join(', ')}`]),
    ...(groups.length === 0 ? [] : [`granted through ${listed(groups.map(word))}`]),
  ].join('; ');
}

function ruleLines({ seen, rules }: Explanation): string[] {
  if (seen === null) return [];
  if (rules.length === 0) return ['Would be granted: nothing'];
  return [`Would be granted: ${counted(rules.length, 'rule')}`, ...rules.flatMap(oneRule)];
}

function oneRule({ role, scopes, rule, seen, widened }: ToldRule): string[] {
  return [
    `  ${ruleText(rule)}`,
    `    ${listed(scopes.map(scopeText))}, by ${role.kind} ${word(role.name)}`,
    `    ${seenText(seen)}`,
    ...(seen.bindings.length === 0 ? [] : [`    allowed by ${listed(seen.bindings.map(bindingText), '; ')}`]),
    ...widened.map((each) => `    wider than seen: ${wideningText(each)}`),
  ];
}

/** What has a knob of its own; the others are of presets, or of caps. */
const KNOBS: Readonly<Partial<Record<ToldWidening['kind'], string>>> = {
  'names-collapsed': '--resource-names',
  'names-omitted': '--resource-names',
  'names-merged': '--verb-merge',
  'namespaces-expanded': '--expand-multi-namespace',
  'names-expanded': '--expand-multi-name',
  'verbs-expanded': '--preset',
  'cluster-scope': '--scope-mode',
  'verb-wildcard': '--wildcards',
  'deprecated-group': '--map-deprecated-groups',
  'namespace-group': '--namespace-group',
};

function wideningText({ kind, what, why, replaced }: ToldWidening): string {
  const knob = KNOBS[kind];
  const by = [
    ...(replaced > 0 ? [`${formatCount(replaced)} seen`] : []),
    ...(knob === undefined ? [] : [knob]),
  ];
  return `${printable(what)}: ${why}${by.length === 0 ? '' : ` (${by.join('; ')})`}`;
}

function section(title: string, lines: readonly string[]): string[] {
  return lines.length === 0
    ? []
    : [title, ...firstOf(lines, MAX_LISTED, 'in JSON (-o json)').map((line) => `  ${line}`)];
}

function wideningLines(widened: readonly ToldWidening[]): string[] {
  return section('Also wider than seen', widened.map(wideningText));
}

function needLines({ mayAlsoNeed }: Explanation): string[] {
  const lines = mayAlsoNeed.map(({ permission, needs }) => `${cellText(permission)}: ${needs}`);
  return section('May also need what no audit log shows; grant it by hand', lines);
}

const REASONS: Readonly<Record<ExceptionClass, string>> = {
  withheld: 'Withheld, for the verb is special (--special-verbs Grant renders it)',
  'granted-by-default': 'Not granted, for Kubernetes grants it to everybody',
  'other-authorizer':
    'Not granted, for another authorizer allowed it, not RBAC (--include-other-authorizers renders it)',
  unrenderable: 'Not granted, for no rule may or can say it',
  'outside-retention': 'Not granted, for it was not used within the retention (--retention-days)',
  'namespace-gone': 'Not granted, for its namespace was deleted or is idle (--namespace-idle-days)',
  'not-selected': 'Not granted, for it is in another namespace than the chosen one',
};

function exceptionLines(notGranted: readonly ToldException[]): string[] {
  const sections = Object.entries(REASONS).map(([reason, title]) => {
    const here = notGranted.filter((each) => each.reason === reason);
    return section(title, here.map(exceptionText));
  });
  return sections
    .filter((lines) => lines.length > 0)
    .flatMap((lines, i) => (i === 0 ? lines : ['', ...lines]));
}

function exceptionText(exception: ToldException): string {
  const detail = exception.detail === '' ? '' : ` (${printable(exception.detail)})`;
  return permissionText(exception, detail);
}

function permissionText({ permission, seen }: SeenPermission, detail = ''): string {
  return `${cellText(permission)}${detail}: ${seenText(seen)}`;
}

function refusalLines({ refused, moreRefused }: Explanation): string[] {
  if (refused.length === 0 && moreRefused === 0) return [];
  return [
    'Refused, and never granted by asking',
    ...refused.flatMap(refusalText),
    ...(moreRefused > 0 ? [`  and ${counted(moreRefused, 'more request')}`] : []),
  ];
}

function refusalText(refusal: ToldRefusal): string[] {
  const { remedy, remark } = refusal;
  const place = remedy?.kind === 'Role' ? `a Role of ${word(remedy.namespace)}` : 'a ClusterRole';
  return [
    `  ${permissionText(refusal)}`,
    ...(remark === '' ? [] : [`    ${printable(remark)}`]),
    ...(remedy === null ? [] : [`    to allow it, in ${place}:  ${ruleYaml(remedy.rule)}`]),
  ];
}

function bindingLines({ seen, bindings, areMoreBindingsNamed }: Explanation): string[] {
  if (seen === null) return [];
  const named = bindings.filter(({ lastDay }) => lastDay !== null);
  const lines = section('Named by the API server as what allowed it', named.map(namedText));
  return areMoreBindingsNamed ? [...lines, '  and more than are remembered'] : lines;
}

function namedText(usage: NamedUsage): string {
  const gone = usage.exists === false ? '; it binds the subject no more' : '';
  const last = usage.lastDay ?? 'never';
  return `${bindingText(usage)}: for ${counted(usage.permissions, 'permission')}, last ${last}${gone}`;
}

function blindLines({ blindSpots }: Explanation): string[] {
  if (blindSpots === null) return [];
  const { isHidden, reasons } = blindSpots;
  if (reasons.length === 0) return ['Blind spots: none, the audit policy logs all that it may do'];
  const title = isHidden ? 'Blind spots: nothing of it is logged' : 'Blind spots: some of it is not logged';
  return section(title, reasons);
}
