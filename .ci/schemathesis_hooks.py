"""What the document can't say: which URLs stay on this machine, which operations can run here, and what a
cursor looks like inside."""

import base64
import os
import uuid

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


@schemathesis.hook
def map_body(context, body):
    """The catalogue is the operator's: its operations and their parameters are at GET /api/v2/operations."""
    if isinstance(body, dict):
        if isinstance(body.get("operation"), str):
            body["operation"] = "thumbnail"
        if isinstance(body.get("params"), dict):
            body["params"] = {"width": 32} if body["params"] else {}
    return body
