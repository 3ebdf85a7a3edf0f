"""What the document can't say: which URLs stay on this machine, which operations can run here, and what a
cursor looks like inside."""

import base64
import os
import re
import struct
import uuid
from pathlib import Path

import schemathesis
from hypothesis import strategies as st
from schemathesis.core.parameters import ParameterLocation

SAMPLE = os.environ["ASSETMILL_URL"] + "samples/coffee.jpg"
OUTPUTS = os.environ["ASSETMILL_URL"] + "outputs/"
UPLOADS = os.environ["ASSETMILL_URL"] + "uploads/"


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
# A bitmap of one pixel that is text: what is changed here is held against the schema once more, and bytes fail that.
PIXEL = struct.pack("<2sIHHIIiiHHIIiiII4s", b"BM", 58, 0, 0, 54, 40, 1, 1, 1, 24, 0, 4, 0, 0, 0, 0, b"rgb").decode()
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
    if case.media_type == "multipart/form-data":
        if case.meta and case.meta.is_negative_at(ParameterLocation.BODY):
            # A form has no types: most that its schema refuses is sent as what it allows.
            case.body = {"colour": "red"}
            return
        if case.path == "/api/v1/transform" and "file" in body:
            body["file"] = PIXEL
    count = body.get("bytes")
    if case.path == "/api/v2/assets" and type(count) in (int, float) and count > 0 and count == int(count):
        # How large an asset may be is the operator's to say, too; and no client writes 1.0 for a whole number.
        body["bytes"] = min(int(count), len(PHOTO))
    url, operation, params = (body.get(name) for name in ("digital_asset_url", "operation", "params"))
    # It offers results as assets, and where to send some; they come from an address that assets may not come from.
    if isinstance(url, str) and url.startswith((OUTPUTS, UPLOADS)):
        body["digital_asset_url"] = SAMPLE
    if isinstance(operation, str) and OPERATION.fullmatch(operation):
        body["operation"] = "thumbnail"
    if isinstance(params, dict):
        body["params"] = {"width": 32} if params else {}
