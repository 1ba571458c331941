"""Writes a summary as the one comment of a pull request of GitHub or a merge request of GitLab, or renews it there.

    python3 comment.py SUMMARY.md [KEY]

The comment begins with a marker that has the KEY, which is invisible to readers, and by which it is found again. Which
request it is, and of which server, is in the variables that the two systems set: on GitHub GITHUB_API_URL and
GITHUB_REPOSITORY, on GitLab CI_API_V4_URL, CI_PROJECT_ID and CI_MERGE_REQUEST_IID. Beside these it needs GITHUB_TOKEN
and PULL_REQUEST, the number, or GITLAB_TOKEN, of a user that may comment. Nothing but Python is needed.
"""

import json
import os
import re
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

PER_PAGE = 100
MOST_PAGES = 50
SECONDS = 30
LONGEST = 65_000


class Thread(NamedTuple):
    """Where comments are: the list of them, how one is named and renewed, and what says who we are."""

    comments: str
    comment: str
    renew: str
    headers: dict[str, str]


def fail(message: str) -> NoReturn:
    sys.exit(f"comment.py: {message}")


def variable(name: str) -> str:
    value = os.environ.get(name, "")
    if not value:
        fail(f"the variable {name} is empty")
    return value


def thread() -> Thread:
    if "CI_MERGE_REQUEST_IID" in os.environ:
        request = variable("CI_MERGE_REQUEST_IID")
        notes = f"{variable('CI_API_V4_URL')}/projects/{variable('CI_PROJECT_ID')}/merge_requests/{request}/notes"
        return Thread(notes, notes, "PUT", {"PRIVATE-TOKEN": variable("GITLAB_TOKEN")})
    issues = f"{variable('GITHUB_API_URL')}/repos/{variable('GITHUB_REPOSITORY')}/issues"
    headers = {"Authorization": f"Bearer {variable('GITHUB_TOKEN')}", "Accept": "application/vnd.github+json"}
    return Thread(f"{issues}/{variable('PULL_REQUEST')}/comments", f"{issues}/comments", "PATCH", headers)


def asked(where: Thread, method: str, url: str, document: dict[str, str] | None = None) -> Any:
    content = None if document is None else json.dumps(document).encode()
    headers = {**where.headers, "Content-Type": "application/json", "User-Agent": "calibrate"}
    request = urllib.request.Request(url, content, headers, method=method)  # noqa: S310 - the server that CI names
    try:
        with urllib.request.urlopen(request, timeout=SECONDS) as answer:  # noqa: S310 - as above
            return json.load(answer)
    except urllib.error.HTTPError as error:
        hint = (
            "; may the token write comments? It may not on pull requests from forks" if error.code in (401, 403) else ""
        )
        fail(f"{method} {url}: {error.code} {error.reason}{hint}")
    except (OSError, ValueError) as error:
        fail(f"{method} {url}: {error}")


def comments(where: Thread) -> Iterator[dict[str, Any]]:
    for page in range(1, MOST_PAGES + 1):
        found = asked(where, "GET", f"{where.comments}?per_page={PER_PAGE}&page={page}")
        yield from found
        if len(found) < PER_PAGE:
            return


def main() -> None:
    if len(sys.argv) not in (2, 3):
        fail("usage: comment.py SUMMARY.md [KEY]")
    key = sys.argv[2] if len(sys.argv) == 3 else "drift"
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.]{0,59}", key):
        fail(f"the key {key!r} is to have letters, digits, points and underscores only, at most 60")
    marker = f"<!-- calibrate: {key} -->"
    try:
        summary = Path(sys.argv[1]).read_text(encoding="utf-8")
    except OSError as error:
        fail(f"{sys.argv[1]}: {error.strerror}")
    where = thread()
    body = {"body": f"{marker}\n{summary[:LONGEST]}"}
    old = next((each["id"] for each in comments(where) if (each["body"] or "").startswith(marker)), None)
    if old is None:
        asked(where, "POST", where.comments, body)
    else:
        asked(where, where.renew, f"{where.comment}/{old}", body)


if __name__ == "__main__":
    main()
