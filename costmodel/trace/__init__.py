"""Structured messages, and the backends that take them."""

from costmodel.records.message import Break, LogSummary, Message, Severity
from costmodel.trace.config import TraceConfig, load_trace_config, open_trace
from costmodel.trace.log import JsonLines, Log, read_log
from costmodel.trace.trace import SILENT, START, Channel, MessageTally, Route, Trace, TraceBackend

__all__ = [
    "SILENT",
    "START",
    "Break",
    "Channel",
    "JsonLines",
    "Log",
    "LogSummary",
    "Message",
    "MessageTally",
    "Route",
    "Severity",
    "Trace",
    "TraceBackend",
    "TraceConfig",
    "load_trace_config",
    "open_trace",
    "read_log",
]
