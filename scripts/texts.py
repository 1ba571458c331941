"""Holds the files of the repository to .editorconfig, as far as it is the same for all: UTF-8, LF, a newline at the end,
no trailing blanks. Prints what does not; exit code 1 if there is any."""

import subprocess
import sys
from pathlib import Path

_ENDINGS = (".py", ".c", ".h", ".md", ".toml", ".yml", ".yaml", ".sh", ".cfg")


def complaint(path: Path) -> str | None:
    content = path.read_bytes()
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        return "is not UTF-8"
    if "\r" in text:
        return "has line ends other than LF"
    if text and not text.endswith("\n"):
        return "does not end with a newline"
    for number, line in enumerate(text.split("\n"), start=1):
        if line != line.rstrip():
            return f"has trailing blanks in line {number}"
    return None


def main() -> int:
    listed = subprocess.run(["git", "ls-files", "-z"], capture_output=True, text=True, check=True).stdout
    paths = [Path(name) for name in listed.split("\0") if name.endswith(_ENDINGS)]
    found = [f"{path}: {said}" for path in paths if path.is_file() and (said := complaint(path)) is not None]
    print("\n".join(found), end="\n" if found else "", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
