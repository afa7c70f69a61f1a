import type { CheckInfo, FindingSeverity, Origin, RbacFinding } from '@leastwise/findings';

import { type FindingsReport, isSuppressed, originOf } from './report.ts';
import {
  renderSarifLog,
  type SarifLevel,
  type SarifLocation,
  type SarifResult,
  type SarifRule,
} from './sarif-log.ts';
import { nameText, objectText, pathTexts, sentenceText } from './text.ts';

/** What a severity is in SARIF, and in the numbers that GitHub sorts and gates by. */
const LEVELS: Readonly<
  Record<FindingSeverity, { readonly level: SarifLevel; readonly securitySeverity: number }>
> = {
  CRITICAL: { level: 'error', securitySeverity: 9.5 },
  HIGH: { level: 'error', securitySeverity: 8 },
  MEDIUM: { level: 'warning', securitySeverity: 5.5 },
  LOW: { level: 'note', securitySeverity: 2 },
  INFO: { level: 'note', securitySeverity: 0.1 },
};

/**
 * Renders findings as SARIF 2.1.0: a rule for each check of the catalogue, a result for each finding with the file and
 * line of its object and the grant's way to it. GitHub gates by the severity of the rule, not of the result, so a rule
 * has that of its worst finding here where this is worse than what the catalogue says.
 * @remarks Pure; the same report gives the same bytes.
 */
export function renderSarif(report: FindingsReport): string {
  return renderSarifLog({
    toolVersion: report.toolVersion,
    rules: report.checks.map((check) => ruleOf(check, report.findings)),
    results: report.findings.map(resultOf),
  });
}

function ruleOf(check: CheckInfo, findings: readonly RbacFinding[]): SarifRule {
  const { id, title, why, remedy, severity, peers } = check;
  const own = findings.filter((finding) => finding.check === id && !isSuppressed(finding));
  const securitySeverity = own.reduce(
    (worst, finding) => Math.max(worst, LEVELS[finding.severity].securitySeverity),
    LEVELS[severity].securitySeverity,
  );
  return {
    id,
    title,
    description: why,
    help: peers.length === 0 ? remedy : `${remedy}\n\nOther tools: ${peers.join(', ')}`,
    level: LEVELS[severity].level,
    securitySeverity,
    tags: ['security', 'kubernetes', 'rbac'],
  };
}

function resultOf(finding: RbacFinding): SarifResult {
  const { check, severity, message, object, key } = finding;
  const origin = originOf(finding);
  const related = relatedTo(finding, origin);
  return {
    ruleId: check,
    level: LEVELS[severity].level,
    message: [sentenceText(message), ...pathTexts(finding)].join('\n'),
    ...(origin === undefined ? {} : { location: { ...origin, object: objectText(object) } }),
    ...(related.length === 0 ? {} : { related }),
    fingerprint: key,
    ...(isSuppressed(finding) ? { suppressed: justification(finding.suppressed) } : {}),
    properties: { severity },
  };
}

function justification({ owner, until, reason }: NonNullable<RbacFinding['suppressed']>): string {
  return `${sentenceText(reason)} (${nameText(owner)}, until ${nameText(until)})`;
}

/** Where the bindings and roles of its ways stand, each place once, without that of the result itself. */
function relatedTo({ paths }: RbacFinding, own: Origin | undefined): SarifLocation[] {
  const keyOf = ({ file, line }: Origin): string => JSON.stringify([file, line]);
  const seen = new Set(own === undefined ? [] : [keyOf(own)]);
  return paths
    .flatMap(({ binding, role }) => [binding, role])
    .flatMap((each) => {
      const { origin } = each;
      if (origin === undefined || seen.has(keyOf(origin))) return [];
      seen.add(keyOf(origin));
      return [{ ...origin, object: objectText(each) }];
    });
}
