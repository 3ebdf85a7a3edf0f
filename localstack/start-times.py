"""How long the program takes from its start to its first 200 at /health/ready, on an empty folder.

    cargo build --release --package assetmill && python3 localstack/start-times.py
"""

import http.client
import socket
import subprocess
import tempfile
import time

STARTS = 21


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def is_ready(port):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=1)
    try:
        connection.request("GET", "/health/ready")
        return connection.getresponse().status == 200
    except OSError:
        return False


def start():
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        command = ["target/release/assetmill", "--listen", f"127.0.0.1:{port}", "--data", folder]
        begun = time.perf_counter()
        program = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while not is_ready(port):
            pass
        took = time.perf_counter() - begun
        program.kill()
        program.wait()
    return took * 1000


times = sorted(start() for _ in range(STARTS))
print(f"start to ready: median {times[STARTS // 2]:.0f} ms, slowest {times[-1]:.0f} ms of {STARTS}")
