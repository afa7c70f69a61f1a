import {
  FINDING_SEVERITIES,
  type GrantStep,
  type ObjectReference,
  type Origin,
  type RbacFinding,
} from '@leastwise/findings';

import { counted, shorten } from '../pull-request/markdown.ts';
import { type FindingsReport, openFindings } from './report.ts';

/** How much of one name is shown: names of Kubernetes objects fit. */
const NAME_CHARACTERS = 256;
/** How much of a sentence with names in it is shown. */
const SENTENCE_CHARACTERS = 2_048;
/** How many ways to a grant are shown to people; forms for machines have all that the finding has. */
const SHOWN_PATHS = 3;

/** A name or a path of a file, cut; raw. */
export function nameText(name: string): string {
  return shorten(name, NAME_CHARACTERS);
}

/** A sentence with names in it, cut; raw. */
export function sentenceText(sentence: string): string {
  return shorten(sentence, SENTENCE_CHARACTERS);
}

/** `RoleBinding shop/ci`, `ClusterRole admin`; raw. */
export function objectText({ kind, namespace, name }: ObjectReference): string {
  const scope = namespace === undefined ? '' : `${nameText(namespace)}/`;
  return `${nameText(kind)} ${scope}${nameText(name)}`;
}

/** `rbac.yaml:12`; `-` for what comes from no file; raw. */
export function whereText(origin: Origin | undefined): string {
  return origin === undefined ? '-' : `${nameText(origin.file)}:${origin.line}`;
}

/** One way to a grant: `RoleBinding shop/ci → Role shop/all → rule 1 → get secrets in namespace shop`; rules count from 1; raw. */
export function stepText({ binding, role, ruleIndex, grant }: GrantStep): string {
  const rule = ruleIndex === undefined ? [] : [`rule ${ruleIndex + 1}`];
  return [objectText(binding), objectText(role), ...rule, sentenceText(grant)].join(' → ');
}

/** The first ways to a finding's grant, and how many more there are; raw. */
export function pathTexts({ paths, morePaths = 0 }: RbacFinding): string[] {
  const shown = paths.slice(0, SHOWN_PATHS).map(stepText);
  const rest = paths.length - shown.length + morePaths;
  return rest === 0 ? shown : [...shown, `and ${counted(rest, 'more way')}`];
}

/** `3 findings: 1 CRITICAL, 2 HIGH`, with what is suppressed, not shown and scanned; words and numbers of ours only. */
export function summaryText(report: FindingsReport): string {
  const open = openFindings(report);
  const suppressed = report.findings.length - open.length;
  const counts = FINDING_SEVERITIES.flatMap((severity) => {
    const count = open.filter((finding) => finding.severity === severity).length;
    return count === 0 ? [] : [`${count} ${severity}`];
  });
  const found =
    open.length === 0 ? 'no findings' : `${counted(open.length, 'finding')}: ${counts.join(', ')}`;
  const { below, scanned } = report;
  const notes = [
    ...(suppressed === 0 ? [] : [`${suppressed} suppressed`]),
    ...(below === undefined || below.count === 0 ? [] : [`${below.count} below ${below.severity} not shown`]),
    ...(scanned === undefined ? [] : [`scanned ${scannedText(scanned)}`]),
  ];
  return [found, ...notes].join('; ');
}

function scannedText({ files, bindings, roles }: NonNullable<FindingsReport['scanned']>): string {
  return `${counted(bindings, 'binding')} and ${counted(roles, 'role')} in ${counted(files, 'file')}`;
}
