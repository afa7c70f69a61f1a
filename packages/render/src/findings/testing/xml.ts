/** An element of an XML document, with the text directly in it. */
export interface XmlElement {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly children: XmlElement[];
  text: string;
}

/** Everything that XML 1.0 can hold. */
const CHARACTERS = /^[\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]*$/u;
const TOKEN =
  /<\/(?<close>[a-z]+)>|<(?<open>[a-z]+)(?<attributes>(?: [a-z]+="[^"<]*")*)(?<empty>\/?)>|(?<text>[^<]+)/gy;
const ENTITIES = new Map([
  ['&amp;', '&'],
  ['&lt;', '<'],
  ['&gt;', '>'],
  ['&quot;', '"'],
  ['&apos;', "'"],
]);

function unescape(text: string): string {
  return text.replace(/&(?:[a-z]+;)?/g, (entity) => {
    const character = ENTITIES.get(entity);
    if (character === undefined) throw new Error(`no entity: ${text}`);
    return character;
  });
}

/**
 * Reads XML without comments, namespaces and types, which is all that a JUnit report needs.
 * @throws Error where it is not well-formed
 */
export function readXml(text: string): XmlElement {
  if (!CHARACTERS.test(text)) throw new Error('a character that XML has no place for');
  const head = '<?xml version="1.0" encoding="UTF-8"?>\n';
  if (!text.startsWith(head)) throw new Error('no declaration');
  const root: XmlElement = { name: '', attributes: {}, children: [], text: '' };
  const open = [root];
  TOKEN.lastIndex = head.length;
  while (TOKEN.lastIndex < text.length) {
    const at = TOKEN.lastIndex;
    const groups = TOKEN.exec(text)?.groups;
    const parent = open.at(-1);
    if (groups === undefined || parent === undefined) throw new Error(`not XML: ${text.slice(at, at + 80)}`);
    if (groups['text'] !== undefined) parent.text += unescape(groups['text']);
    else if (groups['open'] !== undefined) {
      const pairs = [...(groups['attributes'] ?? '').matchAll(/ ([a-z]+)="([^"]*)"/g)];
      const attributes = Object.fromEntries(pairs.map(([, key = '', value = '']) => [key, unescape(value)]));
      if (Object.keys(attributes).length < pairs.length) throw new Error('an attribute is there twice');
      const element: XmlElement = { name: groups['open'], attributes, children: [], text: '' };
      parent.children.push(element);
      if (groups['empty'] === '') open.push(element);
    } else if (open.pop()?.name !== groups['close'])
      throw new Error(`</${groups['close'] ?? ''}> closes nothing`);
  }
  const [document, second] = root.children;
  if (open.length > 1 || document === undefined || second !== undefined) throw new Error('no single root');
  return document;
}
