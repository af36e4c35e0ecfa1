"""Takes the examples out of the documentation, to be run as they stand there.

Of docs/dialoguedb-clients.md it writes ``python.py``, ``js.mjs`` and ``sdk.mjs`` into the folder given, with
the addresses given instead of the documented ones; of docs/typescript.md the files that its examples name.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

DOCUMENTS = Path(__file__).parents[2] / "docs"
ADDRESS = "http://127.0.0.1:8080"
TLS_ADDRESS = "https://127.0.0.1:8080"
EXAMPLES = {"python": ("python.py", ADDRESS), "js": ("js.mjs", ADDRESS), "ts": ("sdk.mjs", TLS_ADDRESS)}


def main(folder: Path, address: str, tls_address: str) -> None:
    """Write each runnable example to a file."""
    served = {ADDRESS: address, TLS_ADDRESS: tls_address}
    folder.mkdir(parents=True, exist_ok=True)
    text = (DOCUMENTS / "dialoguedb-clients.md").read_text(encoding="utf-8")
    for language, code in re.findall(r"```(\w+)\n(.*?)```", text, re.DOTALL):
        if language in EXAMPLES:
            name, documented = EXAMPLES[language]
            assert documented in code
            (folder / name).write_text(code.replace(documented, served[documented]), encoding="utf-8")
    text = (DOCUMENTS / "typescript.md").read_text(encoding="utf-8")
    for name, code in re.findall(r"```ts\n// (\S+\.ts)\n(.*?)```", text, re.DOTALL):
        (folder / name).write_text(code, encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:])
