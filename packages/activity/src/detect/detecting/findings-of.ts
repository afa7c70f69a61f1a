import { parseSubjectKey } from '../../subject.ts';
import { type Detection, DETECTIONS } from '../catalogue/index.ts';
import { compareTexts } from './evidence.ts';
import type { DetectionFinding, FindingKind } from './finding.ts';
import type { Found } from './matches.ts';

/** What the catalogue says of each detection, and what kind of finding it makes. */
const INFOS: ReadonlyMap<string, { readonly title: string; readonly kind: FindingKind }> = new Map(
  DETECTIONS.map((each) => [each.id, { title: each.title, kind: kindOf(each) }]),
);

function kindOf(detection: Detection): FindingKind {
  return detection.kind === 'baseline' ? detection.baseline : detection.kind;
}

function findingOf(found: Found): DetectionFinding {
  const { title = '', kind = 'event' } = INFOS.get(found.id) ?? {};
  return { ...found, subject: parseSubjectKey(found.subject), kind, title };
}

function compareFound(a: Found, b: Found): number {
  return (
    a.startUs - b.startUs ||
    compareTexts(a.id, b.id) ||
    compareTexts(a.subject, b.subject) ||
    compareTexts(a.says, b.says)
  );
}

/** What was found, with what the catalogue says of it: in time, then by id, subject and sentence. */
export function findingsOf(found: Iterable<Found>): DetectionFinding[] {
  return [...found].sort(compareFound).map(findingOf);
}
