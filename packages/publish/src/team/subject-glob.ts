import { type Subject, subjectKey } from '@leastwise/audit-event';
import { matchesGlob } from '@leastwise/rbac';

/**
 * How a team names subjects: `serviceaccount:NAMESPACE:NAME`, `user:NAME`, `group:NAME`, as the flags of the command
 * line have them, where `*` stands for any text. A service account is never meant by its user name.
 */
export const SUBJECT_GLOB =
  /^(?:serviceaccount:[a-z0-9*-]{1,63}:[a-z0-9.*-]{1,253}|user:(?!system:serviceaccount:[^:]+:[^:]+$)[^\p{Cc}\p{Cf}]{1,1024}|group:[^\p{Cc}\p{Cf}]{1,1024})$/u;

/** Whether one of the globs takes the subject. Linear in their length. */
export function matchesSubject(globs: readonly string[], subject: Subject): boolean {
  const key = subjectKey(subject);
  return globs.some((glob) => matchesGlob(glob, key));
}
