"""Structured messages, and the backends that take them."""

from costmodel.records.message import Break, Message, Severity, Summary
from costmodel.trace.config import TraceConfig, load_trace_config, open_trace
from costmodel.trace.log import JsonLines, Log, read_log
from costmodel.trace.trace import SILENT, START, Backend, Channel, Route, Tally, Trace

__all__ = [
    "SILENT",
    "START",
    "Backend",
    "Break",
    "Channel",
    "JsonLines",
    "Log",
    "Message",
    "Route",
    "Severity",
    "Summary",
    "Tally",
    "Trace",
    "TraceConfig",
    "load_trace_config",
    "open_trace",
    "read_log",
]
