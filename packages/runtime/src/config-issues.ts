import type * as z from 'zod';

/** One thing that the schema found wrong. */
export interface Finding {
  readonly path: readonly PropertyKey[];
  readonly text: string;
}

/** A schema's complaint in our words: what was wanted, for each key that it is about. */
export function describeIssue(issue: z.core.$ZodIssue): Finding[] {
  switch (issue.code) {
    case 'unrecognized_keys':
      return issue.keys.map((key) => ({
        path: [...issue.path, key],
        text: 'is no key of this configuration',
      }));
    case 'invalid_union':
      return [{ path: issue.path, text: unionText(issue) }];
    default:
      return [{ path: issue.path, text: plainText(issue.message) }];
  }
}

function unionText(issue: z.core.$ZodIssueInvalidUnion): string {
  const texts = issue.errors.flat().flatMap((option) => describeIssue(option).map((found) => found.text));
  return texts.length === 0 ? plainText(issue.message) : [...new Set(texts)].join(', or ');
}

function plainText(message: string): string {
  const text = message.replace(/^Invalid (?:input|option|string): /, '');
  return text.charAt(0).toLowerCase() + text.slice(1);
}
