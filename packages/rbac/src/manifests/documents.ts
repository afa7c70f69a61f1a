import {
  type Document,
  isAlias,
  isMap,
  isNode,
  isPair,
  isScalar,
  Lexer,
  LineCounter,
  parseAllDocuments,
  visit,
} from 'yaml';

import { type ManifestReason, type Path, quoted } from './problem.ts';

/** One document of a file. */
export interface ManifestDocument {
  /** `kind` and `apiVersion` of its root, without the cost of the rest; `undefined` where they are no strings. */
  readonly kind: string | undefined;
  readonly apiVersion: string | undefined;
  readonly isObject: boolean;
  /** The whole of it as plain values, or why it cannot be had. Keys are own properties, whatever they are called. */
  read(): { readonly value: unknown } | { readonly reason: ManifestReason; readonly detail: string };
  /** The line of a field, or of what is nearest above it. */
  lineOf(path: Path): number;
}

/** A document that the YAML parser did not take. */
export interface UnreadableDocument {
  readonly line: number;
  readonly detail: string;
}

const MAX_ALIASES = 1_000;

function isMergeKey(key: unknown): boolean {
  return isScalar(key) && key.value === '<<' && key.type === 'PLAIN';
}

/*
 * Looks once at every node: the parser checks repeated keys in quadratic time, and turns maps used as
 * keys into text in cubic, so neither is left to it.
 */
function problemOf(document: Document): string | undefined {
  let aliases = 0;
  let problem: string | undefined;
  visit(document, {
    Alias: () => {
      aliases += 1;
      if (aliases <= MAX_ALIASES) return undefined;
      problem = 'too many aliases';
      return visit.BREAK;
    },
    Map: (_, map) => {
      const keys = new Set<string>();
      for (const { key } of map.items) {
        const isPlain = isScalar(key) && !isAlias(key);
        if (!isPlain) problem ??= 'a key is not a string';
        else if (isMergeKey(key)) problem ??= 'merge keys (<<) are not supported';
        else if (keys.has(String(key.value)))
          problem ??= `the key ${quoted(String(key.value))} is there twice`;
        if (isPlain) keys.add(String(key.value));
      }
      return problem === undefined ? undefined : visit.BREAK;
    },
  });
  return problem;
}

function messageOf(error: unknown): string {
  return quoted(error instanceof Error ? (error.message.split('\n', 1)[0] ?? '') : 'not YAML');
}

function rootText(document: Document, key: string): string | undefined {
  const value: unknown = isMap(document.contents) ? document.contents.get(key) : undefined;
  return typeof value === 'string' ? value : undefined;
}

function lineOf(document: Document, lines: LineCounter, path: Path): number {
  for (let length = path.length; length >= 0; length -= 1) {
    const node: unknown = length === 0 ? document.contents : document.getIn(path.slice(0, length), true);
    if (isNode(node) && !isPair(node) && node.range) return lines.linePos(node.range[0]).line;
  }
  return 1;
}

function yamlDocument(document: Document, lines: LineCounter): ManifestDocument {
  return {
    kind: rootText(document, 'kind'),
    apiVersion: rootText(document, 'apiVersion'),
    isObject: isMap(document.contents),
    read: () => {
      try {
        const detail = problemOf(document);
        return detail === undefined ? { value: document.toJS() } : { reason: 'unreadable', detail };
      } catch (error) {
        return { reason: 'unreadable', detail: messageOf(error) };
      }
    },
    lineOf: (path) => lineOf(document, lines, path),
  };
}

/** The documents of a YAML (or JSON) file; empty ones are left out. Never throws, whatever the text. */
export function yamlDocuments(text: string): (ManifestDocument | UnreadableDocument)[] {
  const lines = new LineCounter();
  try {
    const documents = parseAllDocuments(text, {
      lineCounter: lines,
      uniqueKeys: false,
      prettyErrors: false,
      logLevel: 'silent',
    });
    if ('empty' in documents) {
      // Directives alone make no document, and no error either.
      const line = text.split('\n').findIndex((each) => each.startsWith('%')) + 1;
      return line > 0 ? [{ line, detail: 'directives without a document' }] : [];
    }
    return documents.flatMap((document): (ManifestDocument | UnreadableDocument)[] => {
      const [error] = document.errors;
      if (error) return [{ line: lines.linePos(error.pos[0]).line, detail: messageOf(error) }];
      const { contents } = document;
      return contents === null || (isScalar(contents) && contents.value === null)
        ? []
        : [yamlDocument(document, lines)];
    });
  } catch (error) {
    return [{ line: 1, detail: messageOf(error) }];
  }
}

/** What the lexer puts before a plain or block scalar, but before no quoted one. */
const UNQUOTED = '\u001f';

/**
 * Whether a file is a template that was not rendered: `{{` stands in it outside of quotes and comments.
 * Within quotes it may be anybody's name.
 * @param text - untrusted; it need not be YAML
 */
export function isTemplate(text: string): boolean {
  if (!text.includes('{{')) return false;
  let before = '';
  for (const token of new Lexer().lex(text)) {
    if (before === '{' && token === '{') return true;
    if (before === UNQUOTED && token.includes('{{')) return true;
    before = token;
  }
  return false;
}

/**
 * The one document of a JSON file; `undefined` where the text is none. Lines come from the YAML parser, which is far
 * slower, so it reads the text only when the first one is asked for; where it cannot, all of them are 1.
 */
export function jsonDocument(text: string): ManifestDocument | undefined {
  if (!/^\s*\{/.test(text)) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  const root = value as Readonly<Record<string, unknown>>;
  const textOf = (key: string): string | undefined => (typeof root[key] === 'string' ? root[key] : undefined);
  let located: ManifestDocument | UnreadableDocument | undefined;
  return {
    kind: textOf('kind'),
    apiVersion: textOf('apiVersion'),
    isObject: true,
    read: () => ({ value }),
    lineOf: (path) => {
      located ??= yamlDocuments(text)[0];
      return located !== undefined && 'read' in located ? located.lineOf(path) : 1;
    },
  };
}
