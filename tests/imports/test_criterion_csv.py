"""Criterion files: what is read, and that everything else is refused with its line."""

from pathlib import Path

import pytest

from costmodel.errors import InputError
from costmodel.imports.text_formats import CriterionRow, read_criterion

HEADER = "benchmark,t,t.mean.lb,t.mean.ub,t.sd,t.sd.lb,t.sd.ub"


def written(folder: Path, text: str) -> Path:
    path = folder / "rows.csv"
    path.write_bytes(text.encode())
    return path


def test_row_has_its_sizes_and_times_in_microseconds(tmp_path: Path) -> None:
    path = written(tmp_path, f"# Started at 2024-03-02\n{HEADER}\nAddInteger/1/70,2e-6,1e-6,4e-6,1,1,1\n")
    assert read_criterion(path).rows == {"AddInteger": (CriterionRow(3, (1, 70), 2.0, 4.0, 1.0),)}


def test_header_comments_and_empty_lines_may_come_again(tmp_path: Path) -> None:
    path = written(
        tmp_path, f"{HEADER}\nA/1,1e-6,1,1e-6,1,1,1\n\n# later\r\n{HEADER}\r\nA/2,1e-6,1,1e-6,1,1,1 # odd\r\n"
    )
    assert [row.sizes for row in read_criterion(path).rows["A"]] == [(1,), (2,)]


def test_columns_are_found_by_name(tmp_path: Path) -> None:
    path = written(tmp_path, 'Name,MeanUB,Mean\n"IData/ExMemory 7",3e-6,1e-6\n')
    assert read_criterion(path).rows == {"IData": (CriterionRow(2, (7,), 1.0, 3.0),)}


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (f"{HEADER}\nA/1,1e-6,1e-6\n", r"line 2: 3 fields where the header has 7"),
        (f"{HEADER}\nA/1,fast,1,1,1,1,1\n", r"line 2: 'fast' is no time"),
        (f"{HEADER}\nA/1,nan,1,1,1,1,1\n", r"line 2: 'nan' is no time"),
        (f"{HEADER}\nA/1,-1e-6,1,1,1,1,1\n", r"line 2: '-1e-6' is no time"),
        (f"{HEADER}\nA/1,1e300,1,1,1,1,1\n", r"line 2: '1e300' is no time"),
        (f"{HEADER}\n\nA/x,1,1,1,1,1,1\n", r"line 3: 'A/x' is no benchmark name"),
        (f"{HEADER}\nA/1/1/1/1/1/1/1,1,1,1,1,1,1\n", r"line 2: .* is no benchmark name"),
        ("A/1,1,1,1,1,1,1\n", r"line 1: a row before any header"),
        ("benchmark,t\n", r"line 1: the header has no column t.mean.ub or MeanUB"),
        (f'{HEADER}\n"A/1,1,1,1,1,1,1\n', r"line 2: no CSV"),
        (f"{HEADER}\n", r"no benchmark in it"),
        ("", r"no benchmark in it"),
    ],
)
def test_malformed_file_is_refused_with_its_line(tmp_path: Path, text: str, complaint: str) -> None:
    with pytest.raises(InputError, match=complaint):
        read_criterion(written(tmp_path, text))


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "binary.csv"
    path.write_bytes(HEADER.encode() + b"\n\xff\xfe")
    with pytest.raises(InputError, match="line 2: not UTF-8"):
        read_criterion(path)


def test_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot read"):
        read_criterion(tmp_path / "absent.csv")
