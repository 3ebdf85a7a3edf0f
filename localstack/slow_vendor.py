"""A vendor that takes its time, the operations of a catalogue that call it, and the assets that it is called with."""

import hashlib
import json
import struct
import sys
import threading
import time
import zlib
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

# Compiled into the functions with the catalogue: with one of its own, each run would have to compile them.
VENDOR = "127.0.0.1:9417"


@dataclass(frozen=True)
class Operation:
    """An operation of the catalogue, and what its flows have to end as."""

    kind: str
    seconds: int
    timeout: int
    ends: str = "COMPLETED"

    @property
    def name(self):
        return f"{self.kind}-{self.seconds}-of-{self.timeout}"


# A vendor that may take 120 s is left to the worker; one that may take 15 s is called while the caller waits. A job is
# asked about until it is done; a link is answered late with a URL, at which the result is as late again.
OPERATIONS = [
    Operation("slow", 10, 15),
    Operation("slow", 30, 15, "FAILED"),
    Operation("slow", 30, 21, "FAILED"),
    Operation("slow", 10, 120),
    Operation("slow", 30, 120),
    Operation("slow", 60, 120),
    Operation("slow", 300, 120, "FAILED"),
    Operation("link", 14, 15),
    Operation("job", 30, 15),
    Operation("job", 300, 15),
    Operation("job", 30, 120),
    Operation("job", 300, 120),
]


def catalogue():
    text = f'default = "{OPERATIONS[0].name}"\n'
    for operation in OPERATIONS:
        table = f"operations.{operation.name}"
        text += f"""
[{table}]
summary = "Gives back an asset after {operation.seconds} s"
paid = true

[{table}.vendor]
method = "POST"
url = "http://{VENDOR}/{operation.kind}/{operation.seconds}"
encoding = "raw"
asset = {{ as = "file" }}
timeout_seconds = {operation.timeout}
"""
        if operation.kind == "job":
            text += """job_timeout_seconds = 600
then = { url = "{answer:/status_url}", until = { at = "/status", is = ["done"] }, every_seconds = 5 }
"""
        place = '"body"' if operation.kind == "slow" else '"url", at = "/result_url"'
        text += f"result = {{ kind = {place} }}\n"
    return text


def picture(comment):
    """A PNG of one pixel, unlike all others: equal work would be paid for once anyhow."""

    def chunk(kind, content):
        check = zlib.crc32(kind + content)
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", check)

    header = struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"tEXt", b"Comment\0" + comment.encode())]
    chunks += [(b"IDAT", zlib.compress(b"\0\0")), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*one) for one in chunks)


class Vendor(ThreadingHTTPServer):
    """Gives assets out, and gives what is sent to it back, late. Counts what it would have charged for."""

    request_queue_size = 128

    def __init__(self, assets):
        """Gives out these, by name."""
        address, port = VENDOR.split(":")
        super().__init__((address, int(port)), VendorHandler)
        self.assets = assets
        self.lock = threading.Lock()
        self.calls = {}
        self.jobs = {}

    def handle_error(self, *_):
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(*_)

    def charge(self, asset):
        with self.lock:
            self.calls[asset] = self.calls.get(asset, 0) + 1


class VendorHandler(BaseHTTPRequestHandler):
    def do_GET(self):
        kind, name = self.path[1:].split("/")
        if kind == "assets":
            self.answer(self.server.assets[name], "image/png")
            return
        asset, done, late = self.server.jobs[name]
        if kind == "results":
            time.sleep(late)
            self.answer(asset, "image/png")
        else:
            self.tell(name, "done" if time.monotonic() >= done else "busy")

    def do_POST(self):
        kind, seconds = self.path[1:].split("/")
        asset = self.rfile.read(int(self.headers["content-length"]))
        self.server.charge(asset)
        name = hashlib.sha256(asset).hexdigest()
        if kind == "job":
            self.server.jobs[name] = (asset, time.monotonic() + int(seconds), 0)
            self.tell(name, "busy")
            return
        time.sleep(int(seconds))
        if kind == "link":
            self.server.jobs[name] = (asset, 0, int(seconds))
            self.tell(name, "done")
        else:
            self.answer(asset, "image/png")

    def tell(self, name, status):
        told = {
            "status": status,
            "status_url": f"http://{VENDOR}/jobs/{name}",
            "result_url": f"http://{VENDOR}/results/{name}",
        }
        self.answer(json.dumps(told).encode(), "application/json")

    def answer(self, body, media_type):
        self.send_response(200)
        self.send_header("content-type", media_type)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass
