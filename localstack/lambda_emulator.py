"""Functions under the Lambda runtime interface emulator that aws-sam-cli carries, and what stands before them: each
handles one event at a time, as on Lambda, and can be frozen with all that it started."""

import contextlib
import http.client
import json
import os
import queue
import re
import signal
import socket
import subprocess
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

INVOKED = re.compile(r"/2015-03-31/functions/([a-z]+)/invocations")


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def request(port, method, path, body=None, headers=None, timeout=60):
    """Status, headers and body of an answer."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    try:
        connection.request(method, path, body, headers or {})
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read()
    finally:
        connection.close()


def wait_until_open(port, process, seconds=60):
    """Until somebody listens there. Fails when the process ends before."""
    end = time.monotonic() + seconds
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            ended = process.poll()
            if ended is not None or time.monotonic() > end:
                raise SystemExit(f"{process.args} does not listen at port {port}; exit code: {ended}") from None
            time.sleep(0.05)


def descendants(pid):
    """All processes that a process started, and those that they started: the state of each by its id."""
    children, states = {}, {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                # The name before the last parenthesis may hold anything.
                state, parent = (entry / "stat").read_text().rsplit(")", 1)[1].split()[:2]
            except OSError:
                continue
            states[int(entry.name)] = state
            children.setdefault(int(parent), []).append(int(entry.name))
    found = [pid]
    for one in found:
        found.extend(children.get(one, []))
    return {one: states[one] for one in found[1:]}


class Function:
    """One environment of a function."""

    def __init__(self, emulator, binary, environment, timeout, log):
        self.port = free_port()
        command = [str(emulator), "--runtime-interface-emulator-address", f"127.0.0.1:{self.port}"]
        command += ["--runtime-api-address", f"127.0.0.1:{free_port()}", str(binary)]
        own = {
            "AWS_LAMBDA_FUNCTION_NAME": binary.name,
            "AWS_LAMBDA_FUNCTION_TIMEOUT": str(timeout),
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "3008",
        }
        with log.open("wb") as lines:
            self.process = subprocess.Popen(
                command, env={**os.environ, **environment, **own}, stdout=lines, stderr=subprocess.STDOUT
            )
        wait_until_open(self.port, self.process)

    def invoke(self, event):
        """The answer to an event, which may tell of an error."""
        path = "/2015-03-31/functions/function/invocations"
        status, _, answer = request(self.port, "POST", path, json.dumps(event), timeout=1_000)
        try:
            return json.loads(answer)
        except ValueError:
            # The emulator's own words, as of a function that timed out.
            return {"errorType": "Emulator", "errorMessage": f"{status}: {answer.decode(errors='replace')}"}

    def freeze(self):
        """Stops it, as Lambda does between two events."""
        self._signal(signal.SIGSTOP)

    def is_frozen(self):
        states = descendants(self.process.pid).values()
        return len(states) > 0 and set(states) == {"T"}

    def thaw(self):
        """Lets it go on where it was stopped."""
        self._signal(signal.SIGCONT)

    def end(self):
        """Ends it, frozen or not."""
        self._signal(signal.SIGKILL)
        self.process.kill()
        self.process.wait()

    def _signal(self, number):
        for pid in descendants(self.process.pid):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)


def front(functions):
    """A server that hands the events for a name to one of the functions of that name that is free."""
    pools = {}
    for name, members in functions.items():
        pools[name] = queue.SimpleQueue()
        for member in members:
            pools[name].put(member)

    class Front(BaseHTTPRequestHandler):
        def do_POST(self):
            event = json.loads(self.rfile.read(int(self.headers["content-length"])))
            pool = pools[INVOKED.fullmatch(self.path)[1]]
            member = pool.get()
            try:
                answer = member.invoke(event)
            finally:
                pool.put(member)
            body = json.dumps(answer).encode()
            self.send_response(200)
            if isinstance(answer, dict) and "errorType" in answer:
                self.send_header("x-amz-function-error", "Unhandled")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    return ThreadingHTTPServer(("127.0.0.1", 0), Front)
