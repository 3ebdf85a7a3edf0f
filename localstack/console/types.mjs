// Types of what the API says, made of its document: target/console/api.d.ts has them as `Api.Batch` and so on.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';

const root = new URL('../../', import.meta.url);
const { components } = JSON.parse(readFileSync(new URL('docs/openapi.json', root), 'utf8'));

const PLAIN = { string: 'string', integer: 'number', number: 'number', boolean: 'boolean', null: 'null' };

/** The type of a schema, as far as the document uses JSON Schema. */
function type(schema) {
  if (schema.$ref) return schema.$ref.split('/').pop();
  if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(' | ');
  for (const [word, between] of [['oneOf', ' | '], ['anyOf', ' | '], ['allOf', ' & ']]) {
    if (schema[word]) return `(${schema[word].map(type).join(between)})`;
  }
  const kinds = [schema.type].flat().filter(Boolean);
  return kinds.map((kind) => {
    if (kind === 'array') return `(${type(schema.items || {})})[]`;
    if (kind !== 'object') return PLAIN[kind] || 'unknown';
    if (!schema.properties) return 'Record<string, any>';
    const needed = new Set(schema.required || []);
    const fields = Object.entries(schema.properties).map(([name, field]) => `${JSON.stringify(name)}${needed.has(name) ? '' : '?'}: ${type(field)};`);
    return `{ ${fields.join(' ')} }`;
  }).join(' | ') || 'any';
}

const types = Object.entries(components.schemas).map(([name, schema]) => `  type ${name} = ${type(schema)};`);
mkdirSync(new URL('target/console/', root), { recursive: true });
writeFileSync(new URL('target/console/api.d.ts', root), `declare namespace Api {\n${types.join('\n')}\n}\n`);
