"""From the instruments to Prometheus's format, through prometheus_client and its files."""

from __future__ import annotations

import functools
import threading
import time
from collections.abc import Callable
from typing import Final

import prometheus_client
from prometheus_client import CollectorRegistry, Gauge, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

from ...domain.version import VERSION
from ..instruments import Counter, Histogram, Instrument
from ..measures import IN_FLIGHT, INSTRUMENTS
from .folder import METRICS, locked
from .process import ProcessFigures

FOLDER: Final = METRICS.path
"""Where this process writes; None: it keeps its counts to itself. The library has decided so by now."""

PERIOD: Final = 1.0
"""Seconds between two times that the changes are written: what others see of this process is as old."""


@functools.cache
def open_exporter(build: str) -> Exporter:
    """Return the exporter of this process."""
    return Exporter(VERSION, build)


class Exporter:
    """Writes what was counted in this process, and reads what all of them have."""

    content_type: Final = "text/plain; version=0.0.4; charset=utf-8"

    def __init__(self, version: str, build: str) -> None:
        self._lock = threading.Lock()
        self._registry = CollectorRegistry()
        self._process = ProcessFigures()
        self._writers = [self._writer(one) for one in (*INSTRUMENTS, *self._process.instruments)]
        build_info = Gauge(
            "colloquy_build_info",
            "1, and what is running in its labels.",
            ("version", "build"),
            registry=self._registry,
            multiprocess_mode="livemax",
        )
        build_info.labels(version, build).set(1)
        started = Gauge(
            "colloquy_process_start_time_seconds",
            "When the oldest worker was started, in seconds since 1970.",
            registry=self._registry,
            multiprocess_mode="livemin",
        )
        started.set(time.time())

    def start(self) -> None:
        """Write once a second from now on."""
        threading.Thread(target=self._run, name="metrics", daemon=True).start()

    def _run(self) -> None:
        while True:
            time.sleep(PERIOD)
            self.flush()

    def flush(self) -> None:
        """Write what was counted since the last time."""
        with self._lock:
            self._process.update()
            IN_FLIGHT.update()
            for write in self._writers:
                write()

    def render(self) -> bytes:
        """Return the metrics of all processes."""
        self.flush()
        if FOLDER is None:
            return generate_latest(self._registry)
        registry = CollectorRegistry()
        MultiProcessCollector(registry, str(FOLDER))
        with locked(FOLDER, alone=False):
            return generate_latest(registry)

    def _writer(self, instrument: Instrument) -> Callable[[], None]:
        if isinstance(instrument, Counter):
            return self._counter(instrument)
        if isinstance(instrument, Histogram):
            return self._histogram(instrument)
        gauge = Gauge(instrument.name, instrument.text, registry=self._registry, multiprocess_mode="livesum")
        return lambda: gauge.set(instrument.value)

    def _counter(self, instrument: Counter) -> Callable[[], None]:
        written = prometheus_client.Counter(
            instrument.name, instrument.text, instrument.labels, registry=self._registry
        )

        def write() -> None:
            for labels, amount in instrument.take().items():
                (written.labels(*labels) if labels else written).inc(amount)

        return write

    def _histogram(self, instrument: Histogram) -> Callable[[], None]:
        written = prometheus_client.Histogram(
            instrument.name,
            instrument.text,
            instrument.labels,
            registry=self._registry,
            buckets=instrument.bounds,
        )

        def write() -> None:
            for labels, cell in instrument.take().items():
                _add_cell(written.labels(*labels) if labels else written, cell)

        return write


def _add_cell(histogram: prometheus_client.Histogram, cell: list[float]) -> None:
    """Add many values at once, for which the library has no method: it takes one value at a time."""
    *counts, total = cell
    histogram._sum.inc(total)  # noqa: SLF001  # see above
    for bucket, count in zip(histogram._buckets, counts, strict=True):  # noqa: SLF001  # see above
        if count:
            bucket.inc(count)
