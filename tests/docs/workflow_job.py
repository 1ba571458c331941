"""Runs what a composite action of GitHub would, as far as it is shell: the steps of `action.yml` in order, with their
inputs, conditions, outputs and environment."""

import os
import re
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

yaml = pytest.importorskip("yaml", reason="comes with dask")

ROOT = Path(__file__).resolve().parents[2]


def action() -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load((ROOT / "action.yml").read_text("utf-8"))
    return document


@dataclass
class Job:
    """A job whose workspace is a folder. After `run`, `uses` has the steps of other actions that ran, with their
    inputs, `log` what the steps wrote, and `code` what the job ended with."""

    workspace: Path
    inputs: dict[str, str]
    event: dict[str, str] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)
    outputs: dict[str, str] = field(default_factory=dict)
    uses: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    log: str = ""
    code: int = 0

    def run(self) -> "Job":
        document = action()
        known = {name: one.get("default", "") for name, one in document["inputs"].items()}
        assert self.inputs.keys() <= known.keys()
        self.values = {f"inputs.{name}": text for name, text in (known | self.inputs).items()}
        self.values |= {"github.token": "", **{f"github.event.{name}": text for name, text in self.event.items()}}
        for step in document["runs"]["steps"]:
            if self.code == 0 and ("if" not in step or self._holds(step["if"])):
                self._step(step)
        self.outputs = {name: self._filled(one["value"]) for name, one in document["outputs"].items()}
        return self

    def _step(self, step: dict[str, Any]) -> None:
        if "uses" in step:
            given = {name: self._filled(str(text)) for name, text in step["with"].items()}
            self.uses.append((step["uses"], given))
            return
        files = {name: self.workspace.parent / f"{self.workspace.name}.{name}" for name in ("OUTPUT", "STEP_SUMMARY")}
        files["OUTPUT"].write_text("")
        variables = {name: self._filled(text) for name, text in step.get("env", {}).items()}
        variables |= {f"GITHUB_{name}": str(path) for name, path in files.items()}
        variables |= {"GITHUB_ACTION_PATH": str(ROOT), "GITHUB_REPOSITORY": "someone/sample"}
        command = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]]
        done = subprocess.run(
            command,
            cwd=self.workspace,
            env=os.environ | self.environment | variables,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        self.log, self.code = self.log + done.stdout, done.returncode
        for line in files["OUTPUT"].read_text().splitlines():
            name, _, text = line.partition("=")
            self.values[f"steps.{step['id']}.outputs.{name}"] = text

    @property
    def summary(self) -> str:
        return (self.workspace.parent / f"{self.workspace.name}.STEP_SUMMARY").read_text("utf-8")

    def _filled(self, text: str) -> str:
        return re.sub(r"\$\{\{ *(\S+) *\}\}", lambda found: self.values.get(found[1], ""), text)

    def _holds(self, condition: str) -> bool:
        """Of conditions with names, texts, != and && only."""
        parts = []
        for part in condition.split("&&"):
            name, differs, text = part.partition("!=")
            value = self.values.get(name.strip(), "")
            parts.append(value != text.strip().strip("'") if differs else bool(value))
        return all(parts)
