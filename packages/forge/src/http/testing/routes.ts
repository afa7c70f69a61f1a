import { type FakeAnswer, type FakeRequest, Violation } from './fake-server.ts';

/** The type of a field; `!` where it has to be there. */
export type FieldType = 'string' | 'string!' | 'string[]' | 'integer[]' | 'integer[]!';

/** One operation of an API, with all that it takes. */
export interface Route {
  readonly method: string;
  /** `:name` stands for a segment, which the handler gets decoded. */
  readonly path: string;
  readonly query?: readonly string[];
  readonly body?: Readonly<Record<string, FieldType>>;
  readonly handle: (params: readonly string[], request: FakeRequest) => FakeAnswer;
}

/**
 * Answers by the first route that fits.
 * @throws Violation where none does, or where a parameter or field is unknown, missing or of another type
 */
export function routed(routes: readonly Route[], request: FakeRequest): FakeAnswer {
  for (const route of routes) {
    const params = matched(route, request);
    if (params === undefined) continue;
    checkQuery(route, request);
    checkBody(route, request);
    return route.handle(params, request);
  }
  throw new Violation(`there is no ${request.method} ${request.path}`);
}

function matched(route: Route, request: FakeRequest): readonly string[] | undefined {
  const [wanted, given] = [route.path.split('/'), request.path.split('/')];
  if (route.method !== request.method || wanted.length !== given.length) return undefined;
  const params: string[] = [];
  for (const [index, segment] of wanted.entries()) {
    const value = decodeURIComponent(given[index] ?? '');
    if (segment.startsWith(':')) params.push(value);
    else if (segment !== value) return undefined;
  }
  return params;
}

function checkQuery({ query = [], path }: Route, request: FakeRequest): void {
  const known = [...query, 'page', 'per_page'];
  for (const name of request.query.keys()) {
    if (!known.includes(name)) throw new Violation(`${path} has no parameter ${name}`);
  }
}

function checkBody({ body = {}, path }: Route, request: FakeRequest): void {
  for (const [name, value] of Object.entries(request.body)) {
    const type = body[name];
    if (type === undefined) throw new Violation(`${path} has no field ${name}`);
    if (!isOf(type, value)) throw new Violation(`${path}: ${name} is not ${type}: ${JSON.stringify(value)}`);
  }
  for (const [name, type] of Object.entries(body)) {
    if (type.endsWith('!') && !(name in request.body)) throw new Violation(`${path} needs ${name}`);
  }
}

function isOf(type: FieldType, value: unknown): boolean {
  const each = type.replace(/\[\]|!/g, '');
  const isIt = (one: unknown): boolean => (each === 'integer' ? Number.isInteger(one) : typeof one === each);
  return type.includes('[]') ? Array.isArray(value) && value.every(isIt) : isIt(value);
}
