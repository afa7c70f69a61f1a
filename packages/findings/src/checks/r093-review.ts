import type { BindingEntry } from '../access/model.ts';
import { type Draft, objectKey, wholeStep } from '../findings/draft.ts';
import { isGrave } from '../severity.ts';
import { clipped, objectText } from '../text.ts';
import type { SurveyCheck } from './check.ts';

const DAY_MS = 86_400_000;
/** A date, or a date and a time with its offset; of other forms it is not certain what they mean. */
const TIMESTAMP = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:\d{2}))?$/;

/** `undefined` for a text that is no day; days that no month has are none. */
function timeOf(text: string): number | undefined {
  if (!TIMESTAMP.test(text)) return undefined;
  const time = Date.parse(text);
  const day = text.slice(0, 10);
  const midnight = Date.parse(day);
  if (Number.isNaN(time) || Number.isNaN(midnight)) return undefined;
  return new Date(midnight).toISOString().startsWith(day) ? time : undefined;
}

function problemOf(text: string | undefined, maxAgeDays: number, nowMs: number): string | undefined {
  if (text === undefined) return 'was never reviewed';
  const time = timeOf(text);
  if (time === undefined) return `says it was reviewed at "${clipped(text)}", which is no day`;
  // A date alone is a day of its reviewer, which may have begun a day before ours.
  if (time > nowMs + DAY_MS) return `says it was reviewed at ${text}, which is yet to come`;
  return nowMs - time > maxAgeDays * DAY_MS ? `was last reviewed at ${text}` : undefined;
}

/** The bindings that grant something grave, by the findings so far. */
function graveBindings(drafts: readonly Draft[]): ReadonlySet<string> {
  return new Set(
    drafts.flatMap(({ severity, paths }) =>
      isGrave(severity) ? paths.map(({ binding }) => objectKey(binding)) : [],
    ),
  );
}

/** Bindings that nobody looked at for too long. The annotation is written by whoever may write the binding. */
export const R093: SurveyCheck = {
  kind: 'survey',
  info: {
    id: 'R093',
    title: 'Not reviewed in time',
    why: 'Rights that nobody looks at outlive their reason. It is asked for only where the policy says `reviewed_at`; who may edit the binding may write the annotation.',
    remedy: 'Review the binding, and write the day into the annotation.',
    severity: 'LOW',
    peers: [],
  },
  judge: ({ policy, bindings, input: { nowMs } }, drafts) => {
    const { reviewedAt } = policy;
    if (reviewedAt === undefined) return [];
    const grave = graveBindings(drafts);
    const { key, maxAgeDays } = reviewedAt;
    const draftOf = (entry: BindingEntry): readonly Draft[] => {
      if (!entry.isAudited || entry.isShipped) return [];
      const { annotations = {} } = entry.object.metadata;
      const problem = problemOf(
        Object.hasOwn(annotations, key) ? annotations[key] : undefined,
        maxAgeDays,
        nowMs,
      );
      if (problem === undefined) return [];
      const isPrivileged = entry.scope.kind === 'privileged' || grave.has(objectKey(entry.reference));
      return [
        {
          check: 'R093',
          severity: isPrivileged ? 'MEDIUM' : 'LOW',
          message: `${objectText(entry.reference)} ${problem}`,
          object: entry.reference,
          ...(entry.scope.namespace === '' ? {} : { namespace: entry.scope.namespace }),
          paths: [wholeStep(entry)],
        },
      ];
    };
    return bindings.flatMap(draftOf);
  },
};
