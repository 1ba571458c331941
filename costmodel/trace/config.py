"""Which messages go where: a TOML file, and what holds without one.

    mute = ["evaluator"]            # namespaces that no backend hears, and all below them

    [terminal]
    severity = "warning"            # this and above
    mute = ["timing"]

    [local]                         # a JSONL file for each process
    folder = "traces"

    [remote]                        # OTLP over HTTP
    endpoint = "http://127.0.0.1:4318"
    buffer = "spool"                # where messages wait while the collector is away, and how many bytes of them
    buffer_bytes = 67108864
    patience = 5.0                  # seconds that the end of a command waits for the collector

A backend without a section is off, but for the remote one: that is on wherever an endpoint is known, be it from the
file or from OTEL_EXPORTER_OTLP_ENDPOINT (or OTEL_EXPORTER_OTLP_LOGS_ENDPOINT), unless `enabled = false`. Nothing is
sent anywhere without an endpoint. A run's own messages.jsonl is a part of the run, and none of this touches it.
"""

from __future__ import annotations

import logging
import os
import secrets
import time
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Final
from urllib.parse import urlsplit

import msgspec

from costmodel.errors import EnvironmentFault, InputError
from costmodel.files import read_bytes
from costmodel.records.message import Severity
from costmodel.trace.log import JsonLines
from costmodel.trace.trace import Route, Terminal, Trace, TraceBackend

_BASE, _LOGS = "OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT"
_LOGS_PATH: Final = "/v1/logs"


PathText = Annotated[str, msgspec.Meta(min_length=1, pattern=r"^[^\x00]+$")]


class Heard(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a backend is to hear."""

    severity: Severity = Severity.DEBUG
    mute: tuple[str, ...] = ()


class ToTerminal(Heard, frozen=True, kw_only=True, forbid_unknown_fields=True):
    severity: Severity = Severity.INFO


class ToFolder(Heard, frozen=True, kw_only=True, forbid_unknown_fields=True):
    folder: PathText


class ToCollector(Heard, frozen=True, kw_only=True, forbid_unknown_fields=True):
    enabled: bool = True
    endpoint: str | None = None
    buffer: PathText | None = None
    buffer_bytes: Annotated[int, msgspec.Meta(ge=1 << 16)] = 64 << 20
    patience: Annotated[float, msgspec.Meta(ge=0, le=600)] = 5.0


class TraceConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The whole file. The evaluator is muted unless `mute` says otherwise: it has something to say of every script."""

    mute: tuple[str, ...] = ("evaluator",)
    terminal: ToTerminal | None = None
    local: ToFolder | None = None
    remote: ToCollector = ToCollector()


def load_trace_config(path: Path | None) -> TraceConfig:
    """A configuration from its file, or the usual one without a file. InputError, naming what is wrong in it."""
    if path is None:
        return TraceConfig()
    try:
        return msgspec.convert(tomllib.loads(read_bytes(path).decode("utf-8")), TraceConfig)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, msgspec.ValidationError, RecursionError) as error:
        raise InputError(f"{path} is no configuration of tracing: {error}") from error


def open_trace(config: TraceConfig, environment: Mapping[str, str] = os.environ) -> Trace:
    """The trace that a configuration asks for. EnvironmentFault where a backend cannot start."""
    routes: list[Route] = []
    try:
        if config.terminal is not None:
            routes.append(_route(config, config.terminal, Terminal()))
        if config.local is not None:
            routes.append(_route(config, config.local, _local(Path(config.local.folder))))
        endpoint = endpoint_of(config.remote, environment)
        if endpoint is not None:
            routes.append(_route(config, config.remote, _remote(config.remote, endpoint, environment)))
    except BaseException:
        Trace(*routes).close()
        raise
    return Trace(*routes)


def _route(config: TraceConfig, heard: Heard, backend: TraceBackend) -> Route:
    return Route(backend, heard.severity, (*config.mute, *heard.mute))


def _local(folder: Path) -> TraceBackend:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise EnvironmentFault(f"cannot make the folder {folder}: {error.strerror}; name another for traces") from error
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    return JsonLines(folder / f"{stamp}-{secrets.token_hex(4)}.jsonl")


def endpoint_of(remote: ToCollector, environment: Mapping[str, str]) -> str | None:
    """The address that log records are posted to, None where tracing stays on this machine. InputError for no URL."""
    if not remote.enabled:
        return None
    base = remote.endpoint
    if base is None and environment.get(_LOGS):
        return _checked(environment[_LOGS])
    base = base or environment.get(_BASE)
    if not base:
        return None
    return _checked(base.rstrip("/") + ("" if base.rstrip("/").endswith(_LOGS_PATH) else _LOGS_PATH))


def _checked(url: str) -> str:
    try:
        parts = urlsplit(url)
        valid = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        valid = False
    if not valid:
        raise InputError(
            f"{shown_endpoint(url)!r} is no address of a collector; write one such as http://127.0.0.1:4318"
        )
    return url


def shown_endpoint(url: str) -> str:
    """An address of a collector without what may be secret in it: user and password, and the query."""
    scheme, mark, rest = url.partition("://")
    if not mark:
        scheme, rest = "", url
    user, at, place = rest.rpartition("@")
    place, query, _ = place.partition("?")
    return f"{scheme}{mark}{'…' if user else ''}{at}{place}{'?…' if query else ''}"


def _remote(remote: ToCollector, endpoint: str, environment: Mapping[str, str]) -> TraceBackend:
    # The SDK complains by way of logging; what there is to say is said at the end.
    logging.getLogger("opentelemetry").addHandler(logging.NullHandler())
    # It takes a while to load, and most commands do not trace to a collector.
    from costmodel.trace.remote import Remote

    return Remote(endpoint, _buffer(remote, environment), limit=remote.buffer_bytes, patience=remote.patience)


def _buffer(remote: ToCollector, environment: Mapping[str, str]) -> Path:
    if remote.buffer is not None:
        return Path(remote.buffer)
    state = environment.get("XDG_STATE_HOME")
    return (Path(state) if state else Path.home() / ".local" / "state") / "calibrate" / "trace"
