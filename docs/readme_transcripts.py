"""Put real output into the README: `python docs/readme_transcripts.py` makes the demo song and talks about it.

Each transcript stands between markers; paths are shortened to be relative to the folder in which the commands ran.
"""

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

README = Path(__file__).resolve().parent.parent / "README.md"
LINES = [
    "the vox are buried",
    "why?",
    "what do you think of the rest?",
    "a bit less",
    "apply",
    "never more than 3 dB from now on",
    "what's masking the keys?",
    "it sounds boomy",
    "what changed?",
    "quit",
]


def run(arguments: list[str], folder: str, text: str = "") -> str:
    """What a command prints in `folder`."""
    environment = {**os.environ, "COLUMNS": "92", "MIXINGBUDDY_WORKSPACE": f"{folder}/workspace"}
    command = [sys.executable, "-m", "mixingbuddy.agent.cli", *arguments]
    ran = subprocess.run(command, cwd=folder, env=environment, input=text, text=True, capture_output=True, check=True)
    shown = ran.stdout.replace(f"{Path(folder).resolve()}/", "").replace(f"{folder}/", "")
    return "\n".join(line.rstrip() for line in shown.rstrip().splitlines())


def put(readme: str, name: str, shown: str) -> str:
    """The README with `shown` between the markers of that name."""
    block = f"<!-- {name}: start -->\n```\n{shown}\n```\n<!-- {name}: end -->"
    pattern = rf"<!-- {name}: start -->.*?<!-- {name}: end -->"
    return re.sub(pattern, lambda _: block, readme, flags=re.DOTALL)


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        demo = run(["demo", "--out", "demo"], folder)
        chat = run(["chat", "demo/song"], folder, "\n".join(LINES) + "\n")
    text = put(README.read_text(encoding="utf-8"), "demo", demo)
    README.write_text(put(text, "chat", chat), encoding="utf-8")


if __name__ == "__main__":
    main()
