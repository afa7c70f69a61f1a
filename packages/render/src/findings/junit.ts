import type { CheckInfo, RbacFinding } from '@leastwise/findings';

import { escapeInvisible } from '../escape-invisible.ts';
import { checkOf, type FindingsReport, isSuppressed, originOf } from './report.ts';
import { nameText, objectText, pathTexts, sentenceText, whereText } from './text.ts';

/**
 * Renders findings as a JUnit report: a check that found nothing is a test that passed, each open finding one that
 * failed, each suppressed one a test that was skipped. Well-formed XML 1.0 whatever the names are.
 * @remarks Pure.
 * @see https://docs.gitlab.com/ci/testing/unit_test_reports/ (what GitLab reads) and
 *   https://www.w3.org/TR/xml/#charsets (which characters XML can hold at all)
 */
export function renderJunit(report: FindingsReport): string {
  const found = new Set(report.findings.map(({ check }) => check));
  const passed = report.checks.filter(({ id }) => !found.has(id));
  const skipped = report.findings.filter(isSuppressed).length;
  const counts = attributes({
    name: 'leastwise scan',
    tests: String(passed.length + report.findings.length),
    failures: String(report.findings.length - skipped),
    errors: '0',
    skipped: String(skipped),
    time: '0',
  });
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites${counts}>`,
    `  <testsuite${counts}>`,
    ...passed.map(passedCase),
    ...report.findings.flatMap((finding) => findingCase(report, finding)),
    '  </testsuite>',
    '</testsuites>',
    '',
  ].join('\n');
}

function passedCase({ id, title }: CheckInfo): string {
  return `    <testcase${attributes({ classname: id, name: title, time: '0' })}/>`;
}

function findingCase(report: FindingsReport, finding: RbacFinding): string[] {
  const { check, object, message } = finding;
  const info = checkOf(report, check);
  const origin = originOf(finding);
  const open = attributes({
    classname: check,
    // Two findings of a check about one object differ in the key, and so do their tests.
    name: `${info?.title ?? check}: ${objectText(object)} (${nameText(finding.key)})`,
    ...(origin === undefined ? {} : { file: origin.file }),
    time: '0',
  });
  const lines = [
    sentenceText(message),
    ...pathTexts(finding),
    `at ${whereText(origin)}`,
    ...(info === undefined ? [] : [`To put it right: ${sentenceText(info.remedy)}`]),
  ];
  return [`    <testcase${open}>`, `      ${outcome(finding, lines)}`, '    </testcase>'];
}

function outcome(finding: RbacFinding, lines: readonly string[]): string {
  if (isSuppressed(finding)) {
    const { owner, until, reason } = finding.suppressed;
    const message = `suppressed by ${nameText(owner)} until ${nameText(until)}: ${sentenceText(reason)}`;
    return `<skipped${attributes({ message })}/>`;
  }
  const shown = attributes({ type: finding.severity, message: sentenceText(finding.message) });
  return `<failure${shown}>${lines.map(escapeXml).join('\n')}</failure>`;
}

function attributes(values: Readonly<Record<string, string>>): string {
  return Object.entries(values)
    .map(([key, value]) => ` ${key}="${escapeXml(value)}"`)
    .join('');
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&apos;',
};

/** Text as content or as an attribute. What XML cannot hold, or a reader would not see, is shown by its number. */
function escapeXml(text: string): string {
  return escapeInvisible(text).replace(/[&<>"']/g, (character) => ENTITIES[character] ?? '');
}
