import { compare } from '../subject-name.ts';

/** How bad a result is, as SARIF has it. */
export type SarifLevel = 'error' | 'warning' | 'note';

/** What a tool looks for. */
export interface SarifRule {
  readonly id: string;
  /** A few words, in the form of a title. */
  readonly title: string;
  /** What is wrong with it. */
  readonly description: string;
  /** What to do about it. */
  readonly help: string;
  readonly level: SarifLevel;
  /** 0.1 to 10.0 for what is a matter of security: GitHub calls 9.0 critical, 7.0 high, 4.0 medium. */
  readonly securitySeverity?: number;
  readonly tags?: readonly string[];
}

/** A line of a file. */
export interface SarifLocation {
  /** As the user named it: relative to the root of the repository where it can be. */
  readonly file: string;
  /** From 1. */
  readonly line: number;
  /** The object at that place: `RoleBinding shop/ci`. */
  readonly object?: string;
}

/** One thing that was found. */
export interface SarifResult {
  readonly ruleId: string;
  readonly level: SarifLevel;
  readonly message: string;
  readonly location?: SarifLocation;
  /** Other places that have a part in it. */
  readonly related?: readonly SarifLocation[];
  /** The same in every run for the same thing, whatever line it is on. */
  readonly fingerprint: string;
  /** Why it is accepted, where somebody took responsibility for it. */
  readonly suppressed?: string;
  readonly properties?: Readonly<Record<string, string>>;
}

/** What one run of the tool says. */
export interface SarifRun {
  readonly toolVersion: string;
  readonly rules: readonly SarifRule[];
  /** Each of a rule of `rules`. */
  readonly results: readonly SarifResult[];
}

/** What relative paths are relative to, by the name that GitHub and others give to the root of a repository. */
const ROOT = '%SRCROOT%';

/**
 * Renders what was found as SARIF 2.1.0. Rules are sorted by id, results stay in their order. Ends with a line feed.
 * @remarks Pure; the same run gives the same bytes, since nothing says when or where it was.
 * @see https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html and
 *   https://docs.github.com/code-security/reference/code-scanning/sarif-files/sarif-support-for-code-scanning
 */
export function renderSarifLog({ toolVersion, rules, results }: SarifRun): string {
  const sorted = [...rules].sort((a, b) => compare(a.id, b.id));
  const indexes = new Map(sorted.map(({ id }, index) => [id, index]));
  const log = {
    $schema: 'https://json.schemastore.org/sarif-2.1.0.json',
    version: '2.1.0',
    runs: [
      {
        tool: {
          driver: {
            name: 'leastwise',
            version: toolVersion,
            rules: sorted.map(ruleOf),
          },
        },
        columnKind: 'utf16CodeUnits',
        results: results.map((result) => resultOf(result, indexes.get(result.ruleId))),
      },
    ],
  };
  return `${JSON.stringify(log, null, 2)}\n`;
}

function ruleOf({ id, title, description, help, level, securitySeverity, tags = [] }: SarifRule): unknown {
  return {
    id,
    name: id,
    shortDescription: { text: title },
    fullDescription: { text: description },
    help: { text: help },
    defaultConfiguration: { level },
    properties: {
      tags,
      // GitHub wants a text, and takes nothing below 0.1 for one.
      ...(securitySeverity === undefined ? {} : { 'security-severity': securitySeverity.toFixed(1) }),
    },
  };
}

function resultOf(result: SarifResult, ruleIndex: number | undefined): unknown {
  const { ruleId, level, message, location, related = [], fingerprint, suppressed, properties } = result;
  return {
    ruleId,
    ...(ruleIndex === undefined ? {} : { ruleIndex }),
    level,
    message: { text: message },
    locations: location === undefined ? [] : [locationOf(location)],
    ...(related.length === 0
      ? {}
      : { relatedLocations: related.map((each, id) => ({ id, ...locationOf(each) })) }),
    // The first is ours; by the second GitHub knows a result again, and would else hash the line's text.
    partialFingerprints: { 'leastwiseKey/v1': fingerprint, primaryLocationLineHash: fingerprint },
    // Either all results of a run have suppressions or none has: SARIF 2.1.0, 3.27.23.
    suppressions: suppressed === undefined ? [] : [suppressionOf(suppressed)],
    ...(properties === undefined ? {} : { properties }),
  };
}

function suppressionOf(justification: string): unknown {
  return { kind: 'external', status: 'accepted', justification };
}

function locationOf({ file, line, object }: SarifLocation): object {
  return {
    physicalLocation: { artifactLocation: artifactOf(file), region: { startLine: line } },
    ...(object === undefined ? {} : { logicalLocations: [{ fullyQualifiedName: object, kind: 'object' }] }),
  };
}

function artifactOf(file: string): unknown {
  const path = file.replaceAll('\\', '/').replace(/^(?:\.\/)+/, '');
  const uri = path.split('/').map(segmentOf).join('/');
  return path.startsWith('/') ? { uri: `file://${uri}` } : { uri, uriBaseId: ROOT };
}

/** Half a character has no place in a URI, and would throw. */
const SURROGATES = /[\ud800-\udfff]/gu;

function segmentOf(segment: string): string {
  return encodeURIComponent(segment.replace(SURROGATES, '\ufffd'));
}
