import { queryValue } from './uri.ts';

const NAME_FIELD = 'metadata.name';
const MAX_INT64 = '9223372036854775807';
const MIN_INT64 = '9223372036854775808';

/**
 * The name that the authorizer sees for a list or watch of a collection: that of a `metadata.name=x` (or `==x`) in
 * the `fieldSelector`. `''` where there is none, where it is no valid path segment, and where list options do not
 * decode, since the API server then drops them all. An undecodable `labelSelector` is not recognised here.
 *
 * @see k8s.io/apimachinery pkg/fields (grammar), k8s.io/apiserver pkg/endpoints/request (use)
 */
export function nameFromFieldSelector(requestURI: string): string {
  const selector = queryValue(requestURI, 'fieldSelector');
  if (selector === undefined || !selector.includes(NAME_FIELD)) return '';
  if (!isInt64(queryValue(requestURI, 'limit')) || !isInt64(queryValue(requestURI, 'timeoutSeconds')))
    return '';
  const name = requiredName(selector);
  return isPathSegment(name) ? name : '';
}

function isInt64(value: string | undefined): boolean {
  if (value === undefined) return true;
  const negative = value.startsWith('-');
  const digits = negative || value.startsWith('+') ? value.slice(1) : value;
  if (!/^[0-9]+$/.test(digits)) return false;
  const significant = digits.replace(/^0+/, '');
  const limit = negative ? MIN_INT64 : MAX_INT64;
  return significant.length < limit.length || (significant.length === limit.length && significant <= limit);
}

function isPathSegment(name: string): boolean {
  return name !== '.' && name !== '..' && !name.includes('/') && !name.includes('%');
}

/** Terms are sorted before the first match is taken, as the API server does; one bad term spoils the selector. */
function requiredName(selector: string): string {
  let found: string | undefined;
  for (const term of splitTerms(selector).sort()) {
    if (term === '') continue;
    const operator = firstOperator(term);
    if (operator === undefined) return '';
    const value = unescapeValue(term.slice(operator.end));
    if (value === undefined) return '';
    if (operator.equals && found === undefined && term.slice(0, operator.start) === NAME_FIELD) found = value;
  }
  return found ?? '';
}

function splitTerms(selector: string): string[] {
  const terms: string[] = [];
  let start = 0;
  for (let i = 0; i < selector.length; i += 1) {
    const char = selector[i];
    if (char === '\\') i += 1;
    else if (char === ',') {
      terms.push(selector.slice(start, i));
      start = i + 1;
    }
  }
  terms.push(selector.slice(start));
  return terms;
}

function firstOperator(term: string): { start: number; end: number; equals: boolean } | undefined {
  const equal = term.indexOf('=');
  if (equal < 0) return undefined;
  if (equal > 0 && term[equal - 1] === '!') return { start: equal - 1, end: equal + 1, equals: false };
  return { start: equal, end: term[equal + 1] === '=' ? equal + 2 : equal + 1, equals: true };
}

/** `undefined` for an escape or a bare `,` or `=` that the grammar does not allow. */
function unescapeValue(value: string): string | undefined {
  let text = '';
  for (let i = 0; i < value.length; i += 1) {
    let char = value.charAt(i);
    if (char === '\\') {
      i += 1;
      char = value.charAt(i);
      if (char !== '\\' && char !== ',' && char !== '=') return undefined;
    } else if (char === ',' || char === '=') {
      return undefined;
    }
    text += char;
  }
  return text;
}
