type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };
type Schema = boolean | { readonly [key: string]: Json };
type Check = (wanted: Json, value: Json, schema: { readonly [key: string]: Json }) => boolean;

function isObject(value: Json): value is { readonly [key: string]: Json } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isType(type: Json, value: Json): boolean {
  switch (type) {
    case 'array':
      return Array.isArray(value);
    case 'object':
      return isObject(value);
    case 'integer':
      return Number.isInteger(value);
    default:
      return typeof value === type;
  }
}

const all = (schemas: Json): Schema[] => schemas as Schema[];

/** The keywords that the schema uses. A type that a keyword is not for satisfies it. */
const CHECKS: Readonly<Record<string, Check>> = {
  type: isType,
  const: (wanted, value) => value === wanted,
  enum: (wanted, value) => (wanted as Json[]).includes(value),
  pattern: (wanted, value) => typeof value !== 'string' || new RegExp(wanted as string, 'u').test(value),
  minimum: (wanted, value) => typeof value !== 'number' || value >= (wanted as number),
  maximum: (wanted, value) => typeof value !== 'number' || value <= (wanted as number),
  minItems: (wanted, value) => !Array.isArray(value) || value.length >= (wanted as number),
  items: (wanted, value) =>
    !Array.isArray(value) || (value as Json[]).every((item) => isValid(wanted as Schema, item)),
  required: (wanted, value) =>
    !isObject(value) || (wanted as string[]).every((key) => Object.hasOwn(value, key)),
  properties: (wanted, value) =>
    !isObject(value) ||
    Object.entries(wanted as Record<string, Schema>).every(
      ([key, schema]) => !Object.hasOwn(value, key) || isValid(schema, value[key] ?? null),
    ),
  propertyNames: (wanted, value) =>
    !isObject(value) || Object.keys(value).every((key) => isValid(wanted as Schema, key)),
  additionalProperties: (wanted, value, { properties }) =>
    !isObject(value) ||
    Object.entries(value).every(
      ([key, each]) => Object.hasOwn((properties ?? {}) as object, key) || isValid(wanted as Schema, each),
    ),
  anyOf: (wanted, value) => all(wanted).some((schema) => isValid(schema, value)),
  oneOf: (wanted, value) => all(wanted).filter((schema) => isValid(schema, value)).length === 1,
  $schema: () => true,
  title: () => true,
  description: () => true,
  default: () => true,
};

/**
 * Whether a JSON Schema takes a value: the few keywords that ours has, by the letter of the standard.
 * @throws Error at a keyword that is not known here
 * @see https://json-schema.org/draft/2020-12/json-schema-validation
 */
export function isValid(schema: Schema, value: Json): boolean {
  if (typeof schema === 'boolean') return schema;
  return Object.entries(schema).every(([keyword, wanted]) => {
    const check = CHECKS[keyword];
    if (check === undefined) throw new Error(`the keyword ${keyword} is not known here`);
    return check(wanted, value, schema);
  });
}
