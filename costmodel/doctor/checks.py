"""What the system says about one of its cores, check by check, and what all checks come to.

A cause of noise that can be put right, or that the machine cannot help, is a warning. Only an effect that was measured
makes a machine unfit (trial.py)."""

from __future__ import annotations

import platform
from collections.abc import Sequence
from pathlib import Path

from costmodel.doctor.settings import Host, Setting, line, settings
from costmodel.doctor.trial import run_trial, trial_checks
from costmodel.records.doctor import CheckVerdict, Diagnosis, Fitness, MachineCheck, SettingChange, Trial
from costmodel.records.run import NATIVE, core_list
from costmodel.timing.backend import Backend
from costmodel.timing.clock import INVARIANT_TSC, cpu_flags
from costmodel.timing.session import Observer
from costmodel.timing.surroundings import fingerprint

_TUNE = "calibrate doctor --tune COMMAND"
_BUSY = 0.5  # runnable threads per core, of late, beside which a measurement is often disturbed


def system_checks(host: Host, core: int) -> list[MachineCheck]:
    """All that the system says, before anything is timed."""
    flags = cpu_flags(host.proc / "cpuinfo")
    guest = "hypervisor" in flags
    return [
        _clock(host, flags),
        _governor(host, core, guest),
        _turbo(host, core, guest),
        _sibling(host, core, guest),
        _isolation(host, core),
        _load(host),
        _virtualisation(host, guest),
    ]


def _clock(host: Host, flags: frozenset[str]) -> MachineCheck:
    source = line(host.cpus.parent / "clocksource/clocksource0/current_clocksource") or "unknown"
    found = f"clock source {source}"
    if platform.machine() == "aarch64":
        return MachineCheck("clock", CheckVerdict.OK, f"the counter CNTVCT is constant by architecture, {found}")
    missing = sorted(INVARIANT_TSC - flags)
    if missing:
        return MachineCheck(
            "clock",
            CheckVerdict.WARN,
            f"the TSC is not {' and '.join(name.removesuffix('_tsc') for name in missing)}, {found}",
            "CLOCK_MONOTONIC_RAW is used instead (--clock raw); on a guest, let the host pass its invariant TSC on",
        )
    if source != "tsc":
        return MachineCheck(
            "clock",
            CheckVerdict.WARN,
            f"the TSC is constant and nonstop, but the kernel keeps time by {source}",
            "see why: dmesg | grep -i tsc; where it is stable: "
            "echo tsc > /sys/devices/system/clocksource/clocksource0/current_clocksource",
        )
    return MachineCheck("clock", CheckVerdict.OK, f"the TSC is constant and nonstop, {found}")


def _hidden(name: str, guest: bool) -> MachineCheck:
    return MachineCheck(
        name, CheckVerdict.UNSEEN, "not visible in this guest" if guest else "this kernel does not show it"
    )


def _governor(host: Host, core: int, guest: bool) -> MachineCheck:
    path = host.cpu(core) / "cpufreq" / "scaling_governor"
    governor = line(path)
    if governor is None:
        return _hidden("governor", guest)
    if governor == "performance":
        return MachineCheck("governor", CheckVerdict.OK, governor)
    return MachineCheck("governor", CheckVerdict.WARN, governor, f"echo performance > {path}, or {_TUNE}")


def _turbo(host: Host, core: int, guest: bool) -> MachineCheck:
    switch = next((setting for setting in settings(host, core) if setting.name == "turbo"), None)
    if switch is None:
        return _hidden("turbo", guest)
    if switch.show() == switch.wanted:
        return MachineCheck("turbo", CheckVerdict.OK, "off")
    return MachineCheck("turbo", CheckVerdict.WARN, "on: frequency depends on heat and neighbours", _turn_off(switch))


def _turn_off(switch: Setting) -> str:
    return f"echo {switch.wanted} > {switch.path}, or {_TUNE}"


def _sibling(host: Host, core: int, guest: bool) -> MachineCheck:
    text = line(host.cpu(core) / "topology" / "thread_siblings_list")
    if text is None:
        return _hidden("sibling", guest)
    others = sorted(core_list(text) - {core})
    if not others:
        found = "none that this guest can see" if guest else "none"
        return MachineCheck("sibling", CheckVerdict.OK, found)
    advice = "; ".join(f"echo 0 > {host.cpu(other)}/online" for other in others)
    return MachineCheck(
        "sibling",
        CheckVerdict.WARN,
        f"shares its units with core {', '.join(map(str, others))}",
        f"{advice} (and 1 to bring it back)",
    )


def _isolation(host: Host, core: int) -> MachineCheck:
    kinds = ("isolated", "nohz_full")
    held = [kind for kind in kinds if core in core_list(line(host.cpus / kind))]
    if len(held) == len(kinds):
        return MachineCheck("isolation", CheckVerdict.OK, " and ".join(held))
    return MachineCheck(
        "isolation",
        CheckVerdict.WARN,
        f"{held[0]} only" if held else "other work may run on the core, and its timer ticks",
        f"boot with isolcpus={core} nohz_full={core} rcu_nocbs={core}",
    )


def _load(host: Host) -> MachineCheck:
    text = line(host.proc / "loadavg")
    online = len(core_list(line(host.cpus / "online"))) or 1
    if text is None:
        return _hidden("load", guest=False)
    load = float(text.split()[0])
    found = f"{load:.2f} runnable threads in the last minute on {online} core{'s' * (online > 1)}"
    if load < _BUSY * online:
        return MachineCheck("load", CheckVerdict.OK, found)
    return MachineCheck(
        "load", CheckVerdict.WARN, found, "see what runs: ps -eo pid,psr,pcpu,comm --sort=-pcpu | head; stop it"
    )


def _virtualisation(host: Host, guest: bool) -> MachineCheck:
    if not guest:
        return MachineCheck("virtualisation", CheckVerdict.OK, "none")
    product = line(Path(host.sys / "class/dmi/id/product_name")) or "a hypervisor"
    return MachineCheck(
        "virtualisation",
        CheckVerdict.WARN,
        f"a guest of {product}: neighbours, governor and turbo are out of sight",
        "measure on a machine of your own, or on an instance with dedicated cores, for the last tenths of a percent",
    )


def diagnose(
    host: Host,
    core: int,
    seed: int,
    *,
    tuned: Sequence[SettingChange] = (),
    put_back: Sequence[SettingChange] = (),
    observer: Observer | None = None,
    backend: Backend | None = None,
    evaluator: str = NATIVE,
) -> Diagnosis:
    """Look at the system, then measure for some ten seconds."""
    seen = system_checks(host, core)
    trial = run_trial(host, core, seed, observer=observer, backend=backend, evaluator=evaluator)
    checks = (*seen, *trial_checks(trial, core))
    return Diagnosis(
        core=core,
        machine=fingerprint(core),
        checks=checks,
        trial=trial,
        fitness=_fitness(checks, trial),
        tuned=tuple(tuned),
        put_back=tuple(put_back),
    )


def _fitness(checks: Sequence[MachineCheck], trial: Trial) -> Fitness:
    if any(check.verdict is CheckVerdict.BAD for check in checks):
        return "unfit"
    return "inconclusive" if trial.noise is None else "fit"
