"""What is odd about runs: files that changed, logs with holes, runs that should not be pooled.

Every check is of files alone, so a run can be checked long after, and on another machine.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from statistics import median
from typing import Any, Final

import msgspec

from costmodel.errors import CalibrateError, InputError
from costmodel.files import TEMPORARY_PREFIX, is_locked, read_bytes
from costmodel.records import decode_json
from costmodel.records.message import Break, LogSummary, Severity
from costmodel.records.run import FileFact, Origin, RunStatus, SessionOutcome, manifest_checksum
from costmodel.runs.store import DESIGN, LOCK, MANIFEST, MESSAGES, PARTS, PROGRAMS, SAMPLES, Run, file_fact
from costmodel.trace import START, Log, read_log

SESSIONS: Final[Mapping[str, tuple[str, str]]] = {
    "timing.session": ("process_begin", "process_end"),
    "cluster": ("node_ready", "node_end"),
}
"""Namespaces of what makes runs, with what they say of a process that begins and ends. Each says `start` and `end` of
itself, and a `block` of each."""

_BLOCK: Final = "block"

_MANY: Final = 4.0  # times the median rate of a kind, or the same share of it: odd
_FEWEST_RUNS: Final = 3  # for a median to mean anything
_TELLING: Final = (Severity.WARNING, Severity.ERROR)


class Kind(StrEnum):
    """What is odd."""

    UNREADABLE = "unreadable"
    CHANGED = "changed checksum"
    MISSING_FILE = "missing file"
    UNLISTED_FILE = "unlisted file"
    CHANGED_INPUT = "changed input"
    DAMAGED_LOG = "damaged log"
    MISSING_KIND = "missing message kind"
    FREQUENCY = "odd frequency"
    GAP = "gap"
    CLOCK_JUMP = "clock jump"
    UNFINISHED = "unfinished"
    DISTURBED = "disturbed"
    UNLIKE = "unlike runs pooled"


class Finding(msgspec.Struct, frozen=True):
    """One oddity, in a sentence. `where` is the run's folder or the file. An error means that the data are not what the
    run wrote; a warning that they may mislead; information explains what was noticed."""

    kind: Kind
    severity: Severity
    where: str
    text: str


def run_findings(path: Path) -> tuple[Finding, ...]:
    """What is odd about one run folder, its files, log and inputs. Never raises for what is wrong with the run."""
    try:
        return tuple(_findings(Run.open(path)))
    except InputError as error:
        text = str(error)
    except OSError as error:  # of a folder that must not be looked into, or that vanished
        text = f"cannot be read: {error.strerror or error}"
    return (Finding(Kind.UNREADABLE, Severity.ERROR, str(path), text),)


def _findings(run: Run) -> Iterator[Finding]:
    log, unread = _read_messages(run)
    for found in (_status(run), _disturbed(run), _manifest(run), _files(run), _unlisted(run), unread, _inputs(run)):
        yield from found
    if log is not None:
        where = str(run.path / MESSAGES)
        yield from _damage(log, where)
        for check in (_kinds, _frequencies, _breaks):
            yield from check(run, log.summary, where)


def pool_findings(runs: Sequence[Run]) -> tuple[Finding, ...]:
    """What is odd about treating these runs as one: unlike machines, builds or clocks, and logs unlike the others'."""
    return (*_unlike(runs), *_unlike_logs(runs))


def verify_folder(folder: Path) -> tuple[Finding, ...]:
    """Every finding about a run folder, or about each run in a folder of them. InputError where there is no run."""
    paths = run_folders(folder)
    return tuple(finding for path in paths for finding in run_findings(path))


def run_folders(folder: Path) -> tuple[Path, ...]:
    """The folder itself if it is a run, else the runs right below it. InputError where there is none."""
    try:
        below = [folder, *sorted(path for path in folder.iterdir() if path.is_dir())]
    except OSError as error:
        raise InputError(f"cannot read {folder}: {error.strerror}") from error
    runs = [path for path in below if _may_be_run(path)]
    if not runs:
        raise InputError(f"{folder} is no run and has none in it; name a run's folder or the folder of runs")
    return tuple(runs[:1] if runs[0] == folder else runs)


def _may_be_run(path: Path) -> bool:
    try:
        return any((path / name).exists() for name in (MANIFEST, DESIGN))
    except OSError:  # it may not be looked into, which will be said of it
        return True


def _status(run: Run) -> Iterator[Finding]:
    status = run.manifest.status
    if status is RunStatus.RUNNING:
        if is_locked(run.path / LOCK):
            yield Finding(Kind.UNFINISHED, Severity.INFO, str(run.path), "is being written")
            return
        text = "says that it is running, and nobody on this machine writes to it: its writer was killed"
        yield Finding(Kind.UNFINISHED, Severity.WARNING, str(run.path), text)
    elif status is not RunStatus.COMPLETE:
        text = f"did not complete: {run.manifest.status_reason or status.value}"
        yield Finding(Kind.UNFINISHED, Severity.WARNING, str(run.path), text)


def _disturbed(run: Run) -> Iterator[Finding]:
    outcome = run.manifest.outcome
    for text in outcome.warnings if isinstance(outcome, SessionOutcome) else ():
        yield Finding(Kind.DISTURBED, Severity.WARNING, str(run.path), text)


def _manifest(run: Run) -> Iterator[Finding]:
    """Whether the manifest is the run's own, and names the design that lies beside it."""
    path = run.path / MANIFEST
    document = decode_json(read_bytes(path), dict[str, Any], str(path))
    if "checksum" not in document:
        text = "has no checksum of its own, so nothing tells whether it was edited"
        yield Finding(Kind.UNLISTED_FILE, Severity.INFO, str(path), text)
    elif document["checksum"] != manifest_checksum(document):
        text = "was edited: its content does not have the checksum that it gives"
        yield Finding(Kind.CHANGED, Severity.ERROR, str(path), text)
    listed = run.manifest.files.get(DESIGN) or file_fact(run.path / DESIGN)
    if run.manifest.design_sha256 != listed.sha256:
        text = "is not the design that the run began with, as its manifest has it"
        yield Finding(Kind.CHANGED, Severity.ERROR, str(run.path / DESIGN), text)


def _files(run: Run) -> Iterator[Finding]:
    for name, fact in sorted(run.manifest.files.items()):
        path = run.path / name
        if ".." in Path(name).parts or Path(name).is_absolute():
            yield Finding(Kind.UNREADABLE, Severity.ERROR, str(run.path), f"its manifest lists {name!r}, outside of it")
        elif not path.exists():
            yield Finding(Kind.MISSING_FILE, Severity.ERROR, str(path), "is listed in the manifest and not there")
        else:
            yield from _compare(path, fact, Kind.CHANGED, Severity.ERROR, "is not the file that the run wrote")


def _compare(path: Path, fact: FileFact, kind: Kind, severity: Severity, what: str) -> Iterator[Finding]:
    try:
        now = file_fact(path)
    except InputError as error:
        yield Finding(Kind.UNREADABLE, Severity.ERROR, str(path), str(error))
        return
    if now != fact:
        size = "as many bytes" if now.bytes == fact.bytes else f"{now.bytes} bytes instead of {fact.bytes}"
        text = f"{what}: SHA-256 {now.sha256[:12]}… instead of {fact.sha256[:12]}…, {size}"
        yield Finding(kind, severity, str(path), text)


def _unlisted(run: Run) -> Iterator[Finding]:
    """Files that the run did not write, once it has ended and listed its own."""
    if run.manifest.status is RunStatus.RUNNING:
        return
    known = {*run.manifest.files, MANIFEST, LOCK}
    for path in sorted(run.path.iterdir()):
        if path.name not in known and not path.name.startswith(TEMPORARY_PREFIX):
            severity = Severity.WARNING if path.name in (DESIGN, PROGRAMS, PARTS, MESSAGES, SAMPLES) else Severity.INFO
            text = "is not listed in the run's manifest, so nothing vouches for it"
            yield Finding(Kind.UNLISTED_FILE, severity, str(path), text)


def _inputs(run: Run) -> Iterator[Finding]:
    for name, fact in sorted(run.manifest.inputs.items()):
        path = Path(name)
        if path.is_file():
            what = "is not the input any more that the run was made from"
            yield from _compare(path, fact, Kind.CHANGED_INPUT, Severity.WARNING, what)
        else:
            text = "was an input of the run and is not here to be compared"
            yield Finding(Kind.CHANGED_INPUT, Severity.INFO, name, text)


def _read_messages(run: Run) -> tuple[Log | None, list[Finding]]:
    path = run.path / MESSAGES
    if not path.is_file():
        if MESSAGES in run.manifest.files:  # said of the files
            return None, []
        return None, [Finding(Kind.DAMAGED_LOG, Severity.WARNING, str(path), "is not there: the run has no log")]
    try:
        return read_log(path), []
    except InputError as error:
        return None, [Finding(Kind.UNREADABLE, Severity.ERROR, str(path), str(error))]


def _damage(log: Log, where: str) -> Iterator[Finding]:
    if log.damage:
        lines = ", ".join(str(number) for number, _ in log.damaged)
        more = " and more" if log.damage > len(log.damaged) else ""
        text = f"{log.damage} of its lines are no messages: {lines}{more} ({log.damaged[0][1]})"
        yield Finding(Kind.DAMAGED_LOG, Severity.ERROR, where, text)
    if log.torn:
        text = f"its last line was cut short after {log.torn} bytes"
        yield Finding(Kind.DAMAGED_LOG, Severity.WARNING, where, text)


def _kinds(run: Run, now: LogSummary, where: str) -> Iterator[Finding]:
    """Kinds that the manifest counts or that every session has, and that the log lacks."""
    counted = run.manifest.messages.counts
    sessions = _sessions(run, now) if run.manifest.status is RunStatus.COMPLETE else ()
    # Not the end of a process: the time budget may end a session before any of them.
    usual = {f"{name}/{kind}" for name in sessions for kind in (START, SESSIONS[name][0], _BLOCK, "end")}
    for kind in sorted({*counted, *usual} - {*now.counts}):
        told = counted.get(kind)
        expected = f"the manifest counts {told}" if told else "every complete session has some"
        yield Finding(Kind.MISSING_KIND, Severity.WARNING, where, f"no message {kind}, though {expected}")


def _sessions(run: Run, now: LogSummary) -> list[str]:
    said = {name.partition("/")[0] for name in (*now.counts, *run.manifest.messages.counts)}
    return [session for session in SESSIONS if session in said]


def _frequencies(run: Run, now: LogSummary, where: str) -> Iterator[Finding]:
    """Counts that disagree with the manifest, with one another, or with the samples."""
    ended = run.manifest.status is not RunStatus.RUNNING
    for kind in sorted({*run.manifest.messages.counts, *now.counts}) if ended else ():
        told, found = run.manifest.messages.counts.get(kind, 0), now.counts.get(kind, 0)
        if found and told != found:
            yield Finding(Kind.FREQUENCY, Severity.WARNING, where, f"{found} of {kind}, the manifest counts {told}")
    for session in _sessions(run, now):
        begun, over = (now.counts.get(f"{session}/{kind}", 0) for kind in SESSIONS[session])
        if over > begun > 0 and run.manifest.status is RunStatus.COMPLETE:
            yield Finding(Kind.FREQUENCY, Severity.WARNING, where, f"{over} processes ended of {begun} that began")
        yield from _against_samples(run, now, f"{session}/{_BLOCK}", where)


def _against_samples(run: Run, now: LogSummary, kind: str, where: str) -> Iterator[Finding]:
    """Every block is told of before its samples are written; a kill in between loses the samples alone."""
    if SAMPLES in run.manifest.files and not (run.path / SAMPLES).is_file():
        return  # said of the files
    try:
        blocks = run.table(["process", "block"]).group_by(["process", "block"]).aggregate([]).num_rows
    except CalibrateError as error:
        yield Finding(Kind.UNREADABLE, Severity.ERROR, str(run.path), str(error))
        return
    told = now.counts.get(kind, 0)
    if 0 < told < blocks:
        text = f"{told} of {kind}, the samples are of {blocks} blocks: messages are missing"
        yield Finding(Kind.FREQUENCY, Severity.WARNING, where, text)
    elif told > blocks and run.manifest.status is not RunStatus.RUNNING:
        text = f"tells of {told - blocks} blocks that have no samples: a kill took those"
        yield Finding(Kind.FREQUENCY, Severity.INFO, where, text)


def _breaks(run: Run, now: LogSummary, where: str) -> Iterator[Finding]:
    for jump in now.jumps:
        way = "forward" if jump.seconds > 0 else "back"
        text = f"the clock jumped {way} by {_seconds(jump)} before message {jump.message} ({jump.kind})"
        yield Finding(Kind.CLOCK_JUMP, Severity.WARNING, where, text)
    # Counting instructions is slow, and a block of it takes its time.
    counting = run.manifest.clock.name == "icount"
    for gap in now.gaps:
        resumed = gap.kind == START
        text = f"{_seconds(gap)} without a message before message {gap.message} ({gap.kind})"
        text += ": the run was resumed" if resumed else ""
        severity = Severity.INFO if resumed or counting else Severity.WARNING
        yield Finding(Kind.GAP, severity, where, text)
    if now.unlisted:
        yield Finding(Kind.GAP, Severity.WARNING, where, f"{now.unlisted} more gaps and clock jumps")


def _seconds(found: Break) -> str:
    seconds = abs(found.seconds)
    return f"{seconds:.3g} s" if seconds < 100 else f"{seconds:,.0f} s"


def _unlike(runs: Sequence[Run]) -> Iterator[Finding]:
    for what, fact in _FACTS.items():
        groups = Counter(fact(run) for run in runs)
        if len(groups) > 1:
            common = groups.most_common(1)[0][0]
            others = ", ".join(run.name for run in runs if fact(run) != common)
            text = f"{len(runs)} runs are from {len(groups)} {what}; other than most: {others}"
            yield Finding(Kind.UNLIKE, Severity.WARNING, others, text)


def _words(facts: Mapping[str, str]) -> str:
    return " ".join(f"{name}={fact}" for name, fact in sorted(facts.items()))


_FACTS: Final[Mapping[str, Callable[[Run], str]]] = {
    "machines": lambda run: run.manifest.machine.id,
    "builds of the evaluator": lambda run: _words(run.manifest.evaluator),
    "versions of calibrate": lambda run: run.manifest.versions.get("calibrate", "unknown"),
    "clocks": lambda run: run.manifest.clock.name,
}
"""What runs must have in common to be pooled."""


def _unlike_logs(runs: Sequence[Run]) -> Iterator[Finding]:
    """Kinds that one run has far more or less often, for each process that it began, than runs of its experiment."""
    for experiment in sorted({run.manifest.experiment for run in runs}):
        alike = [run for run in runs if run.manifest.experiment == experiment and run.manifest.messages.counts]
        if len(alike) < _FEWEST_RUNS:
            continue
        for kind in sorted({kind for run in alike for kind in run.manifest.messages.counts}):
            usual = median(_rate(run, kind) for run in alike)
            for run in alike:
                rate = _rate(run, kind)
                if usual and not usual / _MANY <= rate <= usual * _MANY:
                    text = f"{rate:.3g} of {kind} a process, other runs of {experiment} have {usual:.3g}"
                    missing = Kind.FREQUENCY if rate else Kind.MISSING_KIND
                    yield Finding(missing, Severity.WARNING, str(run.path / MESSAGES), text)


def _rate(run: Run, kind: str) -> float:
    counts = run.manifest.messages.counts
    return counts.get(kind, 0) / max(1, sum(counts.get(f"{name}/{begin}", 0) for name, (begin, _) in SESSIONS.items()))


def origin(run: Run) -> Origin:
    """A run as an input: hashes and sizes of its files, what its log holds, and how it was made.

    InputError where its manifest cannot be read.
    """
    manifest = run.manifest
    return Origin(
        run=run.name,
        created=manifest.created,
        command_line=manifest.command_line,
        versions=manifest.versions,
        machine=manifest.machine.id,
        clock=manifest.clock.name,
        parameters=manifest.parameters,
        files={MANIFEST: file_fact(run.path / MANIFEST), **manifest.files},
        inputs=manifest.inputs,
        messages=manifest.messages,
    )


def oddities(runs: Sequence[Run], *, pooled: bool = True) -> tuple[str, ...]:
    """What is odd about runs and, where they are `pooled`, about taking them together: a line each, which does not
    depend on where the runs lie. Mere information is left out."""
    lines = [
        f"{_short(finding.where, run)}: {finding.text}"
        for run in runs
        for finding in run_findings(run.path)
        if finding.severity in _TELLING
    ]
    if pooled and len(runs) > 1:
        lines += [finding.text for finding in pool_findings(runs)]
    return tuple(dict.fromkeys(lines))


def _short(where: str, run: Run) -> str:
    path = Path(where)
    return str(Path(run.name) / path.relative_to(run.path)) if path.is_relative_to(run.path) else where
