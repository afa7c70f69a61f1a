import { Document, isMap, isScalar, isSeq } from 'yaml';
import type { ScalarTag } from 'yaml';

import type { PolicyRule, RbacObject } from '@leastwise/rbac';

import { escapeComment } from './escape-comment.ts';
import { orderObject } from './order-object.ts';
import type { ManifestValue } from './order-object.ts';
import { quoteYaml } from './quote-yaml.ts';

/**
 * What to say beside the objects, as lines of plain text; whatever they hold, they stay comments. Each line is one
 * comment line.
 */
export interface YamlComments {
  /** At the top, above everything. */
  readonly header?: readonly string[];
  /** Above each object. */
  readonly object?: (object: RbacObject) => readonly string[];
  /** Above each rule. */
  readonly rule?: (rule: PolicyRule, object: RbacObject) => readonly string[];
}

/**
 * Renders objects as YAML documents in the order given, as kubectl writes them: block style, its order of fields,
 * no anchors, no folded lines. Any YAML 1.1 or 1.2 parser reads back exactly these objects, whatever text they and
 * the comments hold. No objects and no header give an empty text.
 * @remarks Pure; the same objects give the same bytes.
 */
export function renderYaml(
  objects: readonly RbacObject[],
  options: { readonly comments?: YamlComments } = {},
): string {
  const { comments = {} } = options;
  const header = commentLines(comments.header);
  const documents = objects.map(
    (object) => commentLines(comments.object?.(object)) + renderObject(object, comments),
  );
  return header + documents.join('---\n');
}

/** Renders one value of a manifest as a YAML document, as {@link renderYaml} does. */
export function renderManifest(value: ManifestValue): string {
  return print(newDocument(value));
}

function renderObject(object: RbacObject, comments: YamlComments): string {
  const document = newDocument(orderObject(object));
  if (comments.rule !== undefined && 'rules' in object) {
    const rules = isMap(document.contents) ? document.contents.get('rules') : undefined;
    for (const [at, rule] of object.rules.entries()) {
      const node = isSeq(rules) ? rules.items[at] : undefined;
      if (!isMap(node)) continue;
      const lines = commentLines(comments.rule(rule, object));
      if (lines !== '') node.commentBefore = lines.trimEnd();
    }
  }
  return print(document);
}

function commentLines(lines: readonly string[] = []): string {
  return lines.map((line) => `${escapeComment(line)}\n`).join('');
}

/** All text is spelled by {@link quoteYaml}, not by the library, which writes control characters as they are. */
const STRING: ScalarTag = {
  tag: 'tag:yaml.org,2002:str',
  default: true,
  identify: (value) => typeof value === 'string',
  resolve: (text) => text,
  stringify: (node) => quoteYaml(isScalar(node) ? String(node.value) : ''),
};

function newDocument(value: ManifestValue): Document {
  return new Document(value, {
    schema: 'failsafe',
    customTags: (tags) => tags.map((tag) => (isStringTag(tag) ? STRING : tag)),
    aliasDuplicateObjects: false,
  });
}

function isStringTag(tag: unknown): boolean {
  return typeof tag === 'object' && tag !== null && 'tag' in tag && tag.tag === STRING.tag;
}

function print(document: Document): string {
  return document.toString({ indentSeq: false, commentString: (comment) => comment });
}
