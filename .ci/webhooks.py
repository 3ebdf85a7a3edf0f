"""Starts a program, and is an endpoint of it: what comes is verified by the official library."""

import json
import queue
import re
import subprocess
import sys
import tempfile
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.request import Request, urlopen

from standardwebhooks import Webhook, WebhookVerificationError

came = queue.Queue()


class Endpoint(BaseHTTPRequestHandler):
    def do_POST(self):
        came.put((dict(self.headers), self.rfile.read(int(self.headers["content-length"]))))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_):
        pass


def post(url, body):
    request = Request(url, json.dumps(body).encode(), {"content-type": "application/json"})
    with urlopen(request) as answer:
        return json.load(answer)


endpoint = HTTPServer(("127.0.0.1", 0), Endpoint)
threading.Thread(target=endpoint.serve_forever, daemon=True).start()
address = f"127.0.0.1:{endpoint.server_port}"
with tempfile.TemporaryDirectory() as folder:
    command = [sys.argv[1], "--listen", "127.0.0.1:0", "--data", folder, "--fetch-allow", address]
    program = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        url = next(found[1] for line in program.stdout if (found := re.match(r" *API +(\S+)", line)))
        new = {"url": f"http://{address}/hook", "events": ["batch.completed"]}
        made = post(f"{url}api/v2/webhooks", new)
        rotated = post(f"{url}api/v2/webhooks/{made['webhook_id']}/rotate", {})
        secrets = made["secret"], rotated["secret"]
        batch = {"digital_asset_urls": [f"{url}samples/coffee.jpg"], "name": "übung"}
        started = post(f"{url}api/v2/transforms", batch)
        headers, body = came.get(timeout=60)
    finally:
        program.terminate()
        program.wait()

assert secrets[0] != secrets[1]
for webhook in map(Webhook, secrets):
    data = webhook.verify(body, headers)["data"]
assert data["batch_id"] == started["batch_id"], data
assert data["name"] == "übung", data
for changed in (body.replace(b"COMPLETED", b"FAILED"), body + b" "):
    try:
        webhook.verify(changed, headers)
    except WebhookVerificationError:
        continue
    sys.exit("what was changed is verified")
print("verified:", json.dumps(data, ensure_ascii=False))
