"""The exception tree. Every message is one line for the user: what was wrong, where, what to do.

CalibrateError
├── InputError             exit 2: wrong usage or bad input
│   ├── DecodeError        a program, Data value or file that does not decode or parse
│   ├── ModelError         a cost model that is incomplete or contradicts itself
│   └── EnvironmentFault   the machine refuses: unwritable folder, missing core, full disk
├── CheckFailed            exit 1: drift, mismatch, out of tolerance
├── Inconclusive           exit 3: too noisy to say
└── Interrupted            exit 130: stopped by the user, can be resumed
"""

# ruff: noqa: N818 - the names say what happened, and an outcome such as Inconclusive is no error of a program

from pathlib import Path
from typing import ClassVar


class CalibrateError(Exception):
    """Base of every error that this package raises for its user.

    `exit_code` is what the command line ends with when the error reaches it.
    """

    exit_code: ClassVar[int] = 2


class InputError(CalibrateError):
    """Wrong usage or bad input."""


class DecodeError(InputError):
    """A program, Data value or file does not decode or parse."""


class ModelError(InputError):
    """A cost model lacks an entry, or has one that its builtin or protocol version cannot use."""


class EnvironmentFault(InputError):
    """The machine refuses what was asked: an unwritable folder, a missing core, a full disk."""


class CheckFailed(CalibrateError):
    """The check was made, and failed: drift, mismatch, out of tolerance."""

    exit_code = 1


class Inconclusive(CalibrateError):
    """The check was made, but its result is too uncertain to be called passed or failed."""

    exit_code = 3


class Interrupted(CalibrateError):
    """The user stopped the work. What was done is kept and can be resumed; where one folder has it, in `kept`."""

    exit_code = 130

    def __init__(self, message: str = "", kept: Path | None = None) -> None:
        super().__init__(message)
        self.kept = kept
