"""A folder of waiting messages that others have written into: nothing of it stops, leads astray or loses a message."""

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from costmodel.trace import Message, Severity
from costmodel.trace.remote import Remote
from tests.cli.command import ENVIRONMENT
from tests.trace.collector import collecting, kept, receiving

# A process that may write nothing cannot write what it covered either, and would say so.
UNCOVERED = {name: value for name, value in ENVIRONMENT.items() if not name.startswith("COVERAGE_")}
NOBODY = "http://127.0.0.1:9"  # the discard port, where nobody listens
SECONDS = 8.0  # for a command that has all it needs


def remote(endpoint: str, folder: Path, *, patience: float = 20.0) -> Remote:
    return Remote(endpoint + "/v1/logs", folder, limit=1 << 20, patience=patience)


def message(number: int) -> Message:
    return Message(namespace="test", kind="said", severity=Severity.INFO, timestamp=number, fields={"number": number})


def line(number: int, fields: str = "") -> bytes:
    """A message as a spool has it."""
    said = (
        f'{{"kind":"said","namespace":"test","severity":"info","timestamp":1,"fields":{{"number":{number}{fields}}}}}'
    )
    return f'{{"sequence":{number},"message":{said}}}\n'.encode()


def left(root: Path, name: str, *lines: bytes) -> Path:
    """A spool that a process has left behind."""
    folder = root / name
    folder.mkdir(parents=True)
    (folder / "source.json").write_text(json.dumps({"name": name, "resource": {"service.name": "calibrate"}}))
    (folder / "lock").touch()
    (folder / "00000001.jsonl").write_bytes(b"".join(lines))
    return folder


def sent(root: Path, out: Path) -> tuple[str, dict[str, list[int]]]:
    """What a command says that sends message 100 and what was left, and the numbers that arrive, by source."""
    with receiving(out) as collector:
        backend = remote(collector.endpoint, root)
        backend.emit(message(100))
        began = time.monotonic()
        said = backend.close()
        assert time.monotonic() - began < SECONDS
        arrived = {path.stem: [each["fields"]["number"] for each in kept(path)] for path in out.glob("*.jsonl")}
    assert arrived.pop(backend.source) == [100]
    return said, arrived


def link(path: Path, elsewhere: Path) -> None:
    target = elsewhere / "secret"
    target.write_bytes(line(66))
    path.symlink_to(target)


def dangling_link(path: Path, elsewhere: Path) -> None:
    path.symlink_to(elsewhere / "none")


def pipe(path: Path, _: Path) -> None:
    os.mkfifo(path)


def device(path: Path, _: Path) -> None:
    path.symlink_to("/dev/zero")


def folder(path: Path, _: Path) -> None:
    path.mkdir()


def listener(path: Path, _: Path) -> None:
    here = Path.cwd()
    os.chdir(path.parent)  # a socket's path must be short
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind(path.name)
    os.chdir(here)


def gigantic(path: Path, _: Path) -> None:
    with path.open("wb") as file:
        file.truncate(1 << 40)


THINGS = [link, dangling_link, pipe, device, folder, listener, gigantic]
Make = Callable[[Path, Path], None]


@pytest.mark.parametrize("make", THINGS)
@pytest.mark.parametrize("name", ["00000000.jsonl", "00000002.jsonl", "evil.jsonl"])
def test_what_is_no_segment_is_left_alone_and_told(name: str, make: Make, tmp_path: Path) -> None:
    one = left(tmp_path / "spool", "one", line(1), line(2))
    make(one / name, tmp_path)
    left(tmp_path / "spool", "two", line(1))
    said, arrived = sent(tmp_path / "spool", tmp_path / "out")
    assert said == f"{one / name} is no file of calibrate's and was left alone; remove it"
    assert arrived == {"one": [1, 2], "two": [1]}
    assert [path.name for path in one.iterdir()] == [name]
    if make is link:
        assert (tmp_path / "secret").read_bytes() == line(66)


@pytest.mark.parametrize("make", THINGS)
@pytest.mark.parametrize("name", ["source.json", "lock"])
def test_a_spool_whose_own_files_are_something_else_is_left_alone(name: str, make: Make, tmp_path: Path) -> None:
    spoiled = left(tmp_path / "spool", "one", line(1))
    (spoiled / name).unlink()
    make(spoiled / name, tmp_path)
    left(tmp_path / "spool", "two", line(1))
    _, arrived = sent(tmp_path / "spool", tmp_path / "out")
    assert arrived == {"two": [1]} or (name, make) == ("lock", gigantic)
    assert not (tmp_path / "none").exists()
    assert not (tmp_path / "secret").exists() or (tmp_path / "secret").read_bytes() == line(66)


@pytest.mark.parametrize("make", THINGS)
def test_what_is_no_spool_is_left_alone(make: Make, tmp_path: Path) -> None:
    left(tmp_path / "spool", "two", line(1))
    make(tmp_path / "spool" / "one", tmp_path)
    assert sent(tmp_path / "spool", tmp_path / "out") == ("", {"two": [1]})
    assert os.path.lexists(tmp_path / "spool" / "one")


def test_a_link_to_a_spool_is_not_followed(tmp_path: Path) -> None:
    elsewhere = left(tmp_path / "elsewhere", "one", line(1))
    (tmp_path / "spool").mkdir()
    (tmp_path / "spool" / "one").symlink_to(elsewhere)
    assert sent(tmp_path / "spool", tmp_path / "out") == ("", {})
    assert (elsewhere / "00000001.jsonl").read_bytes() == line(1)


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"\xff", b"[" * 100_000, b'{"name":3}', b'{"name":"a","resource":{"a":1}}', b"[]", b" " * (1 << 20)],
)
def test_a_spool_without_a_known_source_is_left_alone(content: bytes, tmp_path: Path) -> None:
    spoiled = left(tmp_path / "spool", "one", line(1))
    (spoiled / "source.json").write_bytes(content)
    left(tmp_path / "spool", "two", line(1))
    assert sent(tmp_path / "spool", tmp_path / "out") == ("", {"two": [1]})
    assert (spoiled / "00000001.jsonl").read_bytes() == line(1)


@pytest.mark.parametrize(
    "spoiled",
    [
        b"\n",
        b"\xff\xfe\n",
        b"\0" * 4096 + b"\n",
        line(2)[:20] + b"\n",
        b"[" * 100_000 + b"\n",
        b"{}\n",
        line(2, ',"deep":' + "[" * 900 + "]" * 900),
        line(2, ',"deep":' + '{"a":' * 300 + "1" + "}" * 300),
        line(2, ',"deep":' + '{"a":' * 40 + "1" + "}" * 40),
        line(2, ',"long":"' + "x" * (1 << 18) + '"'),
        line(2, ',"many":[' + "0," * 200_000 + "0]"),
        line(2, ',"big":1e999'),
        line(2, ',"half":"\\ud800"'),
        line(2).replace(b'"info"', b'"loud"'),
    ],
)
def test_damaged_lines_are_told_and_do_not_stop_the_others(spoiled: bytes, tmp_path: Path) -> None:
    left(tmp_path / "spool", "one", line(1), spoiled, line(3))
    said, arrived = sent(tmp_path / "spool", tmp_path / "out")
    assert said.startswith("1 messages for http://127.0.0.1:")
    assert said.endswith("found no room or were damaged, and were dropped")
    assert arrived == {"one": [1, 3]}
    assert list((tmp_path / "spool").iterdir()) == []


def test_a_line_that_a_kill_cut_short_does_not_stop_the_others(tmp_path: Path) -> None:
    torn = left(tmp_path / "spool", "one", line(1), line(2)[:30])
    (torn / "00000002.jsonl").write_bytes(line(2))
    assert sent(tmp_path / "spool", tmp_path / "out") == ("", {"one": [1, 2]})
    assert list((tmp_path / "spool").iterdir()) == []


def test_more_spools_than_a_process_may_open_are_sent_by_several(tmp_path: Path) -> None:
    for number in range(1100):
        left(tmp_path / "spool", f"{number:04d}", line(1))
    for more in (1, 2):
        said, arrived = sent(tmp_path / "spool", tmp_path / str(more))
        assert said == ""
        assert 50 < len(arrived) < 1000
        assert {*map(tuple, arrived.values())} == {(1,)}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
def test_spools_of_other_users_are_left_alone(tmp_path: Path) -> None:
    strange = left(tmp_path / "spool", "one", line(1))
    os.chown(strange, 65534, 65534)
    strange.chmod(0o700)
    left(tmp_path / "spool", "two", line(1))
    assert sent(tmp_path / "spool", tmp_path / "out") == ("", {"two": [1]})
    assert (strange / "00000001.jsonl").read_bytes() == line(1)


# Sends as a user whom permissions stop; root is none.
UNPRIVILEGED = """
import os, sys
from pathlib import Path
from costmodel.trace import Message, Severity
from costmodel.trace.remote import Remote
if os.geteuid() == 0:
    os.chown(sys.argv[2], 65534, 65534)
    for path in Path(sys.argv[2]).rglob("*"):
        os.chown(path, 65534, 65534)
    os.setgid(65534); os.setuid(65534)
backend = Remote(sys.argv[1] + "/v1/logs", Path(sys.argv[2]), limit=1 << 20, patience=5)
print(backend.close())
"""


@pytest.mark.parametrize("closed", ["00000001.jsonl", "source.json", "lock", "."])
def test_what_may_not_be_read_stays_and_does_not_stop_the_others(closed: str, tmp_path: Path) -> None:
    # Not in pytest's folders: every pytest that starts closes those of root to others.
    with tempfile.TemporaryDirectory() as outside:
        Path(outside).chmod(0o711)
        check_unreadable(Path(outside, "spool"), closed, tmp_path)


def check_unreadable(spool: Path, closed: str, tmp_path: Path) -> None:
    spoiled = left(spool, "one", line(1))
    left(spool, "two", line(1))
    (spoiled / closed).chmod(0)
    with collecting(tmp_path / "out") as collector:
        done = subprocess.run(
            [sys.executable, "-c", UNPRIVILEGED, collector.endpoint, str(spool)],
            capture_output=True,
            text=True,
            env=UNCOVERED,
            timeout=60,
            check=False,
        )
        arrived = [path.stem for path in (tmp_path / "out").glob("*.jsonl")]
    (spoiled / closed).chmod(0o700)
    assert done.stderr == ""
    assert ("did not take all messages" in done.stdout) == (closed == "00000001.jsonl")
    assert arrived == ["two"]
    assert (spoiled / "00000001.jsonl").read_bytes() == line(1)


def test_messages_that_somebody_removes_are_told(tmp_path: Path) -> None:
    backend = remote(NOBODY, tmp_path / "spool", patience=0)
    backend.emit(message(1))
    shutil.rmtree(tmp_path / "spool")
    said = backend.close()
    assert "bytes of messages that waited in" in said
    assert "are lost: somebody removed them" in said
    assert "are sent by the next command" not in said


def test_messages_that_somebody_cuts_off_are_told(tmp_path: Path) -> None:
    backend = remote(NOBODY, tmp_path / "spool", patience=0)
    backend.emit(message(1))
    (segment,) = (tmp_path / "spool").glob("*/*.jsonl")
    os.truncate(segment, 0)
    assert "are lost: somebody removed them" in backend.close()


def test_names_that_somebody_took_do_not_stop_messages(tmp_path: Path) -> None:
    backend = remote(NOBODY, tmp_path / "spool", patience=0)
    (own,) = (tmp_path / "spool").iterdir()
    (own / "00000001.jsonl").symlink_to(tmp_path / "elsewhere")
    for number in range(3):
        backend.emit(message(number))
    assert backend.dropped == 1
    backend.close()
    assert not (tmp_path / "elsewhere").exists()


FULL_DISK = """
import resource, sys
from pathlib import Path
from costmodel.errors import EnvironmentFault
from costmodel.trace.remote import Remote
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), resource.RLIM_INFINITY))
try:
    Remote("http://127.0.0.1:9/v1/logs", Path(sys.argv[1]), limit=1 << 20, patience=0)
except EnvironmentFault as error:
    sys.exit(str(error))
"""


@pytest.mark.parametrize("room", [0, 20])
def test_a_disk_without_room_for_a_spool_is_one_line_and_keeps_nothing(room: int, tmp_path: Path) -> None:
    command = [sys.executable, "-c", FULL_DISK, str(tmp_path / "spool"), str(room)]
    done = subprocess.run(command, capture_output=True, text=True, env=UNCOVERED, timeout=60, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith(f"cannot write {tmp_path / 'spool'}, where messages wait for the collector: ")
    assert len(done.stderr.splitlines()) == 1
    assert list((tmp_path / "spool").iterdir()) == []


def test_two_processes_do_not_send_the_same_spool(tmp_path: Path) -> None:
    left(tmp_path / "spool", "one", *map(line, range(1, 1000)))
    with receiving(tmp_path / "out") as collector:
        backends = [remote(collector.endpoint, tmp_path / "spool") for _ in range(2)]
        assert [backend.close() for backend in backends] == ["", ""]
        assert (collector.sink.received, collector.sink.missing) == (999, 0)
