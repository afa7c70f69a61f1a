import { FINDING_SEVERITIES, type FindingSeverity } from '@leastwise/findings';

import { type FindingsReport, isSuppressed, openFindings } from './report.ts';

/** Of the form of {@link renderFindingsJson}; a field may be added without a new one, none is taken away or changed. */
export const FINDINGS_JSON_VERSION = 1;

/**
 * Renders findings as JSON for machines, whole: names as they are, every way that a finding has. A count for each
 * severity is of what is open; `suppressed` counts the rest. Ends with a line feed.
 * @remarks Pure; the same report gives the same bytes. Whoever prints it on a terminal escapes what would steer it.
 */
export function renderFindingsJson(report: FindingsReport): string {
  const open = openFindings(report);
  const counts = FINDING_SEVERITIES.map((severity): [FindingSeverity, number] => [
    severity,
    open.filter((finding) => finding.severity === severity).length,
  ]);
  const document = {
    version: FINDINGS_JSON_VERSION,
    tool: { name: 'leastwise', version: report.toolVersion },
    summary: {
      open: Object.fromEntries(counts),
      suppressed: report.findings.filter(isSuppressed).length,
      notShown: report.below?.count ?? 0,
      ...(report.scanned === undefined ? {} : { scanned: report.scanned }),
    },
    findings: report.findings,
  };
  return `${JSON.stringify(document, null, 2)}\n`;
}
