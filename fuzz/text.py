"""Mutated program text for the textual parser, which is Python and so has a driver of its own."""

from __future__ import annotations

import random
import re
import resource
import signal
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from types import FrameType
from typing import Final

from costmodel.errors import CheckFailed, DecodeError
from costmodel.plutus import parse_program, print_program
from fuzz import seeds

MOST_CHARACTERS: Final = 4096
_SECONDS: Final = 10  # that one input may take
_MOST_BYTES: Final = 1 << 30  # of memory, more than any one process has now
_MOST_CHANGES: Final = 4
_TOKEN: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*|[0-9]+|\s+|.", re.DOTALL)
_TELLING: Final = (
    *(
        "(",
        ")",
        "[",
        "]",
        ",",
        "#",
        "-",
        "+",
        '"',
        "\\",
        "`",
        "{-",
        "-}",
        "--",
        "\n",
        "\0",
        "é",
        "\U0001f600",
        "\ud800",
    ),
    *("0", "-1", "1.0.0", "1.1.0", "18446744073709551616", "9" * 60, "#0", "#00", "0x", "x-1", "\\x110000", "\\&"),
    *("con", "constr", "case", "lam", "delay", "force", "error", "builtin", "program"),
    *("(list integer)", "(pair data data)", "(array bool)", "value", "data", "Constr", "Map", "List", "I", "B"),
)


@dataclass(frozen=True)
class Share:
    """One process's part of a round: mutants of the texts by their own seed."""

    texts: tuple[str, ...]
    runs: int
    seed: int


def text_round(runs: int, processes: int, seed: int = 1) -> int:
    """Parses the seeds and `runs` mutants of them. Returns the number of inputs tried.

    A text is refused with a DecodeError of one line, or it is a program that is printed and parsed to itself. Raises
    CheckFailed, with the text, on anything else, more than ten seconds and a gigabyte of growth included.
    """
    texts = tuple(seeds.texts()) + tuple(seeds.shared_texts())
    for text in texts:
        check(text)
    shares = [Share(texts, len(range(number, runs, processes)), seed + number) for number in range(processes)]
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        return len(texts) + sum(pool.map(_try_share, shares))


def mutants(share: Share) -> Iterator[str]:
    """The inputs of a share, the same ones for the same share."""
    rng = random.Random(share.seed)
    tokens = [_TOKEN.findall(text) for text in share.texts]
    for _ in range(share.runs):
        chosen = list(rng.choice(tokens))
        for _ in range(rng.randint(1, _MOST_CHANGES)):
            _change(chosen, rng, tokens)
        yield "".join(chosen)[:MOST_CHARACTERS]


def _change(tokens: list[str], rng: random.Random, others: list[list[str]]) -> None:
    at = rng.randrange(len(tokens) + 1)
    end = at + int(rng.expovariate(0.3))
    match rng.randrange(5):
        case 0:
            tokens[at:end] = []
        case 1:
            tokens[at:at] = tokens[at:end]
        case 2:
            other = rng.choice(others)
            start = rng.randrange(len(other))
            tokens[at:end] = other[start : start + int(rng.expovariate(0.1)) + 1]
        case 3:
            tokens[at : at + rng.randrange(2)] = [rng.choice(_TELLING)]
        case _:
            if at < len(tokens):
                token = tokens[at]
                place = rng.randrange(len(token) + 1)
                character = chr(rng.randrange(rng.choice((0x80, 0x3000))))
                tokens[at] = token[:place] + character + token[place + 1 :]


def check(text: str) -> bool:
    """Whether the text is a program. Raises CheckFailed unless it is refused as it should be, or survives printing."""
    try:
        program = parse_program(text)
    except DecodeError as error:
        if "\n" in str(error) or not str(error):
            raise CheckFailed(f"the refusal is not one line: {text!a}") from error
        return False
    except Exception as error:
        raise CheckFailed(f"{type(error).__name__} from the parser: {text!a}") from error
    try:
        again = parse_program(print_program(program))
    except Exception as error:
        raise CheckFailed(f"{type(error).__name__} from what the printer wrote: {text!a}") from error
    if again != program:
        raise CheckFailed(f"printed and parsed, it is another program: {text!a}")
    return True


def _try_share(share: Share) -> int:
    _limit_memory()
    signal.signal(signal.SIGALRM, _too_slow)
    tried = 0
    for text in mutants(share):
        signal.alarm(_SECONDS)
        check(text)
        tried += 1
    signal.alarm(0)
    return tried


def _limit_memory() -> None:
    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    resource.setrlimit(resource.RLIMIT_DATA, (used + _MOST_BYTES, hard))


def _too_slow(signal_number: int, frame: FrameType | None) -> None:
    raise TimeoutError(f"more than {_SECONDS} seconds")
