"""Impact of known changes on known scripts."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from costmodel.errors import DecodeError, InputError
from costmodel.impact.run import impact, open_corpus, terms_at
from costmodel.model import ExUnits, StepKind, Variant, ledger_model
from costmodel.model.sources import ModelSource
from costmodel.records.impact import Impact
from costmodel.workloads.rows import here, processes
from tests.workloads.rows import CPU, row, write

MEM = 1134


def source(**changes: Any) -> ModelSource:
    return ModelSource("model", replace(ledger_model(Variant.E), **changes))


def dearer(ps: int) -> ModelSource:
    """A variable costs so much more; the successor looks one up."""
    steps = dict(ledger_model(Variant.E).steps)
    steps[StepKind.VAR] = steps[StepKind.VAR] + ExUnits(ps, 0)
    return source(steps=steps)


def found(path: Path, after: ModelSource, **options: Any) -> Impact:
    spreader = options.pop("spreader", here)
    return impact(source(), after, open_corpus(str(path)), terms=terms_at(645), spreader=spreader, **options)


def test_totals_fees_and_attribution_of_a_known_change(tmp_path: Path) -> None:
    path = write(tmp_path / "corpus.parquet", [row(), row()])
    result = found(path, dearer(1_000_000))
    assert result.totals_before.units == (2 * CPU, 2 * MEM)
    assert result.totals_after.units == (2 * (CPU + 1_000_000), 2 * MEM)
    fee = -(-(CPU * 721 * 10**5 + MEM * 577 * 10**8) // 10**12)  # 7.21e-5 and 0.0577 lovelace, rounded up
    assert result.totals_before.fee == 2 * fee
    changed = [share for share in result.attribution if any(share.change)]
    assert [(share.price, share.change) for share in changed] == [("cekVarCost", (2_000_000, 0))]
    assert result.distinct_scripts == 1
    assert result.method == "evaluated"


def test_attribution_adds_up_over_real_scripts(shared_data: Path) -> None:
    result = found(shared_data / "scripts" / "validation", ModelSource("A", ledger_model(Variant.A)))
    assert result.totals_after.units[0] != result.totals_before.units[0]
    for at in (0, 1):
        change = result.totals_after.units[at] - result.totals_before.units[at]
        assert sum(share.change[at] for share in result.attribution) == change
        assert sum(share.before[at] for share in result.attribution) == result.totals_before.units[at]


def test_who_breaks_is_told_apart(tmp_path: Path) -> None:
    rows = [
        row(id="within", budget_cpu=CPU + 2_000_000),
        row(id="tight", budget_cpu=CPU + 500_000),
        row(id="never", budget_cpu=CPU - 1),
        row(id="undeclared", budget_cpu=None, budget_mem=None),
    ]
    result = found(write(tmp_path / "corpus.parquet", rows), dearer(1_000_000))
    assert (result.newly_over_declared, result.newly_over_limit, result.newly_failing) == (1, 0, 1)
    assert result.without_declared == 1
    assert result.most_affected[0].id == "tight"
    assert result.most_affected[0].breaks == ("over what was declared", "success turned into failure")
    beyond = found(write(tmp_path / "corpus.parquet", rows), dearer(10**10))
    assert (beyond.newly_over_limit, beyond.newly_failing) == (4, 3)


def test_failures_and_refusals_are_counted_and_not_priced(tmp_path: Path) -> None:
    rows = [row(), row(arguments=[b"\x40"]), row(program=b"\xff"), row(program=b"")]
    result = found(write(tmp_path / "corpus.parquet", rows), dearer(1))
    assert (result.rows, result.priced, result.failed, result.refused) == (4, 1, 1, 2)


def test_recorded_usages_reprice_to_the_same_figures(tmp_path: Path) -> None:
    path = write(tmp_path / "corpus.parquet", [row(id=str(n), budget_cpu=CPU + n) for n in range(30)])
    evaluated = found(path, dearer(10), record=str(tmp_path / "usages.parquet"))
    repriced = found(tmp_path / "usages.parquet", dearer(10))
    assert repriced.method == "repriced"
    same = {"corpus": "", "method": ""}
    assert {**_values(repriced), **same} == {**_values(evaluated), **same}
    with pytest.raises(InputError, match="leave --record out"):
        found(tmp_path / "usages.parquet", dearer(10), record=str(tmp_path / "again.parquet"))


def test_processes_give_the_same_bytes(tmp_path: Path) -> None:
    path = write(tmp_path / "corpus.parquet", [row(id=str(n), budget_cpu=CPU + n) for n in range(3000)])
    one = found(path, dearer(1500), out=str(tmp_path / "one.parquet"))
    with processes(2) as spreader:
        two = found(path, dearer(1500), out=str(tmp_path / "two.parquet"), spreader=spreader)
    assert {**_values(one), "results": ""} == {**_values(two), "results": ""}
    assert (tmp_path / "one.parquet").read_bytes() == (tmp_path / "two.parquet").read_bytes()


def test_an_endless_script_ends(tmp_path: Path) -> None:
    from costmodel.plutus import encode_flat, parse_program

    omega = encode_flat(parse_program("(program 1.1.0 (lam a [(lam x [x x]) (lam x [x x])]))"))
    result = found(write(tmp_path / "corpus.parquet", [row(program=omega)]), dearer(1))
    assert result.unfinished == 1


def test_a_price_that_nothing_can_pay_is_counted(tmp_path: Path) -> None:
    steps = dict(ledger_model(Variant.E).steps)
    steps[StepKind.VAR] = ExUnits(2**63 - 1, 2**63 - 1)
    result = found(write(tmp_path / "corpus.parquet", [row()]), source(steps=steps))
    assert (result.unaffordable, result.priced, result.totals_after.per_block) == (1, 0, None)


def test_an_empty_corpus_and_foreign_usages_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="has no evaluations"):
        found(write(tmp_path / "corpus.parquet", []), dearer(1))
    import pyarrow as pa
    import pyarrow.parquet as pq

    from costmodel.impact.usages import USAGES

    table = pa.Table.from_pylist(
        [
            {
                "id": "a",
                "script_hash": b"",
                "language": "PlutusV3",
                "protocol_version": 11,
                "status": "success",
                "steps": [0] * 9,
                "builtins": ["noSuch"],
                "sizes": [[1]],
                "counts": [1],
            }
        ],
        USAGES,
    )
    pq.write_table(table, tmp_path / "usages.parquet")
    with pytest.raises(DecodeError, match="row 0 is not a usage"):
        found(tmp_path / "usages.parquet", dearer(1))


def _values(document: Impact) -> dict[str, Any]:
    return {name: getattr(document, name) for name in document.__struct_fields__}


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("id", None),
        ("script_hash", None),
        ("protocol_version", 2**63 - 1),
        ("protocol_version", 0),
        ("declared_cpu", -1),
        ("counts", [0]),
    ],
)
def test_usages_that_calibrate_did_not_record_are_refused_by_their_row(
    tmp_path: Path, column: str, value: object
) -> None:
    usages = tmp_path / "usages.parquet"
    found(write(tmp_path / "corpus.parquet", [row()]), source(), record=str(usages))
    table = pq.read_table(usages)
    place = table.schema.get_field_index(column)
    changed = pa.array([value], table.schema.field(column).type)
    pq.write_table(table.set_column(place, table.schema.field(column), changed), usages)
    with pytest.raises(DecodeError, match="row 0 is not a usage"):
        found(usages, source())
