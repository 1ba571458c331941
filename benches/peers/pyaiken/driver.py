"""Times pyaiken, a Python binding of an early aiken, by the protocol of benches/driver.py.

It has no program as a value: `unflat` decodes to text and `eval` parses text, so both are more than their name.
"""

from importlib.metadata import version
from platform import python_version

import cbor2
from pyaiken import uplc  # type: ignore[import-not-found,unused-ignore]

from benches.driver import Request, Timing, serve, time_calls

_CPU, _MEM = 10**12, 10**10


def _evaluate(text: str) -> tuple[int, int]:
    (_, failure), _, (cpu, mem) = uplc.eval(text, [], _CPU, _MEM)
    if failure is not None:
        raise RuntimeError(failure)
    return cpu, mem


def answer(request: Request) -> Timing:
    try:
        return _answer(request)
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:
        # A panic in Rust is no Exception; here it is a refusal like any other.
        raise RuntimeError(str(error)) from None


def _answer(request: Request) -> Timing:
    wrapped = cbor2.dumps(request.flat).hex()
    if request.work == "decode":
        return Timing(time_calls(request, lambda: uplc.unflat(wrapped)))
    text = uplc.unflat(wrapped)
    cpu, mem = _evaluate(text)
    return Timing(time_calls(request, lambda: _evaluate(text)), cpu, mem)


if __name__ == "__main__":
    serve(f"pyaiken {version('pyaiken')}", f"CPython {python_version()}", answer)
