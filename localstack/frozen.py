"""Proves that a slow vendor is called once for each asset, whatever becomes of who called it: vendors that take 10 to
300 seconds, asked for by v1, on one machine and of functions that are frozen as soon as they answered.

    python3 localstack/frozen.py

Takes some six minutes after the build: the seconds are real. Installs its tools into target/tools and builds the
functions and the program, with a catalogue of its own, from the root of the workspace. Fails if any count is not one.
"""

import contextlib
import json
import os
import re
import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from lambda_emulator import Function, free_port, front, request, wait_until_open
from slow_vendor import OPERATIONS, VENDOR, Operation, Vendor, catalogue, picture

ROOT = Path(__file__).resolve().parent.parent
WORK = ROOT / "target/frozen"
KEY = "example-key-of-nobody"

# As in template.yaml: how long functions may run, and how long a worker holds a flow.
API_TIMEOUT, WORKER_TIMEOUT, WORKER_LEASE = 29, 180, 200
# The lease of a flow that the function api took up, and some time in which a worker would take it up then.
LEASE_OF_API, TAKEN_UP = 35, 10
# As many as calls that are waited for at the same time: each takes a worker for minutes.
WORKERS = 8
SETTLED_WITHIN = 480


@dataclass
class Case:
    """One flow: where it runs, what it asks for, and what became of it."""

    where: str
    operation: Operation
    flow_id: str = ""
    answered: int = 0
    took: float = 0.0
    settled_after: float = 0.0
    state: str = ""
    unconfirmed: int = 0
    function: Function | None = None
    ask: Callable[[], None] | None = None

    def __post_init__(self):
        self.name = f"{self.where.replace(' ', '-')}-{self.operation.name}"
        self.asset = picture(self.name)

    def url(self):
        return f"http://{VENDOR}/assets/{self.name}"


def event(name, path=None, body=None):
    """An event of `events/`, of another path or with another body."""
    made = json.loads((ROOT / f"events/{name}.json").read_text())
    if path:
        made["rawPath"] = made["requestContext"]["http"]["path"] = path
        made["pathParameters"] = {"flow_id": path.rsplit("/", 1)[1]}
    if body:
        made["body"] = body
        made["headers"]["content-length"] = str(len(body))
    return made


def transform(case, send):
    """Asks v1, and notes when and how it answered."""
    body = json.dumps({"digital_asset_url": case.url(), "operation": case.operation.name})
    begun = time.monotonic()
    status, headers, answer = send(body)
    case.took = time.monotonic() - begun
    case.answered = status
    headers = {name.lower(): value for name, value in headers.items()}
    told = re.search(rb"/transforms/([0-9a-f-]{36})", answer) or re.search(rb'"flow_id": ?"([0-9a-f-]{36})"', answer)
    case.flow_id = headers.get("assetmill-flow-id") or (told[1].decode() if told else "")
    if not case.flow_id:
        raise SystemExit(f"{case.name}: v1 named no flow: {status} {answer[:500]}")


def serve(stack, server):
    """Has a server answer until the end of the run. Its port."""
    threading.Thread(target=server.serve_forever, daemon=True).start()
    stack.callback(server.shutdown)
    return server.server_address[1]


def program(stack, name, command, environment=None, port=None):
    """Runs a program until the end of the run."""
    environment = {**os.environ, **(environment or {})}
    with (WORK / f"{name}.log").open("wb") as lines:
        process = subprocess.Popen(command, env=environment, stdout=lines, stderr=subprocess.STDOUT)
    stack.callback(process.wait)
    stack.callback(process.kill)
    if port:
        wait_until_open(port, process)


def build():
    """What is run, out of the way of other builds."""
    WORK.mkdir(parents=True, exist_ok=True)
    file = WORK / "operations.toml"
    if not file.exists() or file.read_text() != catalogue():
        file.write_text(catalogue())
    subprocess.run(["bash", "-euc", ". .ci/tools && install_tools"], cwd=ROOT, check=True)
    environment = {**os.environ, "ASSETMILL_OPERATIONS": str(file.relative_to(ROOT))}
    # Not `assetmill/aws`: its dev-dependency on itself would have that, and the program would not.
    command = ["cargo", "build", "--workspace", "--features", "aws", "--locked"]
    subprocess.run(command, cwd=ROOT, env=environment, check=True)
    for name in ["api", "results", "worker", "janitor", "assetmill"]:
        shutil.copy2(ROOT / "target/debug" / name, WORK / name)


def one_machine(stack, cases):
    """Asks the program, with everything in a folder."""
    port = free_port()
    folder = stack.enter_context(tempfile.TemporaryDirectory())
    command = [str(WORK / "assetmill"), "--listen", f"127.0.0.1:{port}", "--data", folder]
    command += ["--operations", str(WORK / "operations.toml"), "--workers", "32"]
    command += ["--fetch-allow", VENDOR, "--vendor-allow", VENDOR]
    program(stack, "assetmill", command, port=port)

    def send(body):
        return request(port, "POST", "/api/v1/transform", body, {"content-type": "application/json"})

    def read(case):
        return json.loads(request(port, "GET", f"/api/v2/transforms/{case.flow_id}")[2])

    for case in cases:
        case.ask = lambda case=case: transform(case, send)
    return read


def functions(stack, cases):
    """Has functions of their own asked, which are frozen once they answered; a worker and a janitor do the rest."""
    aws = free_port()
    environment = {
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{aws}",
        "AWS_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
    }
    ministack = str(ROOT / "target/tools/ministack/bin/ministack")
    program(stack, "ministack", [ministack], {"BIND_HOST": "127.0.0.1", "GATEWAY_PORT": str(aws)}, aws)
    assetmill = str(WORK / "assetmill")
    subprocess.run([assetmill, "init"], env={**os.environ, **environment}, check=True)
    emulator = next((ROOT / "target/tools/sam").glob("lib/*/site-packages/samcli/local/rapid/aws-lambda-rie-x86_64"))
    emulator = shutil.copy2(emulator, WORK / "emulator")
    emulator.chmod(0o755)
    own = {
        **environment,
        "ASSETMILL_TABLE": "assetmill",
        "ASSETMILL_BUCKET": "assetmill",
        "ASSETMILL_QUEUE_URL": f"http://127.0.0.1:{aws}/000000000000/assetmill",
        "ASSETMILL_RETENTION_DAYS": "30",
        "ASSETMILL_LEASE_SECONDS": str(WORKER_LEASE),
        "ASSETMILL_API_KEYS": f"local:{KEY}",
        "ASSETMILL_FETCH_ALLOW": VENDOR,
        "ASSETMILL_VENDOR_ALLOW": VENDOR,
    }

    def started(binary, timeout, name):
        function = Function(emulator, WORK / binary, own, timeout, WORK / f"{name}.log")
        stack.callback(function.end)
        return function

    behind = {
        "worker": [started("worker", WORKER_TIMEOUT, f"worker-{number}") for number in range(WORKERS)],
        "janitor": [started("janitor", 120, "janitor")],
        "results": [started("results", 15, "results")],
    }
    port = serve(stack, front(behind))
    for number in range(WORKERS):
        program(stack, f"poll-{number}", [assetmill, "poll", "--invoke", f"http://127.0.0.1:{port}"], environment)

    def read(case):
        answer = behind["results"][0].invoke(event("results-flow", f"/api/v2/transforms/{case.flow_id}"))
        return json.loads(answer["body"])

    for case in cases:
        case.function = started("api", API_TIMEOUT, f"api-{case.name}")
        case.ask = lambda case=case: ask_function(case)
    return read


def touch(function):
    """Any event thaws a function, and starts it before."""
    answer = function.invoke(event("api-about"))
    assert answer.get("statusCode") == 200, answer


def ask_function(case):
    touch(case.function)

    def send(body):
        answer = case.function.invoke(event("api-transform", body=body))
        case.function.freeze()
        return answer["statusCode"], answer["headers"], answer["body"].encode()

    transform(case, send)
    if case.where == "thawed":
        # Others may hold the flow by now, and have called the vendor.
        time.sleep(LEASE_OF_API + TAKEN_UP)
        case.function.thaw()
        touch(case.function)


def settle(cases, asked, read, begun):
    """Reads flows until all are settled, or ought to be."""
    while open_cases := [case for case in cases if case.state not in ("COMPLETED", "FAILED", "CANCELLED")]:
        if time.monotonic() - begun > SETTLED_WITHIN:
            return
        for one in filter(Future.done, asked):
            one.result()
        for case in [case for case in open_cases if case.flow_id]:
            flow = read[case.where](case)
            case.state, case.unconfirmed = flow["state"], flow["unconfirmed_calls"]
            case.settled_after = time.monotonic() - begun
        time.sleep(1)


def report(cases, calls):
    """Prints what happened. What should not have."""
    faults = []
    line = "{:<12} {:<16} {:>7} {:>7}   {:<10} {:>8} {:>12} {:>6}"
    print(line.format("where", "operation", "v1", "status", "end", "after", "unconfirmed", "calls"))
    for case in cases:
        counted = calls.get(case.asset, 0)
        row = [case.where, case.operation.name, f"{case.took:.1f} s", case.answered, case.state]
        print(line.format(*row, f"{case.settled_after:.0f} s", case.unconfirmed, counted))
        if counted != 1:
            faults.append(f"{case.name}: the vendor was called {counted} times")
        if case.state != case.operation.ends:
            faults.append(f"{case.name}: ended as {case.state}, and not as {case.operation.ends}")
        if case.unconfirmed != (case.operation.ends == "FAILED"):
            faults.append(f"{case.name}: {case.unconfirmed} unconfirmed calls")
        if case.took >= API_TIMEOUT:
            faults.append(f"{case.name}: v1 took {case.took:.1f} s")
    return faults


def main():
    build()
    places = ["one machine", "frozen", "thawed"]
    cases = [Case(where, operation) for where in places for operation in OPERATIONS]
    with contextlib.ExitStack() as stack:
        vendor = Vendor({case.name: case.asset for case in cases})
        serve(stack, vendor)
        here = [case for case in cases if case.where == "one machine"]
        there = [case for case in cases if case.where != "one machine"]
        on_aws = functions(stack, there)
        read = {"one machine": one_machine(stack, here), "frozen": on_aws, "thawed": on_aws}
        begun = time.monotonic()
        with ThreadPoolExecutor(len(cases)) as pool:
            asked = [pool.submit(case.ask) for case in cases]
            settle(cases, asked, read, begun)
            for one in asked:
                one.result()
        for case in cases:
            if case.where == "frozen":
                if not case.function.is_frozen():
                    raise SystemExit(f"{case.name}: the function did not stay frozen")
                case.function.thaw()
                touch(case.function)
        # Nothing is to happen any more: what would is given as long as a lease, and a message, take.
        time.sleep(LEASE_OF_API + TAKEN_UP)
        faults = report(cases, vendor.calls)
    if faults:
        raise SystemExit("\n".join(faults))
    print("every vendor was called once for each asset")


if __name__ == "__main__":
    main()
