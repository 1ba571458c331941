"""What a configuration of tracing opens, and what it refuses."""

from pathlib import Path

import msgspec
import pytest

from costmodel.errors import InputError
from costmodel.trace import Message, Route, Severity, Trace, TraceConfig, load_trace_config, open_trace
from costmodel.trace.config import ToCollector, endpoint_of


class Ear:
    """A backend that remembers."""

    def __init__(self) -> None:
        self.heard: list[Message] = []

    def emit(self, message: Message) -> None:
        self.heard.append(message)

    def close(self) -> str:
        return "closed"


def configured(tmp_path: Path, text: str) -> TraceConfig:
    (tmp_path / "trace.toml").write_text(text, encoding="utf-8")
    return load_trace_config(tmp_path / "trace.toml")


def test_without_a_file_and_an_endpoint_nothing_is_traced() -> None:
    assert open_trace(load_trace_config(None), {}).routes == ()


def test_a_local_folder_gets_a_file_for_each_process(tmp_path: Path) -> None:
    config = configured(tmp_path, f'mute = ["a.b"]\n[local]\nfolder = "{tmp_path / "traces"}"\nseverity = "warning"')
    for _ in range(2):
        trace = open_trace(config, {})
        trace.emit("a.b", "muted", Severity.ERROR)
        trace.emit("a", "quiet", Severity.INFO)
        trace.emit("a", "loud", Severity.WARNING, number=1)
        assert trace.close() == ()
    files = list((tmp_path / "traces").iterdir())
    assert len(files) == 2
    for path in files:
        (line,) = path.read_bytes().splitlines()
        assert msgspec.json.decode(line, type=Message).kind == "loud"


def test_the_terminal_shows_a_line_without_control_characters(capsys: pytest.CaptureFixture[str]) -> None:
    trace = open_trace(msgspec.convert({"terminal": {}}, TraceConfig), {})
    trace.emit("a", "kind", Severity.WARNING, text="\x1b[2J\n")
    trace.emit("a", "kind", Severity.DEBUG)
    trace.close()
    (line,) = capsys.readouterr().err.splitlines()
    assert line.endswith(r'warning a kind text="\u001b[2J\n"')


def test_muted_namespaces_have_no_channel() -> None:
    ear = Ear()
    trace = Trace(Route(ear, mute=("evaluator",)))
    assert trace.channel("evaluator") is None
    assert trace.channel("evaluator.script") is None
    assert trace.channel("evaluators") is not None
    assert Trace().channel("anything") is None


def test_each_backend_hears_what_it_is_to_hear() -> None:
    everything, warnings = Ear(), Ear()
    trace = Trace(Route(everything), Route(warnings, Severity.WARNING))
    for severity in Severity:
        trace.emit("a", "kind", severity)
    assert [message.severity for message in everything.heard] == list(Severity)
    assert [message.severity for message in warnings.heard] == [Severity.WARNING, Severity.ERROR]
    assert trace.close() == ("closed", "closed")


def test_the_usual_configuration_mutes_the_evaluator() -> None:
    assert TraceConfig().mute == ("evaluator",)


@pytest.mark.parametrize(
    ("remote", "environment", "endpoint"),
    [
        (ToCollector(), {}, None),
        (ToCollector(), {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://h:1"}, "http://h:1/v1/logs"),
        (ToCollector(), {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://h:1/"}, "http://h:1/v1/logs"),
        (ToCollector(), {"OTEL_EXPORTER_OTLP_LOGS_ENDPOINT": "https://h/x"}, "https://h/x"),
        (ToCollector(endpoint="http://mine"), {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://h"}, "http://mine/v1/logs"),
        (ToCollector(endpoint="http://mine/v1/logs"), {}, "http://mine/v1/logs"),
        (ToCollector(enabled=False), {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://h:1"}, None),
    ],
)
def test_the_endpoint_is_the_files_or_the_environments(
    remote: ToCollector, environment: dict[str, str], endpoint: str | None
) -> None:
    assert endpoint_of(remote, environment) == endpoint


@pytest.mark.parametrize("url", ["host:4318", "ftp://host", "http://", "http://[::1", "http://h:99999"])
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(InputError, match="is no address of a collector"):
        endpoint_of(ToCollector(endpoint=url), {})


@pytest.mark.parametrize(
    "text",
    [
        "mute = 3",
        "[remote]\nendpiont = 'x'",
        "[local]",
        "x = [",
        "[remote]\nbuffer_bytes = 1",
        "[terminal]\nseverity=9",
        '[local]\nfolder = "a\\u0000b"',
        '[local]\nfolder = ""',
    ],
)
def test_a_configuration_with_an_error_is_refused_with_its_name(tmp_path: Path, text: str) -> None:
    with pytest.raises(InputError, match=r"trace\.toml is no configuration of tracing: "):
        configured(tmp_path, text)


def test_a_configuration_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="No such file"):
        load_trace_config(tmp_path / "none.toml")
