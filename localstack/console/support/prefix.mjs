// A gateway that serves another service below a prefix.
import { createServer, request as send } from 'node:http';

/** @param {string} url of the service @param {string} prefix such as `/some/prefix` */
export async function below(url, prefix) {
  const target = new URL(url);
  const gateway = createServer((asked, answer) => {
    const path = asked.url.startsWith(`${prefix}/`) ? asked.url.slice(prefix.length) : '/nowhere';
    const headers = { ...asked.headers, host: target.host };
    asked.pipe(send({ host: '127.0.0.1', port: target.port, path, method: asked.method, headers }, (got) => {
      answer.writeHead(got.statusCode, got.headers);
      got.pipe(answer);
    }));
  });
  await new Promise((ready) => { gateway.listen(0, '127.0.0.1', () => ready(undefined)); });
  const { port } = /** @type {import('node:net').AddressInfo} */ (gateway.address());
  return {
    url: `http://127.0.0.1:${port}${prefix}/`,
    close() { gateway.closeAllConnections(); gateway.close(); },
  };
}
