#!/usr/bin/env python3
"""Draws what a command prints as an SVG: scripts/picture.py FILE.svg COMMAND [ARG…]

The picture is of the command's own output, colours included. It refers to nothing outside itself.
"""

from __future__ import annotations

import io
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import MONOKAI
from rich.text import Text

target, command = Path(sys.argv[1]), sys.argv[2:]
environment = {**os.environ, "FORCE_COLOR": "1"}
environment.pop("NO_COLOR", None)
done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=False)
if done.returncode not in (0, 1, 3):
    sys.exit(done.returncode)

output = Text(f"$ {shlex.join(command)}\n", style="bold") + Text.from_ansi("\n" + done.stdout.rstrip())
console = Console(record=True, width=max(map(len, output.plain.splitlines())), file=io.StringIO())
console.print(output)
svg = console.export_svg(title=command[0], theme=MONOKAI, unique_id="terminal")
# Rich names a web font; a reader's own monospace font does.
svg = re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL).replace("Fira Code", "ui-monospace, Menlo, Consolas")
target.write_text(re.sub(r"[ \t]+$", "", svg, flags=re.MULTILINE), "utf-8")
