"""What one tenant notices of another, whose thousands of flows wait for a slow vendor: its batch of ten and its v1 call,
alone and beside them; the same where both wait at one vendor, for its rate or for a place; and beside searches through
thousands of batches, and batches of 10,000 that are submitted and cancelled.

    cargo build --release --package assetmill
    python3 localstack/fairness.py target/release/assetmill [--flows 20000] [--seconds 5]

With `--aws N`, so many programs share a queue and tables of AWS, or of what speaks its protocols (`AWS_ENDPOINT_URL`; after
`assetmill init`, and built with `--features aws`), and only the vendor that both wait at is measured.
"""

import argparse
import contextlib
import http.client
import itertools
import json
import multiprocessing
import pathlib
import socket
import statistics
import subprocess
import tempfile
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

ALICE, BOB = "alice-alice-alice-alice", "bob-bob-bob-bob-bob-bob"
CATALOGUE = """
default = "thumbnail"
[operations.thumbnail]
transform = "thumbnail"
summary = "Fits"
"""


def calling(name, port, more=""):
    """An operation that calls the vendor at this port."""
    return f"""
[operations.{name}]
summary = "A vendor"
{more}
[operations.{name}.vendor]
method = "POST"
url = "http://127.0.0.1:{port}/"
encoding = "raw"
asset = {{ as = "file" }}
result = {{ kind = "body" }}
"""


def vendor(seconds):
    """A vendor that answers what it was sent, after so long, and assets that all differ."""

    class Vendor(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            self.answer(self.path.encode())

        def do_POST(self):
            body = self.rfile.read(int(self.headers["content-length"]))
            time.sleep(seconds)
            self.answer(body)

        def answer(self, body):
            self.send_response(200)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Vendor)
    server.daemon_threads = True
    # At the end the program is killed, with what it had in flight.
    server.handle_error = lambda *_: None
    server.socket.listen(1024)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server.server_port


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def ask(port, key, method, path, body=None):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    headers = {"content-type": "application/json", "x-api-key": key}
    connection.request(method, path, json.dumps(body) if body else None, headers)
    answer = connection.getresponse()
    content = answer.read()
    connection.close()
    return answer.status, content


def batch(port, key, urls, **more):
    status, started = ask(port, key, "POST", "/api/v2/transforms", {"digital_asset_urls": urls, **more})
    assert status == 202, started
    return "/api/v2/batches/" + json.loads(started)["batch_id"]


def batch_of_ten(port, urls, **more):
    begun = time.perf_counter()
    path = batch(port, BOB, urls, **more)
    while json.loads(ask(port, BOB, "GET", path)[1])["status"] == "RUNNING":
        time.sleep(0.005)
    return time.perf_counter() - begun


def single(port, url, **more):
    begun = time.perf_counter()
    status, content = ask(port, BOB, "POST", "/api/v1/transform", {"digital_asset_url": url, **more})
    assert status == 200, content
    return time.perf_counter() - begun


def measure(port, url, sizes):
    """Each is other work: what was made before is not made again."""

    def params():
        size = next(sizes)
        return {"width": size, "height": size}

    batches = [batch_of_ten(port, [url] * 10, params=params()) for _ in range(10)]
    singles = [single(port, url, params=params()) for _ in range(20)]
    return statistics.median(batches), statistics.median(singles)


def measure_at(port, assets, operation):
    """At the vendor of this operation: batches, and v1 calls, one after the other."""
    tens = [batch_of_ten(port, [next(assets) for _ in range(10)], operation=operation) for _ in range(3)]
    singles = [single(port, next(assets), operation=operation) for _ in range(5)]
    return statistics.median(tens), statistics.median(singles)


def measure_at_one_vendor(port, assets):
    for operation in ("rated", "placed"):
        alone = measure_at(port, assets, operation)
        of_alice = batch(port, ALICE, [next(assets) for _ in range(1_000)], operation=operation)
        time.sleep(10)
        tell(f"at the same vendor, {operation}", alone, measure_at(port, assets, operation))
        ask(port, ALICE, "POST", f"{of_alice}/cancel")


def search(port, number):
    while True:
        ask(port, ALICE, "GET", "/api/v2/batches?name=no-batch-has-this")


def submit_and_cancel(port, number):
    for time_of in itertools.count():
        urls = [f"http://10.0.0.1/{number}/{time_of}/{place}" for place in range(10_000)]
        ask(port, ALICE, "POST", batch(port, ALICE, urls) + "/cancel")


@contextlib.contextmanager
def doing(work, times, port):
    """So many of them at the same time, each in a process of its own."""
    working = [multiprocessing.Process(target=work, args=(port, number), daemon=True) for number in range(times)]
    for process in working:
        process.start()
    time.sleep(2)
    try:
        yield
    finally:
        for process in working:
            process.kill()
            process.join()


def measure_at_the_database(port, url, sizes, alone):
    for number in range(4_000):
        batch(port, ALICE, [f"http://10.0.0.1/{number}"])
    for what, work, times in (("32 searches", search, 32), ("4 that submit and cancel", submit_and_cancel, 4)):
        with doing(work, times, port):
            tell(what, alone, measure(port, url, sizes))


def until_ready(port):
    while True:
        try:
            if ask(port, BOB, "GET", "/health/ready")[0] == 200:
                return
        except OSError:
            pass
        time.sleep(0.01)


def tell(where, alone, beside):
    for what, before, now in zip(("batch of ten", "v1"), alone, beside):
        print(f"{where}, {what}: {before * 1e3:.0f} ms alone, {now * 1e3:.0f} beside: {now / before:.2f} times", flush=True)


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("program")
    arguments.add_argument("--flows", type=int, default=20_000)
    arguments.add_argument("--seconds", type=float, default=5)
    arguments.add_argument("--aws", type=int, default=0, metavar="N")
    given = arguments.parse_args()
    ports, sizes = [free_port() for _ in range(given.aws or 1)], itertools.count(100)
    with tempfile.TemporaryDirectory() as folder:
        catalogue = pathlib.Path(folder, "operations.toml")
        slow = vendor(given.seconds)
        rated = calling("rated", vendor(0), 'limits = { rate = "60/min", burst = 1 }')
        # Of a second each.
        placed = calling("placed", vendor(1), "limits = { concurrency = 4 }")
        catalogue.write_text(CATALOGUE + calling("slow", slow) + rated + placed)
        command = [given.program, "--operations", str(catalogue), "--vendor-allow", "127.0.0.1"]
        command += ["--fetch-allow", "127.0.0.1", "--api-keys", f"alice:{ALICE},bob:{BOB}"]
        command += ["--aws"] if given.aws else ["--data", f"{folder}/data"]
        running = [
            subprocess.Popen(
                [*command, "--listen", f"127.0.0.1:{port}"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
            )
            for port in ports
        ]
        try:
            for port in ports:
                until_ready(port)
            port = ports[0]
            # No two runs ask for the same, where something is left of the one before.
            assets = (f"http://127.0.0.1:{slow}/assets/{time.time_ns()}-{number}" for number in itertools.count())
            measure_at_one_vendor(port, assets)
            if given.aws:
                return
            url = f"http://127.0.0.1:{port}/samples/coffee.jpg"
            alone = measure(port, url, sizes)
            measure_at_the_database(port, url, sizes, alone)
            for first in range(0, given.flows, 10_000):
                number = min(10_000, given.flows - first)
                batch(port, ALICE, [next(assets) for _ in range(number)], operation="slow")
            # Until as many of them wait for the vendor as may.
            time.sleep(2 * given.seconds)
            tell("elsewhere", alone, measure(port, url, sizes))
        finally:
            for program in running:
                program.kill()
                program.wait()


main()
