"""Instruments add up what they are told, and the exporter writes all of it once."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from prometheus_client import Histogram
from prometheus_client.mmap_dict import MmapedDict, mmap_key

from app.domain.errors import ServiceUnavailable
from app.telemetry import instruments, measures
from app.telemetry.prometheus import folder
from app.telemetry.prometheus.exporter import Exporter, _add_cell
from app.telemetry.prometheus.process import ProcessFigures
from app.telemetry.timing import begin_timing, measure, store_seconds

MONITORING = Path(__file__).resolve().parents[2] / "docs" / "monitoring"
BOUNDS = (1.0, 2.0, 4.0)


def test_a_counter_gives_each_count_once() -> None:
    """What was taken is not taken again."""
    counter = instruments.Counter("a_total", "A.", "kind")
    counter.add("x")
    counter.add("x", amount=2)
    counter.add("y")

    assert counter.take() == {("x",): 3, ("y",): 1}
    assert counter.take() == {}


def test_values_added_at_once_are_as_those_added_one_by_one() -> None:
    """A cell makes the library's histogram what its own ``observe`` would have made it, bounds included."""
    values = [0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 9.0]
    told = instruments.Histogram("a_seconds", "A.", bounds=BOUNDS)
    added, observed = (Histogram("a_seconds", "A.", registry=None, buckets=BOUNDS) for _ in range(2))
    for value in values:
        told.observe(value)
        observed.observe(value)
    _add_cell(added, told.take()[()])

    def samples(histogram: Histogram) -> list[tuple[str, dict[str, str], float]]:
        found = [sample for metric in histogram.collect() for sample in metric.samples]
        return [(one.name, one.labels, one.value) for one in found if not one.name.endswith("_created")]

    assert samples(added) == samples(observed)


def test_names_are_prometheus_names() -> None:
    """Names begin with ours, counters end in _total, durations in _seconds; each is there once."""
    for one in measures.INSTRUMENTS:
        assert re.fullmatch(r"colloquy_[a-z_]+", one.name)
        assert one.name.endswith("_total") == isinstance(one, instruments.Counter)
        assert one.text.endswith(".")
    assert len({one.name for one in measures.INSTRUMENTS}) == len(measures.INSTRUMENTS)


def _value(lines: list[str], name: str) -> float:
    """Return what a line of the metrics says, 0 where there is none."""
    found = [line.rpartition(" ")[2] for line in lines if line.rpartition(" ")[0] == name]
    return float(found[0]) if found else 0.0


def test_the_exporter_writes_what_was_counted() -> None:
    """The text has every instrument, what it counted beside what it had, and what runs."""
    exporter = Exporter("1.2.3", "abc")
    exporter.flush()
    before = exporter.render().decode().splitlines()
    measures.REPLAYED.add(amount=5)
    measures.GROUP_COMMITS.observe(3)
    lines = exporter.render().decode().splitlines()

    assert 'colloquy_build_info{build="abc",version="1.2.3"} 1.0' in lines
    for name, counted in (
        ("colloquy_http_replayed_total", 5),
        ('colloquy_store_group_commit_writes_bucket{le="4.0"}', 1),
        ("colloquy_store_group_commit_writes_sum", 3),
    ):
        assert _value(lines, name) == _value(before, name) + counted
    named = {line.split()[2] for line in lines if line.startswith("# TYPE")}
    assert {one.name for one in measures.INSTRUMENTS} <= named
    memory = next(line for line in lines if line.startswith("colloquy_process_resident_memory_bytes "))
    assert float(memory.split()[1]) > 1e6


class _Store:
    """A store of one call that may fail."""

    def __init__(self) -> None:
        self.error: ServiceUnavailable | None = None

    def get_dialogue(self) -> str:
        """Answer or fail."""
        if self.error is not None:
            raise self.error from TimeoutError()
        return "dialogue"

    def close(self) -> str:
        """Be a call that is not timed."""
        return "closed"


def test_calls_of_the_store_are_timed() -> None:
    """A call is counted with its time, a failed one with the class of its cause; others pass through."""
    store = _Store()
    measured = measure(store)
    measures.STORE_SECONDS.take()
    measures.STORE_ERRORS.take()
    begin_timing()

    assert (measured.get_dialogue(), measured.close()) == ("dialogue", "closed")
    store.error = ServiceUnavailable()
    with pytest.raises(ServiceUnavailable):
        measured.get_dialogue()

    cell = measures.STORE_SECONDS.take()["get_dialogue",]
    assert sum(cell[:-1]) == 2
    assert cell[-1] == pytest.approx(store_seconds())
    assert measures.STORE_ERRORS.take() == {("TimeoutError",): 1}


def test_the_dashboard_and_the_alerts_ask_for_what_there_is() -> None:
    """Every metric that docs/monitoring names is one of ours, and of ours the dashboard shows most."""
    named = {
        file.name: set(re.findall(r"colloquy_[a-z_]+", file.read_text(encoding="utf-8")))
        for file in MONITORING.iterdir()
    }
    parts = ("", "_bucket", "_sum", "_count")
    known = {
        one.name + part for one in (*measures.INSTRUMENTS, *ProcessFigures().instruments) for part in parts
    }

    assert {name: found - known for name, found in named.items() if found - known} == {}
    assert len(named["dashboard.json"]) >= 15


# --- The folder of several processes. ---


@pytest.fixture
def opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give the folder of a master; the environment is put back afterwards."""
    monkeypatch.setenv(folder.METRICS.variable, "")
    found = folder.METRICS.open(tmp_path)
    assert found is not None
    return found


def _write(path: Path, value: float) -> None:
    file = MmapedDict(str(path))
    file.write_value(mmap_key("a", "a_total", [], [], "A."), value, 0.0)
    file.close()


def test_workers_that_ended_leave_one_file(opened: Path) -> None:
    """However many workers end, their counts stay, in one file; what they had goes."""
    for process in range(101, 121):
        _write(opened / f"counter_{process}.db", 2)
        _write(opened / f"gauge_livesum_{process}.db", 7)
        folder.add_up_ended(process)

    assert sorted(path.name for path in opened.iterdir()) == ["counter_0.db", "lock"]
    values = [value for _, value, _, _ in MmapedDict.read_all_values_from_file(str(opened / "counter_0.db"))]
    assert values == [40]
    folder.METRICS.close()
    assert not opened.exists()


def test_without_a_place_nothing_is_shared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no folder can be made, each process counts for itself, and nothing fails at its end."""
    monkeypatch.setenv(folder.METRICS.variable, "")

    assert folder.METRICS.open(tmp_path / "missing") is None
    folder.add_up_ended(1)
    folder.METRICS.close()
