"""Structured messages, and the backends that take them."""

from costmodel.trace.jsonl import JsonLines
from costmodel.trace.message import Backend, Fields, Message, Severity, Summary, Trace

__all__ = ["Backend", "Fields", "JsonLines", "Message", "Severity", "Summary", "Trace"]
