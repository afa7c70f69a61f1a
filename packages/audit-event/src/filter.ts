import { requestInfoOf } from './request-info.ts';
import type { RequestInfo } from './request-info.ts';
import type { AuditEvent, UserInfo } from './types.ts';

const FIELDS = ['user', 'namespace', 'verb', 'resource', 'userAgent', 'code', 'group'] as const;

/** What a filter can look at; `resource` is `pods` or `pods/log`, and the path of a non-resource request. */
export type FilterField = (typeof FIELDS)[number];

/** Whether a rule lets an event through. */
export type FilterAction = 'allow' | 'deny';

/** A rule of a filter: it applies to an event that meets all of its conditions (none: to every event). */
export interface FilterRule {
  readonly action: FilterAction;
  readonly conditions: readonly FilterCondition[];
}

/** Meets an event if one of the globs, in which `*` stands for any text, matches the field. */
export interface FilterCondition {
  readonly field: FilterField;
  readonly globs: readonly string[];
}

/**
 * Parses a rule as people write it: `deny user=system:* verb=get,list code=403`. Conditions are joined by AND, globs
 * after commas by OR. An empty value matches an empty field (`namespace=`: cluster-wide requests).
 *
 * @returns the rule, or what is wrong with the text
 */
export function parseFilter(text: string): FilterRule | string {
  const [action, ...words] = text.split(/\s+/).filter((word) => word !== '');
  if (action !== 'allow' && action !== 'deny') return `A filter begins with "allow" or "deny": "${text}".`;
  const conditions: FilterCondition[] = [];
  for (const word of words) {
    const equals = word.indexOf('=');
    const field = FIELDS.find((candidate) => candidate === word.slice(0, Math.max(equals, 0)));
    if (field === undefined)
      return `"${word}" is no condition: FIELD=GLOB with FIELD one of ${FIELDS.join(', ')}.`;
    if (conditions.some((condition) => condition.field === field)) {
      return `The field "${field}" is there twice; write its globs with commas.`;
    }
    conditions.push({ field, globs: word.slice(equals + 1).split(',') });
  }
  return { action, conditions };
}

/**
 * Makes a filter of rules: the first rule that applies decides, the default action where none does.
 * The user and the groups are the impersonated ones, if any. Namespace and resource are those that the authorizer was
 * asked about. RequestReceived has the code 0.
 */
export function createFilter(
  rules: readonly FilterRule[],
  defaultAction: FilterAction = 'allow',
): (event: AuditEvent) => boolean {
  const compiled = rules.map((rule) => ({
    isAllow: rule.action === 'allow',
    tests: rule.conditions.map(compileCondition),
  }));
  return function passes(event) {
    const request = lookUpOnce(event);
    for (const rule of compiled) {
      if (rule.tests.every((test) => test(event, request))) return rule.isAllow;
    }
    return defaultAction === 'allow';
  };
}

/** Parsing a request URI is the dear part, and many rules need none of it. */
type LookUp = () => RequestInfo | undefined;

function lookUpOnce(event: AuditEvent): LookUp {
  let found: RequestInfo | undefined;
  let isKnown = false;
  return function lookUp() {
    if (!isKnown) found = requestInfoOf(event);
    isKnown = true;
    return found;
  };
}

function compileCondition(condition: FilterCondition): (event: AuditEvent, request: LookUp) => boolean {
  const globs = condition.globs.map(compileGlob);
  const { field } = condition;
  function matches(value: string): boolean {
    return globs.some((glob) => glob(value));
  }
  if (field === 'group') return (event) => actorOf(event).groups.some(matches);
  return (event, request) => matches(textOf(field, event, request));
}

function textOf(field: Exclude<FilterField, 'group'>, event: AuditEvent, request: LookUp): string {
  switch (field) {
    case 'user':
      return actorOf(event).username;
    case 'userAgent':
      return event.userAgent;
    case 'code':
      return String(event.code);
    case 'namespace':
      return request()?.namespace ?? '';
    case 'verb':
      return event.verb;
    case 'resource':
      return resourceOf(request());
  }
}

function actorOf(event: AuditEvent): UserInfo {
  return event.impersonatedUser ?? event.user;
}

function resourceOf(info: RequestInfo | undefined): string {
  if (info === undefined) return '';
  if (!info.isResourceRequest) return info.path;
  return info.subresource === '' ? info.resource : `${info.resource}/${info.subresource}`;
}

/** Looks for the pieces between the stars from left to right, each once, so that no input makes it backtrack. */
function compileGlob(glob: string): (value: string) => boolean {
  const pieces = glob.split('*');
  const first = pieces.shift() ?? '';
  const last = pieces.pop();
  if (last === undefined) return (value) => value === first;
  return (value) => {
    const end = value.length - last.length;
    let at = first.length;
    if (!value.startsWith(first) || !value.endsWith(last)) return false;
    for (const piece of pieces) {
      const found = value.indexOf(piece, at);
      if (found < 0) return false;
      at = found + piece.length;
    }
    return at <= end;
  };
}
