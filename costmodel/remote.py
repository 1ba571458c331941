"""Files at addresses such as s3://bucket/corpus.parquet, through fsspec and its library for each protocol."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final, NamedTuple

from costmodel.errors import CalibrateError, EnvironmentFault, InputError
from costmodel.files import opened_atomically, with_folder

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

_ADDRESS: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*::)*[A-Za-z][A-Za-z0-9+.-]*://")
# A colon and digits are a port. Of a password all goes, also where a slash, question mark or @ in it is not escaped.
_PASSWORD: Final = re.compile(r"(//[^/:@\[]*:)(?!\d+(?:[/?,]|$))(?:[^/]*@|[^@]*@)")
_READ_ONLY: Final = frozenset({"http", "https"})
_NOT_FOUND: Final = 404  # of http
_LONGEST_REASON: Final = 200  # characters of what a library says


def is_remote(name: str) -> bool:
    """Whether a name is an address and not a path."""
    return _ADDRESS.match(name) is not None


def shown_address(address: str) -> str:
    """An address without the secrets that it may hold: its password, and its query."""
    if not is_remote(address):
        return address
    place, mark, _ = _PASSWORD.sub(r"\1…@", address).partition("?")
    return place + ("?…" if mark else "")


class RemoteFile(NamedTuple):
    """A file at an address, or at `below` in the folder that is there."""

    address: str
    below: str
    filesystem: AbstractFileSystem
    path: str

    @property
    def name(self) -> str:
        """For messages."""
        return "/".join(filter(None, (shown_address(self.address).rstrip("/"), self.below)))

    @contextmanager
    def opened(self) -> Iterator[IO[bytes]]:
        """For reading. EnvironmentFault where it goes away meanwhile."""
        with _told(self.address, "read"), self.filesystem.open(self.path, "rb") as file:
            yield file


def remote_files(address: str, suffix: str) -> list[RemoteFile]:
    """The file at an address or, where a folder is there, the files below it with a suffix, by name.

    InputError where nothing is there, or where no library for the protocol is installed.
    """
    with _told(address, "read"):
        filesystem, path = _located(address)
        if filesystem.info(path)["type"] != "directory":
            return [RemoteFile(address, "", filesystem, path)]
        root = f"{path.rstrip('/')}/"
        paths = sorted(each for each in filesystem.find(path) if each.endswith(suffix))
        return [RemoteFile(address, each.removeprefix(root), filesystem, each) for each in paths]


@contextmanager
def opened_whole(name: str) -> Iterator[IO[bytes]]:
    """For writing a file at a path or an address, which is there once all of it is written, and else is not.

    What goes to an address is kept on this machine until then. The folder of a path is made if it is not there.
    """
    if not is_remote(name):
        with opened_atomically(with_folder(Path(name))) as file:
            yield file
        return
    with _told(name, "write"):
        filesystem, path = _located(name)
        if _READ_ONLY.intersection(
            (filesystem.protocol,) if isinstance(filesystem.protocol, str) else filesystem.protocol
        ):
            raise InputError(f"cannot write {shown_address(name)}: http is for reading only; name a path or a bucket")
    with tempfile.NamedTemporaryFile() as kept:
        yield kept
        kept.flush()
        with _told(name, "write"):
            try:
                filesystem.put_file(kept.name, path)
            except BaseException:
                with suppress(Exception):  # the first failure is the one to tell
                    filesystem.rm_file(path)
                raise


def _located(address: str) -> tuple[AbstractFileSystem, str]:
    from fsspec.core import url_to_fs

    if "::" in address or address.startswith("file:"):
        raise InputError(
            f"{shown_address(address)}: name one address such as s3://bucket/file, or a path without file://"
        )
    found: tuple[Any, str] = url_to_fs(address)
    return found


@contextmanager
def _told(address: str, what: str) -> Iterator[None]:
    """Whatever the libraries of a protocol raise, as one line for the user."""
    try:
        yield
    except (CalibrateError, MemoryError):
        raise
    except ImportError as error:
        raise InputError(
            f"cannot {what} {shown_address(address)}: {_reason(error)}; pip install it, or name a path"
        ) from None
    except FileNotFoundError as error:
        cause = error.__cause__  # of http: whatever went wrong, of which "not found" (404) is one case
        if cause is not None and (isinstance(cause, OSError) or getattr(cause, "status", _NOT_FOUND) != _NOT_FOUND):
            raise EnvironmentFault(
                f"cannot {what} {shown_address(address)}: {_reason(cause)}; check the address and the network"
            ) from None
        said = f" ({_reason(cause)})" if cause is not None else ""
        raise InputError(f"cannot {what} {shown_address(address)}: nothing is there{said}") from None
    except ValueError as error:  # an unknown protocol, or an address that is none
        raise InputError(f"cannot {what} {shown_address(address)}: {_reason(error)}") from None
    except Exception as error:  # each library has exceptions of its own
        reason = f"{type(error).__name__}: {_reason(error)}"
        raise EnvironmentFault(
            f"cannot {what} {shown_address(address)}: {reason}; check the address and the network"
        ) from None


def _reason(error: BaseException) -> str:
    """What a library says, in one line and without the query of an address, which may sign it."""
    return re.sub(r"\?\S+", "?…", " ".join(str(error).split()))[:_LONGEST_REASON]
