"""Flows a second on one machine, of programs in turns: what rows, messages and outputs cost, as every asset is the sample
and is made once.

    cargo build --release --package assetmill
    python3 localstack/throughput.py target/release/assetmill [ANOTHER …] [--flows 3000] [--rounds 5]
"""

import argparse
import http.client
import json
import socket
import statistics
import subprocess
import tempfile
import time


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def ask(port, method, path, body=None):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        headers = {"content-type": "application/json"}
        connection.request(method, path, json.dumps(body) if body else None, headers)
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
    finally:
        connection.close()


def wait_until_ready(port):
    while True:
        try:
            if ask(port, "GET", "/health/ready")[0] == 200:
                return
        except OSError:
            time.sleep(0.01)


def run(program, flows):
    """How many flows a second, from the submission to the end of the batch."""
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        command = [program, "--listen", f"127.0.0.1:{port}", "--data", folder]
        running = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            wait_until_ready(port)
            url = f"http://127.0.0.1:{port}/samples/coffee.jpg"
            begun = time.perf_counter()
            status, started = ask(
                port, "POST", "/api/v2/transforms", {"digital_asset_urls": [url] * flows}
            )
            assert status == 202, started
            while True:
                _, batch = ask(port, "GET", f"/api/v2/batches/{started['batch_id']}")
                if batch["status"] != "RUNNING":
                    break
                time.sleep(0.02)
            took = time.perf_counter() - begun
            assert batch["counts"]["completed"] == flows, batch["counts"]
            return flows / took
        finally:
            running.kill()
            running.wait()


arguments = argparse.ArgumentParser(description=__doc__)
arguments.add_argument("programs", nargs="+")
arguments.add_argument("--flows", type=int, default=3000)
arguments.add_argument("--rounds", type=int, default=5)
given = arguments.parse_args()

rates = {program: [] for program in given.programs}
for _ in range(given.rounds):
    for program in given.programs:
        rates[program].append(run(program, given.flows))
first = statistics.median(rates[given.programs[0]])
for program, measured in rates.items():
    median = statistics.median(measured)
    print(
        f"{program}: median {median:.0f} flows a second of {given.rounds}"
        f" ({min(measured):.0f} to {max(measured):.0f}), {median / first:.2f} of the first"
    )
