"""Flows a second on one machine, of programs in turns and of sizes in turns: what rows, messages and outputs cost, as every
asset is the sample and is made once.

    cargo build --release --package assetmill
    python3 localstack/throughput.py target/release/assetmill [ANOTHER …] [--flows 1000 100000] [--rounds 5]
"""

import argparse
import http.client
import json
import os
import socket
import statistics
import subprocess
import tempfile
import time

LARGEST_BATCH = 10_000
TICKS = os.sysconf("SC_CLK_TCK")


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


def run_batches(port, flows):
    """Submits batches of so many flows together, and waits for the last of them."""
    url = f"http://127.0.0.1:{port}/samples/coffee.jpg"
    batches = []
    for begun in range(0, flows, LARGEST_BATCH):
        size = min(LARGEST_BATCH, flows - begun)
        body = {"digital_asset_urls": [url] * size}
        status, started = ask(port, "POST", "/api/v2/transforms", body)
        assert status == 202, started
        batches.append((started["batch_id"], size))
    for batch_id, size in batches:
        while (batch := ask(port, "GET", f"/api/v2/batches/{batch_id}")[1])["status"] == "RUNNING":
            time.sleep(0.02)
        assert batch["counts"]["completed"] == size, batch["counts"]


def cpu_seconds(process):
    with open(f"/proc/{process}/stat") as stat:
        fields = stat.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def peak_mib(process):
    with open(f"/proc/{process}/status") as status:
        [peak] = [line for line in status if line.startswith("VmHWM")]
    return int(peak.split()[1]) // 1024


def run(program, flows):
    """Microseconds for each flow, of the clock and of CPU, from the submission to the end; and the peak of memory."""
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        command = [program, "--listen", f"127.0.0.1:{port}", "--data", folder]
        running = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            wait_until_ready(port)
            run_batches(port, 1)
            begun, cpu = time.perf_counter(), cpu_seconds(running.pid)
            run_batches(port, flows)
            took = time.perf_counter() - begun
            cpu = cpu_seconds(running.pid) - cpu
            return took / flows * 1e6, cpu / flows * 1e6, peak_mib(running.pid)
        finally:
            running.kill()
            running.wait()


arguments = argparse.ArgumentParser(description=__doc__)
arguments.add_argument("programs", nargs="+")
arguments.add_argument("--flows", type=int, nargs="+", default=[3000])
arguments.add_argument("--rounds", type=int, default=5)
given = arguments.parse_args()

turns = [(program, flows) for flows in given.flows for program in given.programs]
runs = {turn: [] for turn in turns}
for _ in range(given.rounds):
    for turn in turns:
        runs[turn].append(run(*turn))
first = statistics.median(took for took, _, _ in runs[turns[0]])
for (program, flows), measured in runs.items():
    took, cpu, peak = (statistics.median(values) for values in zip(*measured))
    print(
        f"{program}, {flows} flows: {1e6 / took:.0f} a second, {took:.0f} µs each ({took / first:.2f} of the first),"
        f" {cpu:.0f} µs of CPU, peak {peak:.0f} MiB; medians of {given.rounds}"
    )
