import { createHash } from 'node:crypto';

import { escapeInvisible } from '../../escape-invisible.ts';
import { InvariantError } from '../../invariant-error.ts';

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/**
 * Text of unknown origin as text of HTML, for elements and for quoted attributes: nothing in it begins a tag, an entity
 * or the end of an attribute; what is invisible is shown by its number.
 * @see https://html.spec.whatwg.org/multipage/syntax.html
 */
export function escapeHtml(text: string): string {
  return escapeInvisible(text).replace(/[&<>"']/g, (character) => ENTITIES[character] ?? '');
}

/** The source that a Content-Security-Policy allows for one inline style sheet or script: a hash of its very text. */
export function cspHash(content: string): string {
  return `'sha256-${createHash('sha256').update(content).digest('base64')}'`;
}

const SHAPES = /^(?:svg|g|path|rect|text|tspan|line|circle|title|desc|defs|clipPath)$/;
/** One tag: its name, and its attributes with their values. */
const TAG = /<\/?([A-Za-z]\w*)((?:\s+[\w:-]+="[^"<]*")*)\s*\/?>/g;
const ATTRIBUTE = /([\w:-]+)="([^"]*)"/g;
/** Handlers, links, styles of its own, and whatever else could load something. */
const ACTIVE_NAME = /^(?:on.*|(?:xlink:)?href|src|style)$/i;
const PAINT = /^(?:fill|stroke|clip-path|mask|filter|cursor)$/;

/** Why an SVG drawing is more than shapes and texts, `undefined` where it is not. */
function activeIn(svg: string): string | undefined {
  for (const [, name = '', attributes = ''] of svg.matchAll(TAG)) {
    if (!SHAPES.test(name)) return name;
    for (const [, attribute = '', value = ''] of attributes.matchAll(ATTRIBUTE)) {
      if (ACTIVE_NAME.test(attribute)) return attribute;
      if (PAINT.test(attribute) && /url\(\s*(?!#)/i.test(value)) return value;
    }
  }
  // What is left of it is text, or no well-formed tag.
  return svg.replace(TAG, '').includes('<') ? 'a tag that is none' : undefined;
}

/**
 * Makes sure that an SVG drawing shows and does nothing: a page takes it as it is. Names of people stand in its texts
 * and labels, and may read like anything.
 * @throws InvariantError if it holds anything but shapes and texts
 */
export function inertSvg(svg: string): string {
  const active = svg.startsWith('<svg') ? activeIn(svg) : 'no <svg>';
  if (active !== undefined) throw new InvariantError(`a chart holds more than shapes and texts: ${active}`);
  return svg;
}
