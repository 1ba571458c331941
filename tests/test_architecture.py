"""Holds the packages of `costmodel` apart: each imports only the packages that it may."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "costmodel"

# Package -> the packages it may import, besides itself and the documents in `records`. The stages (experiments, fit,
# validate, batches, report) never import one another: they meet in files.
ALLOWED: dict[str, set[str]] = {
    "plutus": set(),
    "records": set(),
    "model": {"plutus"},
    "trace": set(),
    "rendering": set(),
    "machine": {"plutus", "model", "trace"},
    "runs": {"trace"},
    "judging": set(),
    "evaluators": {"machine", "model", "plutus", "judging"},
    "timing": {"evaluators", "judging", "machine", "model", "plutus", "runs", "trace"},
    "doctor": {"machine", "model", "plutus", "runs", "timing"},
    "fleet": {"runs", "timing", "trace"},
    "experiments": {"machine", "model", "plutus", "runs", "timing"},
    "worst": {"experiments", "evaluators", "judging", "machine", "model", "plutus", "runs", "timing", "trace"},
    "parity": {"model", "plutus", "records", "rendering", "runs"},
    "imports": {"plutus", "records", "runs", "trace"},
    "fit": {"model", "runs", "plutus", "imports", "judging"},
    "workloads": {"plutus", "model", "machine", "trace"},
    "predict": {"workloads", "machine", "model", "plutus", "judging"},
    "validate": {"predict", "judging", "workloads", "machine", "model", "runs", "timing", "plutus", "trace"},
    "drift": {
        *{"evaluators", "judging", "machine", "model", "plutus", "predict", "rendering", "runs", "timing", "workloads"},
    },
    "cluster": {"workloads", "machine", "model", "runs", "timing", "fleet", "plutus", "trace"},
    "impact": {"workloads", "machine", "model", "plutus", "trace"},
    "batches": {"runs", "judging"},
    "proposals": {"fit", "impact", "model", "plutus", "rendering", "report", "runs", "trace", "workloads"},
    "report": {"runs", "model", "trace", "judging", "rendering"},
}
ALLOWED["cli"] = set(ALLOWED)
NATIVE_USERS = {"plutus", "impact", "machine", "timing", "experiments", "validate", "worst", "cli"}
# Modules that lie beside the packages, and the packages they may import.
BESIDE: dict[str, set[str]] = {
    "__init__": set(),
    "__main__": {"cli"},
    "api": {"batches", "fit", "impact", "model", "plutus", "predict", "records", "runs", "trace", "workloads"}
    | {"errors"},
    "errors": set(),
    "files": {"errors"},
    "lazy": set(),
    "remote": {"errors", "files"},
}


def allowed_imports(place: str) -> set[str]:
    """First names below `costmodel` that a package, or a module beside the packages, may import."""
    if place in BESIDE:
        return BESIDE[place] | {"__version__"}
    native = {"_native"} if place in NATIVE_USERS else set()
    native |= {"api"} if place == "cli" else set()
    return ALLOWED[place] | native | {place, "errors", "files", "lazy", "records", "remote", "__version__"}


def imported_names(source: str, package: tuple[str, ...]) -> Iterator[tuple[int, tuple[str, ...]]]:
    """Yields line and full dotted name, in parts, of every import in a module of `package`, wherever it stands."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, tuple(alias.name.split("."))
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            module = (*base, *(node.module.split(".") if node.module else ()))
            for alias in node.names:
                yield node.lineno, (*module, alias.name)


def violations(package_root: Path) -> list[str]:
    """One line for each import that is not allowed, and for each folder or module that the table does not know."""
    found = []
    for path in sorted(package_root.rglob("*.py")):
        parts = path.relative_to(package_root).with_suffix("").parts
        place = parts[0]
        if place not in (ALLOWED if len(parts) > 1 else BESIDE):
            found.append(f"{path.relative_to(package_root)}: not a package of the table")
            continue
        package = (package_root.name, *parts[:-1])
        for line, name in imported_names(path.read_text(encoding="utf-8"), package):
            if name[0] == package_root.name and len(name) > 1 and name[1] not in allowed_imports(place):
                found.append(f"{path.relative_to(package_root)}:{line}: {place} may not import {'.'.join(name[:2])}")
    return found


def test_the_architecture_page_has_the_same_table() -> None:
    page = (PACKAGE.parent / "docs" / "architecture.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| `costmodel/(\w+)/` \|.*\| ([^|]*) \|$", page, re.MULTILINE))
    assert rows.pop("cli") == "all"
    assert rows.pop("records").startswith("–")
    told = {name: set(re.findall(r"\w+", text)) for name, text in rows.items()}
    assert told == {name: allowed for name, allowed in ALLOWED.items() if name not in ("cli", "records")}


def test_packages_import_only_what_they_may() -> None:
    assert violations(PACKAGE) == []


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """An empty package of the same name, to be filled with one module."""
    root = tmp_path / "costmodel"
    root.mkdir()
    (root / "__init__.py").touch()
    return root


def write(package: Path, module: str, source: str) -> None:
    path = package / module
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(source, encoding="utf-8")


@pytest.mark.parametrize(
    "source",
    [
        "import costmodel.experiments.plan",
        "from costmodel import experiments",
        "from costmodel.experiments import plan",
        "from costmodel.experiments.plan import Plan",
        "from ..experiments import plan",
        "from .. import experiments",
        "def late():\n    from costmodel.experiments import plan",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import costmodel.experiments",
        "from costmodel import _native",
        "from costmodel._native import lib",
    ],
)
def test_forbidden_import_is_found(package: Path, source: str) -> None:
    write(package, "fit/solve.py", source)
    assert len(violations(package)) == 1


def test_forbidden_relative_import_from_a_subpackage_is_found(package: Path) -> None:
    write(package, "fit/shapes/linear.py", "from ...experiments import plan")
    assert violations(package) == ["fit/shapes/linear.py:1: fit may not import costmodel.experiments"]


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("fit/solve.py", "import costmodel.runs.store"),
        ("fit/solve.py", "from ..model import ExUnits"),
        ("fit/solve.py", "from . import shapes"),
        ("fit/solve.py", "from costmodel.errors import InputError"),
        ("fit/solve.py", "import measure, numpy.linalg"),
        ("machine/native.py", "from costmodel._native import ffi, lib"),
        ("cli/fit.py", "from costmodel import fit, experiments, validate"),
    ],
)
def test_permitted_import_passes(package: Path, module: str, source: str) -> None:
    write(package, module, source)
    assert violations(package) == []


@pytest.mark.parametrize("module", ["attic/thing.py", "helpers.py"])
def test_unknown_place_is_found(package: Path, module: str) -> None:
    write(package, module, "")
    assert violations(package) == [f"{module}: not a package of the table"]


def class_definitions(package_root: Path) -> dict[str, list[str]]:
    """Where each class is defined, by its name without leading underscores. Drivers are programs of their own."""
    places: dict[str, list[str]] = {}
    for path in sorted(package_root.rglob("*.py")):
        module = path.relative_to(package_root)
        if "drivers" in module.parts:
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef):
                places.setdefault(node.name.lstrip("_"), []).append(f"{module}:{node.lineno}")
    return places


def shared_names(package_root: Path) -> dict[str, list[str]]:
    return {name: places for name, places in class_definitions(package_root).items() if len(places) > 1}


def test_every_class_has_a_name_of_its_own() -> None:
    assert shared_names(PACKAGE) == {}


def test_a_name_given_twice_is_found(package: Path) -> None:
    write(package, "fit/solve.py", "class Verdict: ...")
    write(package, "report/pages.py", "class _Verdict: ...")
    assert shared_names(package) == {"Verdict": ["fit/solve.py:1", "report/pages.py:1"]}
