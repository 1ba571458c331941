"""Distributions of a cluster's block times, from its run and from what the command wrote."""

from pathlib import Path

import numpy as np
import pytest

from costmodel.records import encode
from costmodel.report.assemble import assemble
from tests.report import sources
from tests.report.test_assemble import cells


def test_nodes_of_a_document_are_in_a_table_and_a_plot(tmp_path: Path) -> None:
    page = assemble([sources.cluster(tmp_path / "c.json")])
    assert [plot.name for plot in page.plots()] == ["cdf-c.json"]
    rows = cells(page, "Nodes of c.json")
    assert list(rows) == ["node 0", "node 1", "node 0, repeat 1", "node 1, repeat 1"]
    assert [cell.text for cell in rows["node 1"][3:6]] == ["550 µs", "1.045 ms", "1.089 ms"]


def test_a_dead_node_and_a_slow_one_are_flagged(tmp_path: Path) -> None:
    flagged = assemble([sources.cluster(tmp_path / "c.json")]).flagged
    assert [(flag.level, flag.kind) for flag in flagged] == [
        ("error", "node fault"),
        ("warning", "slower node"),
        ("warning", "slower node"),
    ]


def test_a_profile_without_scripts_has_no_distribution(tmp_path: Path) -> None:
    path = tmp_path / "values.json"
    path.write_bytes(encode(sources.chain(None)))
    page = assemble([path])
    assert list(page.plots()) == []
    assert "none with a script" in page.sections[0].intro


def test_a_run_of_a_cluster_has_the_distribution_of_each_node(tmp_path: Path) -> None:
    page = assemble([sources.cluster_run(tmp_path)])
    plot = next(page.plots())
    assert plot.name.startswith("cdf-")
    (panel,) = plot.chart.panels
    curves = {mark.label: mark for mark in panel.marks}
    assert list(curves) == ["node 0", "node 1", "predicted"]
    # Of the second node, which takes twice the predicted time, the middle block has five transactions.
    times, shares = (np.asarray(values, float) for values in (curves["node 1"].x, curves["node 1"].y))
    assert times[shares.searchsorted(0.5)] == pytest.approx(0.01)
    assert panel.x.label.endswith("(ms)")
    assert [cell.text for cell in cells(page, "Nodes")["node 1"][-2:]] == ["2 µs", "2.000"]


def test_many_nodes_share_one_line_of_the_legend(tmp_path: Path) -> None:
    plot = next(assemble([sources.cluster_run(tmp_path, nodes=30, blocks=20)]).plots())
    labels = [mark.label for mark in plot.chart.panels[0].marks if mark.label]
    assert labels == ["30 nodes", "predicted"]
