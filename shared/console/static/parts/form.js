// A form made of a JSON Schema, as operations have one for their parameters.
import { html } from '../vendor/htm-preact.js';
import { count } from '../format.js';

/** What a field's text means; empty is left to the default. @param {any} schema @param {string} text */
function valueOf(schema, text) {
  if (text === '') return undefined;
  if (schema.type === 'integer' || schema.type === 'number') return Number.isFinite(Number(text)) ? Number(text) : text;
  return text;
}

/** @param {any} schema */
function hint(schema) {
  const { minimum, maximum, maxLength } = schema;
  const range = minimum !== undefined && maximum !== undefined ? `${count(minimum)} to ${count(maximum)}`
    : minimum !== undefined ? `${count(minimum)} or more` : maximum !== undefined ? `up to ${count(maximum)}` : '';
  return [range, maxLength && maxLength < 10_000 && `up to ${count(maxLength)} characters`].filter(Boolean).join(', ');
}

/** @param {{name: string, schema: any, value: any, error?: string, set: (value: any) => void}} props */
function Field({ name, schema, value, error, set }) {
  const id = `param-${name}`;
  const notes = [hint(schema), schema.description].filter(Boolean).join(' · ');
  const shared = { id, 'aria-describedby': `${id}-hint`, 'aria-invalid': error ? 'true' : undefined };
  const none = schema.default === undefined ? 'not set' : String(schema.default);
  let control;
  if (schema.type === 'boolean') {
    control = html`<input type="checkbox" ...${shared} checked=${value ?? schema.default ?? false} onChange=${(event) => set(event.target.checked)} />`;
  } else if (schema.enum) {
    control = html`<select ...${shared} value=${value ?? schema.default ?? ''} onChange=${(event) => set(event.target.value || undefined)}>
      ${schema.default === undefined && html`<option value="">not set</option>`}
      ${schema.enum.map((choice) => html`<option key=${choice} value=${choice}>${choice}</option>`)}</select>`;
  } else if (schema.type === 'integer' || schema.type === 'number') {
    control = html`<input type="number" ...${shared} min=${schema.minimum} max=${schema.maximum} step=${schema.type === 'integer' ? 1 : 'any'}
      value=${value ?? ''} placeholder=${none} onInput=${(event) => set(valueOf(schema, event.target.value))} />`;
  } else {
    control = html`<input type="text" ...${shared} maxlength=${schema.maxLength} pattern=${schema.pattern}
      value=${value ?? ''} placeholder=${none} onInput=${(event) => set(valueOf(schema, event.target.value))} />`;
  }
  return html`<div class="field"><label for=${id}>${name}</label>${control}
    <small id=${`${id}-hint`} class="quiet">${error && html`<span class="failed-text">✕ ${error} </span>`}${notes}</small></div>`;
}

/** @param {{schema: any, values: any, errors: Record<string, string>, change: (values: any) => void}} props */
export function SchemaForm({ schema, values, errors, change }) {
  const fields = Object.entries(schema.properties || {});
  if (!fields.length) return html`<p class="quiet">It has no parameters.</p>`;
  return html`<div class="fields">${fields.map(([name, field]) => html`<${Field} key=${name} name=${name} schema=${field} value=${values[name]} error=${errors[name]}
    set=${(value) => change({ ...values, [name]: value })} />`)}</div>`;
}
