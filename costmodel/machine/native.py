"""The native machine (native/machine, C11) as Python objects that own what C allocates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from costmodel._native import ffi, lib
from costmodel.errors import CheckFailed, DecodeError, EnvironmentFault, InputError, ModelError
from costmodel.machine.interface import EvaluationStatus, Outcome, Subject
from costmodel.model import (
    CostModel,
    ExUnits,
    StepKind,
    Variant,
    from_array,
    ledger_model,
    pack,
    proposed_model,
    variant_for,
)
from costmodel.plutus import (
    BUILTINS,
    NO_BOUNDS,
    UPLC_1_1_0,
    LedgerLanguage,
    available,
    decoding_bounds,
    uplc_version_available,
)

DEFAULT_MEMORY_CAP: Final = 1 << 30
"""Bytes that one script or one run may hold: more than any budget of the chain can fill."""

PRINTABLE: Final = 1 << 20
"""A cap on results, in bytes and in eighths of a part, with which they are decoded and printed within a second. A
result may be longer than anything in memory, as what it shares is written out each time."""

STATUSES: Final = {
    lib.CAL_OK: EvaluationStatus.SUCCESS,
    lib.CAL_FAILED: EvaluationStatus.FAILURE,
    lib.CAL_OVER_BUDGET: EvaluationStatus.OVER_BUDGET,
    lib.CAL_OUT_OF_MEMORY: EvaluationStatus.OUT_OF_MEMORY,
}
_STEP_NAMES: Final = tuple((kind.name.lower(), int(kind)) for kind in StepKind)
_ROW_NAMES: Final = tuple(ffi.string(row.name).decode() if row.name else "" for row in lib.cal_builtins)
_VARIANTS: Final = {variant: number for number, variant in enumerate(Variant)}


@dataclass(frozen=True)
class BuildInfo:
    """How the native extension was built. `libraries` names each library with its version."""

    compiler: str
    flags: str
    libraries: str
    source_sha256: str


@dataclass(frozen=True, slots=True)
class Features:
    """What the time of a run is predicted from beside its steps; nothing is charged for it.

    `footprint` is how many different nodes of the decoded script the run computes; variables and constants lie in the
    nodes that have them as parts. `counts` are, by name: `frames_walked` on the way to variables further out,
    `far_variables`, to which the way is worked out first, `lets` and `forced_delays`, for which no closure is built,
    `constant_cases`, which are on values of builtin types, `fields_applied` of constructors by the other cases,
    `continuations_pushed`, `bytes_allocated` in the machine's arena, `bytes_uncached`, those beyond what the nearest
    cache holds, `partial_calls` of builtins by the last argument of a partial application, `mispredictions` of
    simulated branch predictors, `mispredicted_operands`, variables and constants to which they do not foresee the way,
    and `calls_A_F`, saturated calls of builtins of A arguments and F forces.
    """

    footprint: int
    counts: dict[str, float]


BINDERS: Final = "binders_passed"
"""The feature of evaluators whose environment is a list of all variables; see `NativeMachine.binders_passed`."""

CONSTANT_CASES: Final = "constant_cases"
"""The feature of programs that evaluators of protocol version 10 and before do not run."""

_COUNTED: Final = (
    "frames_walked",
    "far_variables",
    "lets",
    "forced_delays",
    CONSTANT_CASES,
    "fields_applied",
    "continuations_pushed",
    "bytes_allocated",
    "bytes_uncached",
    "partial_calls",
    "mispredictions",
    "mispredicted_operands",
)


@cache
def build_info() -> BuildInfo:
    """What the loaded extension says of itself."""
    functions = (
        lib.cal_build_compiler,
        lib.cal_build_flags,
        lib.cal_build_libraries,
        lib.cal_build_source_sha256,
    )
    return BuildInfo(*(ffi.string(function()).decode() for function in functions))


@cache
def _start_libraries() -> None:
    if lib.cal_initialise() != 0:
        raise EnvironmentFault("libsodium does not start on this machine")


def text_of(error: Any) -> str:
    return str(ffi.string(error.text).decode("utf-8", "replace"))


@cache
def decode_options(language: LedgerLanguage | None, protocol_version: int, measuring: bool) -> Any:
    """What a script may hold, as a `cal_decode_options *`, for `Script.decode` and the timing layer."""
    options = ffi.new("cal_decode_options *")
    for builtin in BUILTINS:
        options.builtins[builtin.tag] = language is None or available(builtin, language, protocol_version)
    options.version_1_1 = language is None or uplc_version_available(UPLC_1_1_0, language, protocol_version)
    bounds = NO_BOUNDS if language is None else decoding_bounds(protocol_version)
    options.max_fields, options.max_type_size = bounds.constr_fields, bounds.type_size
    options.memory_cap = DEFAULT_MEMORY_CAP
    if measuring:
        for tag in range(lib.CAL_BUILTINS, len(_ROW_NAMES)):
            options.builtins[tag] = _ROW_NAMES[tag] != ""
    return options


class Script:
    """A decoded program, with the arguments applied to it so far."""

    def __init__(self, handle: Any) -> None:
        self.handle = ffi.gc(handle, lib.cal_script_free)
        """The `cal_script *`, for the timing layer."""

    @classmethod
    def decode(
        cls,
        flat: bytes,
        language: LedgerLanguage | None,
        protocol_version: int = 0,
        *,
        group_elements: bool = False,
        measuring: bool = False,
        own_frames: bool = False,
    ) -> Script:
        """Decodes flat bytes by the rules of a language and protocol version; without a language all is available.

        `group_elements` admits BLS12-381 constants, which the text form has and chain scripts have not; `measuring`
        admits the no-ops that builtins are measured against; `own_frames` gives each variable a frame of its own, for
        `NativeMachine.binders_passed`. Raises DecodeError.
        """
        _start_libraries()
        options = decode_options(language, protocol_version, measuring)
        if group_elements or own_frames:
            options = ffi.new("cal_decode_options *", options[0])
            options.group_elements, options.own_frames = group_elements, own_frames
        out = ffi.new("cal_script **")
        error = ffi.new("cal_error *")
        if lib.cal_script_decode(flat, len(flat), options, out, error) != lib.CAL_OK:
            raise DecodeError(text_of(error))
        return cls(out[0])

    def apply_data(self, cbor: bytes) -> None:
        """Applies the script to one more argument. Raises DecodeError where the bytes are not Data."""
        error = ffi.new("cal_error *")
        if lib.cal_script_apply_data(self.handle, cbor, len(cbor), error) != lib.CAL_OK:
            raise DecodeError(text_of(error))

    @property
    def nodes(self) -> int:
        """Number of terms in the program as written, arguments included."""
        return int(self.handle.nodes)


class NativeMachine:
    """The CEK machine of native/machine with one cost model. Not for use by two threads at once."""

    def __init__(
        self,
        model: CostModel,
        variant: Variant,
        *,
        memory_cap: int = DEFAULT_MEMORY_CAP,
        result_cap: int = PRINTABLE,
    ) -> None:
        self._start(pack(model).tobytes(), variant, memory_cap, result_cap)

    @classmethod
    def of_packed(cls, packed: bytes, variant: Variant) -> NativeMachine:
        """A machine with a model that `pack` laid out. ModelError where the bytes are no packed model."""
        machine = cls.__new__(cls)
        machine._start(packed, variant, DEFAULT_MEMORY_CAP, PRINTABLE)
        return machine

    def _start(self, packed: bytes, variant: Variant, memory_cap: int, result_cap: int) -> None:
        _start_libraries()
        self.packed = ffi.from_buffer("int64_t[]", packed)
        """The cost model and its variant as C takes them, for the timing layer."""
        self.variant = _VARIANTS[variant]
        self._result_cap = result_cap
        error = ffi.new("cal_error *")
        handle = lib.cal_machine_new(self.packed, len(self.packed), self.variant, memory_cap, error)
        if handle == ffi.NULL:
            raise ModelError(text_of(error))
        self.handle = ffi.gc(handle, lib.cal_machine_free)
        """The `cal_machine *`, for the timing layer."""

    def evaluate(self, script: Script, budget: ExUnits, *, result: bool = False) -> Outcome:
        """Runs a script within a budget; `result` asks for the resulting term too.

        Raises ModelError where the model has no price for something that the script does.
        """
        status, raw, error = self._run(script, budget)
        written, unwritten = self._write_result(raw, script) if result and status == lib.CAL_OK else (None, None)
        # At once: an element at a time takes as long as many a run.
        steps, builtins = (ffi.unpack(counts, len(counts)) for counts in (raw.steps, raw.builtins))
        outcome = Outcome(
            status=STATUSES[status],
            spent=ExUnits(raw.spent.cpu, raw.spent.mem),
            steps={name: steps[kind] for name, kind in _STEP_NAMES if steps[kind]},
            builtins={name: count for name, count in zip(_ROW_NAMES, builtins, strict=True) if count},
            result=written,
            unwritten=unwritten,
            error=None if status == lib.CAL_OK else text_of(error),
            logs=self._logs(),
        )
        lib.cal_machine_release(self.handle)
        return outcome

    def spent(self, script: Script, budget: ExUnits) -> ExUnits:
        """What a script spends within a budget, whether it succeeds or not: `evaluate` for those who want no more.

        Raises ModelError where the model has no price for something that the script does.
        """
        _, raw, _ = self._run(script, budget)
        lib.cal_machine_release(self.handle)
        return ExUnits(raw.spent.cpu, raw.spent.mem)

    def _run(self, script: Script, budget: ExUnits) -> tuple[int, Any, Any]:
        """The status, outcome and error of a run whose memory is still to be released."""
        raw, error = ffi.new("cal_outcome *"), ffi.new("cal_error *")
        limit = ffi.new("cal_ex_units *", {"cpu": budget.cpu, "mem": budget.mem})
        status = lib.cal_machine_run(self.handle, script.handle, limit[0], raw, error)
        if status == lib.CAL_UNSUPPORTED:
            raise ModelError(text_of(error))
        return status, raw, error

    def features(self, script: Script, budget: ExUnits) -> Features:
        """What runs of a script within a budget count beside steps. Takes several times as long as a run."""
        raw = self._counted(script, budget)
        calls = {
            f"calls_{arity}_{forces}": float(count)
            for arity, row in enumerate(raw.calls)
            for forces, count in enumerate(row)
            if count
        }
        return Features(raw.footprint, {name: float(getattr(raw, name)) for name in _COUNTED} | calls)

    def binders_passed(self, script: Script, budget: ExUnits) -> int:
        """How many binders lie between each variable that runs of a script within a budget look up and its own, summed:
        the de Bruijn indices less one. The script is one decoded with `own_frames`."""
        return int(self._counted(script, budget).frames_out)

    def _counted(self, script: Script, budget: ExUnits) -> Any:
        raw, outcome, error = ffi.new("cal_features *"), ffi.new("cal_outcome *"), ffi.new("cal_error *")
        limit = ffi.new("cal_ex_units *", {"cpu": budget.cpu, "mem": budget.mem})
        lib.cal_machine_run_counting(self.handle, script.handle, limit[0], outcome, raw, error)
        lib.cal_machine_release(self.handle)
        return raw

    def _logs(self) -> tuple[str, ...]:
        log = lib.cal_machine_log(self.handle)
        lines = (ffi.cast("cal_bytes *", log.lines[i]) for i in range(log.count))
        said = tuple(bytes(ffi.buffer(line.data, line.length)).decode() for line in lines)
        return (*said, f"… and {log.dropped} more lines") if log.dropped else said

    def _write_result(self, outcome: Any, script: Script) -> tuple[bytes | None, str | None]:
        out = ffi.new("uint8_t **")
        length = ffi.new("size_t *")
        error = ffi.new("cal_error *")
        status = lib.cal_machine_write_result(
            self.handle,
            outcome,
            script.handle.version,
            self._result_cap,
            ffi.cast("const uint8_t **", out),
            length,
            error,
        )
        if status != lib.CAL_OK:
            return None, text_of(error)
        return bytes(ffi.buffer(out[0], length[0])), None


def exact_machine(variant: Variant, model: CostModel | None = None, *, result_cap: int = PRINTABLE) -> NativeMachine:
    """A machine that charges as a cost model says, by default the ledger's own of that variant; a result may have
    `result_cap` bytes."""
    return NativeMachine(model or ledger_model(variant), variant, result_cap=result_cap)


def language_of(subject: Subject) -> LedgerLanguage:
    """InputError where it names none."""
    try:
        return LedgerLanguage(subject.language)
    except ValueError:
        raise InputError(f"cell {subject.id!r} is in {subject.language!r}, which is no ledger language") from None


def machine_for(subject: Subject, parameters: Sequence[int] | None = None) -> NativeMachine:
    """A machine for a subject's language and protocol version; `parameters` is its cost model as the ledger's array."""
    language, version = language_of(subject), subject.protocol_version
    variant = variant_for(language, version)
    # What has no price yet can be measured all the same.
    model = proposed_model(variant) if parameters is None else from_array(parameters, language, version)
    return exact_machine(variant, model)


def decoded(subject: Subject) -> Script:
    """A subject's program with its arguments applied. Raises DecodeError."""
    script = Script.decode(subject.flat, language_of(subject), subject.protocol_version, measuring=subject.nops)
    for argument in subject.arguments:
        script.apply_data(argument)
    return script


def exact_outcome(
    subject: Subject, machine: NativeMachine, script: Script, budget: ExUnits, *, result: bool = False
) -> Outcome:
    """What a subject comes to; `result` as in `NativeMachine.evaluate`. CheckFailed where that is no success, or does
    not take the steps that it says."""
    outcome = machine.evaluate(script, budget, result=result)
    if outcome.status is not EvaluationStatus.SUCCESS:
        raise CheckFailed(f"cell {subject.id!r} ends in {outcome.status.value} instead of success: {outcome.error}")
    counted = (("steps", subject.steps, outcome.steps), ("builtins", subject.builtins, outcome.builtins))
    for what, planned, found in counted:
        expected = {name: count for name, count in planned.items() if count}
        if expected != found:
            raise CheckFailed(f"cell {subject.id!r} takes the {what} {found} instead of the planned {expected}")
    return outcome
