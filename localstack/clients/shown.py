"""Takes the programs that a page shows, for a service at another address: `shown.mts` and `shown.py` in a folder."""

import re
import sys
from pathlib import Path

SHOWN_AT = "http://127.0.0.1:8000"
NAMES = {"ts": "shown.mts", "python": "shown.py"}

page, folder, url = sys.argv[1:]
blocks = re.findall(r"^```(\w+)\n(.*?)^```$", Path(page).read_text(), re.DOTALL | re.MULTILINE)
for language, name in NAMES.items():
    (program,) = [text for kind, text in blocks if kind == language]
    Path(folder, name).write_text(program.replace(SHOWN_AT, url.rstrip("/")))
