// The results of a batch as a file, made of the JSON API's pages.
import { ask } from './api.js';

const COLUMNS = ['index', 'flow_id', 'state', 'digital_asset_url', 'result_url', 'media_type', 'bytes', 'sha256', 'code', 'message', 'attempts', 'settled_at'];

/** @param {Api.Flow} flow */
function cells(flow) {
  const { result, error } = flow;
  return [flow.index, flow.flow_id, flow.state, flow.digital_asset_url, result?.url, result?.media_type, result?.bytes, result?.sha256, error?.code, error?.message, flow.attempts, flow.settled_at];
}

/** As RFC 4180 has it; what a spreadsheet would take for a formula is made a text. @param {any} value */
export function cell(value) {
  const text = value === undefined || value === null ? '' : String(value);
  const plain = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(plain) ? `"${plain.replaceAll('"', '""')}"` : plain;
}

/**
 * @param {string} id of the batch @param {'csv' | 'ndjson'} kind @param {Record<string, any>} filters
 * @param {(done: number) => void} progress
 */
export async function download(id, kind, filters, progress) {
  const lines = kind === 'csv' ? [`${COLUMNS.join(',')}\r\n`] : [];
  let cursor;
  let done = 0;
  do {
    const page = await ask(`api/v2/batches/${id}`, { query: { ...filters, limit: 1000, cursor } });
    for (const flow of page.flows) {
      lines.push(kind === 'csv' ? `${cells(flow).map(cell).join(',')}\r\n` : `${JSON.stringify(flow)}\n`);
    }
    done += page.flows.length;
    progress(done);
    cursor = page.next_cursor;
  } while (cursor);
  const file = URL.createObjectURL(new Blob(lines, { type: kind === 'csv' ? 'text/csv' : 'application/x-ndjson' }));
  const link = document.createElement('a');
  link.href = file;
  link.download = `batch-${id}.${kind}`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(file), 60_000);
}
