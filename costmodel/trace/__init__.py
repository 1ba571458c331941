"""Structured messages, and the backends that take them."""

from costmodel.records.message import Break, Message, Severity, Summary
from costmodel.trace.config import TraceConfig, load_trace_config, open_trace
from costmodel.trace.jsonl import JsonLines
from costmodel.trace.log import Log, read_log
from costmodel.trace.message import START, Tally
from costmodel.trace.trace import SILENT, Backend, Channel, Route, Trace

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
