"""What the document can't say: which URLs stay on this machine, which operations can run here, and what a
cursor looks like inside."""

import base64
import os
import re
import uuid
from pathlib import Path

import schemathesis
from hypothesis import strategies as st

SAMPLE = os.environ["ASSETMILL_URL"] + "samples/coffee.jpg"


def cursor(text):
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


schemathesis.openapi.format("uri", st.integers(0, 9999).map(lambda n: f"{SAMPLE}?n={n}"))
schemathesis.openapi.format("flows-cursor", st.integers(0, 9999).map(lambda n: cursor(str(n))))
schemathesis.openapi.format(
    "batches-cursor", st.integers(0, 2**128 - 1).map(lambda n: cursor(str(uuid.UUID(int=n))))
)


OPERATION = re.compile("[a-z0-9][a-z0-9_-]{0,63}")
FILTERS = {"state", "code", "operation", "group", "since", "url"}
PHOTO = (Path(__file__).parent.parent / "localstack/samples/coffee.jpg").read_bytes()
KEY = re.compile(r'([!#-+\--:<-\[\]-~]+|"[ !#-\[\]-~]+")')


@schemathesis.hook
def before_call(context, case, kwargs):
    """Which operations and parameters there are is the operator's to say: GET /api/v2/operations does. A key that was
    given to another request is refused, so each request has a new one."""
    for name, value in list((case.headers or {}).items()):
        if name.lower() == "idempotency-key" and KEY.fullmatch(str(value)):
            case.headers[name] = str(uuid.uuid4())
    query = case.query or {}
    if OPERATION.fullmatch(str(query.get("operation"))):
        query["operation"] = "thumbnail"
    body = case.body
    # Schemathesis wraps bytes in a text that is empty.
    if case.path == "/api/v1/transform" and getattr(body, "data", b""):
        # Not every sequence of bytes is a picture.
        body.data = PHOTO
        return
    if case.path.startswith("/api/v2/flows/") and not isinstance(body, (dict, list)) and not FILTERS & query.keys():
        # Nothing that says to which flows is refused.
        case.query = {**query, "state": "PENDING"}
    if case.path.endswith("{webhook_id}/replay") and not {"since", "until", "state"} & query.keys():
        # The same of what is to be told again.
        case.query = {**query, "state": "PENDING"}
    if not isinstance(body, dict):
        return
    url, operation, params = (body.get(name) for name in ("digital_asset_url", "operation", "params"))
    # It offers results as assets; they come from an address that assets may not come from.
    if isinstance(url, str) and url.startswith(os.environ["ASSETMILL_URL"] + "outputs/"):
        body["digital_asset_url"] = SAMPLE
    if isinstance(operation, str) and OPERATION.fullmatch(operation):
        body["operation"] = "thumbnail"
    if isinstance(params, dict):
        body["params"] = {"width": 32} if params else {}
