// What the program is led to: an origin of assets that is ill at first, and a vendor that refuses in an ugly way.
import { createServer } from 'node:http';
import { readFileSync } from 'node:fs';

const PHOTO = readFileSync(new URL('../../samples/coffee.jpg', import.meta.url));

/** What would run, if anything of what others wrote were taken for HTML. */
export const PLANTED = '<img src=x onerror="window.planted=1">';

/** What a vendor saw in a picture; its number is more than JavaScript counts to. */
const SEEN = `{"tags":["cup",${JSON.stringify(PLANTED)}],"id":12345678901234567890,"none":{}}`;

/**
 * Serves `/ill/…` (404 until `heal()`), `/slow/…` (no end), vendors that refuse at `/vendor` and, for one reason and the
 * other in turns, `/moody`, one that answers a text at `/tags`, endpoints at `/hook` (503 until `hear()`), `/moved` and
 * `/gone`, and the photo at any other path.
 */
export async function serve() {
  let ill = true;
  let dark = false;
  let deaf = true;
  /** @type {Set<import('node:http').ServerResponse>} */
  const slow = new Set();
  const server = createServer((request, answer) => {
    request.resume();
    if (request.url.startsWith('/slow/')) { slow.add(answer); return; }
    if (request.url.startsWith('/ill/') && ill) { answer.writeHead(404).end(); return; }
    if (request.url === '/vendor') {
      answer.writeHead(422, { 'content-type': 'application/json' }).end(JSON.stringify({ message: `refused ${PLANTED}` }));
      return;
    }
    if (request.url === '/moody') {
      dark = !dark;
      answer.writeHead(422, { 'content-type': 'application/json' }).end(JSON.stringify({ message: dark ? 'it is too dark' : 'it is too small' }));
      return;
    }
    if (request.url === '/hook') { answer.writeHead(deaf ? 503 : 200).end(deaf ? `out of order ${PLANTED}` : 'thank you'); return; }
    if (request.url === '/moved') { answer.writeHead(301, { location: 'https://example.com/new' }).end(); return; }
    if (request.url === '/gone') { answer.writeHead(410).end(); return; }
    if (request.url === '/tags') { answer.writeHead(200, { 'content-type': 'application/json' }).end(SEEN); return; }
    answer.writeHead(200, { 'content-type': 'image/jpeg' }).end(PHOTO);
  });
  await new Promise((ready) => { server.listen(0, '127.0.0.1', () => ready(undefined)); });
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
  return {
    host: `127.0.0.1:${port}`,
    url: `http://127.0.0.1:${port}/`,
    heal() { ill = false; },
    hear() { deaf = false; },
    close() { for (const answer of slow) answer.destroy(); server.closeAllConnections(); server.close(); },
  };
}

/** A catalogue with the vendor in it. */
export function catalogue(url) {
  return `default = "thumbnail"
[operations.thumbnail]
transform = "thumbnail"
summary = "Fits a picture into a box"
[operations.resize]
transform = "resize"
summary = "Brings a picture to a size"
[operations.convert]
transform = "convert"
summary = "Writes a picture as JPEG, PNG, WebP or AVIF"
[operations.refused]
summary = "Is refused by a vendor"
[operations.refused.vendor]
method = "POST"
url = "${url}vendor"
encoding = "raw"
asset = { as = "file" }
result = { kind = "body" }
error = { message = "/message" }
[operations.moody]
summary = "Is refused for one reason and the other, in turns"
[operations.moody.vendor]
method = "POST"
url = "${url}moody"
encoding = "raw"
asset = { as = "file" }
result = { kind = "body" }
error = { message = "/message" }
[operations.tags]
summary = "Says what is seen"
[operations.tags.vendor]
method = "POST"
url = "${url}tags"
encoding = "raw"
asset = { as = "file" }
result = { kind = "body" }
[operations.lacking]
summary = "Lacks a key"
[operations.lacking.vendor]
method = "POST"
url = "${url}vendor"
headers = { "X-Api-Key" = "{env:ASSETMILL_NOBODY_SET_THIS}" }
encoding = "raw"
asset = { as = "file" }
result = { kind = "body" }
`;
}
