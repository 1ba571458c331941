"""Messages to a collector, through a spool on disk, so that none is lost while it is away."""

from __future__ import annotations

import os
import platform
import secrets
import threading
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Final

from opentelemetry.sdk.resources import Resource

from costmodel import __version__
from costmodel.errors import DecodeError, EnvironmentFault
from costmodel.records import decode_json
from costmodel.records.message import Message, Severity
from costmodel.trace.config import shown_endpoint
from costmodel.trace.otlp import REDIRECTS, SUCCESSES, Delivery, Endpoint, can_be_sent, resource
from costmodel.trace.spool import LARGEST_LINE, MessageSource, Sent, Spool
from costmodel.trace.trace import encoded, stamped

_NAMESPACE: Final = "trace.remote"
_BATCH: Final = 512  # messages of a request,
_BATCH_BYTES: Final = 1 << 20  # and as many bytes of JSON
_GATHER_SECONDS: Final = 0.2  # for a batch to fill
_AGAIN_SECONDS: Final = 1.0  # after the SDK's own retries have failed
_LAST_SECONDS: Final = 1.0  # for a request that is under way when patience ends


class Remote:
    """Sends each message to a collector, in order, as often as it takes, from a thread of its own.

    Messages wait in `folder`, in up to `limit` bytes; what does not fit is counted, told as a message "overflow" and in
    the line that `close` returns. What is left there by processes that have ended is sent too. `close` gives the
    collector `patience` seconds; what it has not taken by then waits on disk for the next process that traces. An
    answer that never ends is given up then.

    A message that the collector refuses for good is not sent again, so that those behind it arrive; it is counted and
    told in the same ways, as "refused". A collector that refuses every request is one that is away.
    """

    def __init__(self, endpoint: str, folder: Path, *, limit: int, patience: float) -> None:
        self.patience = patience
        self._shown = shown_endpoint(endpoint)
        self._collector = Endpoint(endpoint)
        source = MessageSource(secrets.token_hex(8), _facts())
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._left = list(Spool.left_behind(folder))
            room = max(0, limit - sum(spool.bytes for spool in self._left))
            self._spool = Spool.create(folder, source, room)
        except OSError as error:
            raise EnvironmentFault(
                f"cannot write {folder}, where messages wait for the collector: {error.strerror}; name another folder"
            ) from error
        self.source = source.name
        self._folder = folder
        self._unread: set[Path] = set()  # folders of ended processes that cannot be read
        self._resources: dict[Path, Resource] = {}
        self._sequence = 0
        self._order = threading.Lock()
        # Messages by kind that the collector has not been told of: that did not fit, and that it refused.
        self._overflowed: Counter[str] = Counter()
        self._turned_away: Counter[str] = Counter()
        self.dropped = self.refused = 0
        self._refusal = 0  # the last refusal's HTTP status
        self._until = 0.0  # the time of CLOCK_MONOTONIC to give up at, once closing
        self._news = threading.Event()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._deliver, name="trace", daemon=True)
        self._thread.start()

    def emit(self, message: Message) -> None:
        """Hand a message to the spool; it counts as dropped where that is full or the disk refuses."""
        with self._order:
            self._tell(beyond=False)
            if not self._put(message):
                self._sequence += 1  # the collector sees that one is missing
                self.dropped += 1
                self._overflowed[message.name] += 1
        self._news.set()

    def _put(self, message: Message, *, beyond: bool = False) -> bool:
        line = encoded(Sent(self._sequence + 1, message)) + b"\n"
        try:
            taken = len(line) <= LARGEST_LINE and self._spool.put(line, beyond=beyond)
        except OSError:
            return False
        self._sequence += taken
        return taken

    def _tell(self, *, beyond: bool) -> None:
        """Put what the collector has not been told of into the spool; where there is no room, it is told later."""
        for kind, name, counts in (
            ("overflow", "dropped", self._overflowed),
            ("refused", "refused", self._turned_away),
        ):
            if counts:
                fields = {name: counts.total(), "kinds": dict(counts)}
                if self._put(stamped(_NAMESPACE, kind, Severity.WARNING, fields), beyond=beyond):
                    counts.clear()

    def close(self) -> str:
        """Deliver what can be delivered; what the user is to know of the rest, or nothing."""
        with self._order:
            self._tell(beyond=True)
        self._until = time.monotonic() + self.patience
        self._closing.set()
        self._news.set()
        self._thread.join(self.patience)
        self._collector.close()
        self._thread.join(_LAST_SECONDS)
        spools = (*self._left, self._spool)
        waiting = sum(spool.close() for spool in spools)
        parts = []
        if waiting:
            parts.append(
                f"{self._shown} did not take all messages{self._last_answer()}: {waiting} bytes of them wait in "
                f"{self._folder} and are sent by the next command that traces to a collector"
            )
        if self.dropped:
            parts.append(f"{self.dropped} messages for {self._shown} found no room or were damaged, and were dropped")
        if self.refused:
            parts.append(
                f"{self._shown} refused {self.refused} messages for good (HTTP status {self._refusal}); "
                "they were dropped"
            )
        if lost := sum(spool.lost for spool in spools):
            parts.append(f"{lost} bytes of messages that waited in {self._folder} are lost: somebody removed them")
        if foreign := [str(spool.folder / name) for spool in spools for name in spool.foreign]:
            more = f" and {len(foreign) - 1} more" if len(foreign) > 1 else ""
            parts.append(f"{foreign[0]}{more} is no file of calibrate's and was left alone; remove it")
        return "; ".join(parts)

    def _last_answer(self) -> str:
        status = self._collector.status
        if status in REDIRECTS:
            return f" (HTTP status {status}; name the address that it redirects to)"
        return f" (HTTP status {status})" if status and status not in SUCCESSES else ""

    def _deliver(self) -> None:
        """The thread: until all is delivered after `close`, or that has lost patience."""
        while True:
            closing = self._closing.is_set()
            sent = self._round()
            if closing and (sent == 0 or time.monotonic() >= self._until):
                return
            if sent is None:
                time.sleep(_GATHER_SECONDS) if closing else self._closing.wait(_AGAIN_SECONDS)
            elif not sent:
                self._news.wait()
                self._news.clear()
                self._closing.wait(_GATHER_SECONDS)

    def _round(self) -> int | None:
        """Send a batch from every spool: how many messages in all, None where the collector does not take them."""
        total, stuck = 0, False
        for spool in (self._spool, *self._left):
            if spool.folder in self._unread:
                continue
            try:
                lines = spool.first(_BATCH, _BATCH_BYTES)
            except OSError:  # it waits for another process; this one's own messages are tried again
                if spool is self._spool:
                    stuck = True
                else:
                    self._unread.add(spool.folder)
                continue
            if lines and not self._send(spool, lines):
                return None
            total += len(lines)
        return None if stuck and not total else total

    def _send(self, spool: Spool, lines: list[bytes]) -> bool:
        """Send the first lines of a spool; False where the collector does not take them now."""
        origin = self._resources.get(spool.folder)
        if origin is None:
            origin = self._resources[spool.folder] = resource(spool.source)
        messages = _decoded(lines)
        delivery = self._collector.send(messages, origin) if messages else Delivery.TAKEN
        if delivery is Delivery.REFUSED:
            status = self._collector.status
            # OTLP has an empty request always taken: where that is refused too, no message is to blame.
            if self._collector.send((), origin) is not Delivery.TAKEN:
                return False
            if len(lines) > 1:
                half = len(lines) // 2
                return self._send(spool, lines[:half]) and self._send(spool, lines[half:])
            self._turn_away(messages[0].message, status)
        elif delivery is Delivery.LATER:
            return False
        self.dropped += len(lines) - len(messages)
        spool.delivered(lines)
        return True

    def _turn_away(self, message: Message, status: int) -> None:
        with self._order:
            self.refused += 1
            self._refusal = status
            if message.namespace != _NAMESPACE:  # or one refusal would be told by another
                self._turned_away[message.name] += 1
                self._tell(beyond=False)


def _decoded(lines: list[bytes]) -> list[Sent]:
    """Those that are whole: somebody may have changed a file that was left behind."""
    messages = []
    for line in lines:
        if len(line) > LARGEST_LINE:
            continue
        with suppress(DecodeError):
            sent = decode_json(line, Sent, "a spool")
            if can_be_sent(sent):
                messages.append(sent)
    return messages


def _facts() -> dict[str, str]:
    return {
        "service.name": "calibrate",
        "service.version": __version__,
        "host.name": platform.node(),
        "process.pid": str(os.getpid()),
    }
