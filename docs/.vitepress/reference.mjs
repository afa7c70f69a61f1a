// Writes the reference pages of configurations from their schemas: node docs/.vitepress/reference.mjs. A test sees that
// they are what this writes.
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import * as prettier from 'prettier';

const ROOT = new URL('../../', import.meta.url);

/** By page: its title, what it is of, and what is said first. */
export const REFERENCES = {
  aggregator: ['Configuration of an aggregator', service('aggregator', 'stream')],
  publisher: ['Configuration of a publisher', service('publisher', 'publisher')],
  auditor: ['Configuration of an auditor', service('auditor', 'auditor')],
  'leastwise-yaml': [
    'leastwise.yaml',
    "The team's choices, at the root of the GitOps repository: see [the publisher](../publisher.md#leastwiseyaml).",
  ],
};

function service(name, page) {
  return (
    `Every key of the YAML file is also a flag, \`--key.path=value\`, and a variable of the environment, ` +
    `\`LEASTWISE_${name.toUpperCase()}_KEY_PATH\`. [The page on it](../${page}.md) says what they are for; ` +
    `[\`leastwise config\`](../commands/config.md) checks and prints them.`
  );
}

/** A sentence is text: nothing in it is markup. */
const prose = (text) => cell(text.replaceAll(/[\\<*_[\]]/g, '\\$&'));
const cell = (text) => text.replaceAll('|', '\\|').replaceAll(/\s*\n\s*/g, ' ');
const code = (text) => (text === '' ? '' : `\`${cell(text)}\``);

function typeOf(schema) {
  if (schema.const !== undefined) return code(JSON.stringify(schema.const));
  if (schema.enum !== undefined) return schema.enum.map((each) => code(String(each))).join(', ');
  if (schema.anyOf !== undefined && schema.type === undefined) {
    return [...new Set(schema.anyOf.map(typeOf))].join(' or ');
  }
  switch (schema.type) {
    case 'array':
      return `list of ${typeOf(schema.items ?? {})}`;
    case 'object':
      return 'map';
    case 'string':
      if (schema.pattern?.includes('(?:ms|s|m|h|d)')) return 'duration, as `30s`';
      return schema.pattern?.includes('[GMK]iB') ? 'size, as `4MB`' : 'text';
    default:
      return rangeOf(schema);
  }
}

function rangeOf({ type, minimum, maximum }) {
  const isBounded = (bound) => bound !== undefined && Math.abs(bound) < Number.MAX_SAFE_INTEGER;
  const from = isBounded(minimum) ? ` from ${minimum}` : '';
  const to = isBounded(maximum) ? ` to ${maximum}` : '';
  return `${type === 'integer' ? 'whole number' : (type ?? 'anything')}${from}${to}`;
}

function defaultOf(schema) {
  const value = schema.default;
  if (value === undefined || (typeof value === 'object' && Object.keys(value).length === 0)) return '';
  return code(typeof value === 'string' ? value : JSON.stringify(value));
}

/** The keys below a schema with their dotted paths, `[]` for each of a list and `<name>` for each key of a map. */
function keysOf(schema, path = '') {
  const properties = Object.entries(schema.properties ?? {});
  return properties.flatMap(([name, child]) => {
    const at = path === '' ? name : `${path}.${name}`;
    const isGroup = child.type === 'object' && child.properties !== undefined;
    const own = isGroup && child.description === undefined ? [] : [{ path: at, schema: child }];
    return [...own, ...keysOf(child, at), ...innerOf(child, at)];
  });
}

function innerOf(schema, path) {
  if (schema.type === 'array') return keysOf(schema.items ?? {}, `${path}[]`);
  const { additionalProperties: each } = schema;
  return typeof each === 'object' && each !== null ? keysOf(each, `${path}.<name>`) : [];
}

/** The page of a schema. */
export async function referencePage(name) {
  const [title, lead] = REFERENCES[name];
  const file = `deploy/schema/${name}.schema.json`;
  const schema = JSON.parse(readFileSync(new URL(file, ROOT), 'utf8'));
  const rows = keysOf(schema).map(({ path, schema: each }) =>
    [code(path), typeOf(each), defaultOf(each), prose(each.description ?? '')].join(' | '),
  );
  const text = [
    `# ${title}`,
    lead,
    `Made from [${name}.schema.json](../../${file}), which editors know how to use.`,
    ['key | what | default | meaning', '--- | --- | --- | ---', ...rows]
      .map((row) => `| ${row} |`)
      .join('\n'),
  ].join('\n\n');
  const options = await prettier.resolveConfig(fileURLToPath(new URL('docs/reference/x.md', ROOT)));
  return prettier.format(`${text}\n`, { ...options, parser: 'markdown' });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const name of Object.keys(REFERENCES)) {
    writeFileSync(new URL(`docs/reference/${name}.md`, ROOT), await referencePage(name));
  }
}
