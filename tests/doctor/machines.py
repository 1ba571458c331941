"""Folders that look like the kernel's, for machines that a test does not run on."""

from pathlib import Path

from costmodel.doctor.settings import Host

CORE = 1

BARE = {
    "sys/devices/system/cpu/online": "0-3",
    "sys/devices/system/cpu/isolated": "1,3",
    "sys/devices/system/cpu/nohz_full": "1",
    "sys/devices/system/cpu/cpu1/topology/thread_siblings_list": "1",
    "sys/devices/system/cpu/cpu1/cpufreq/scaling_available_governors": "performance powersave",
    "sys/devices/system/cpu/cpu1/cpufreq/scaling_governor": "performance",
    "sys/devices/system/cpu/intel_pstate/no_turbo": "1",
    "sys/devices/system/clocksource/clocksource0/current_clocksource": "tsc",
    "proc/cpuinfo": "processor\t: 0\nflags\t\t: fpu tsc constant_tsc nonstop_tsc rdtscp",
    "proc/loadavg": "0.12 0.30 0.50 1/200 4711",
}
"""A machine of one's own, with all set right."""

DESKTOP = BARE | {
    "sys/devices/system/cpu/isolated": "",
    "sys/devices/system/cpu/nohz_full": "(null)",
    "sys/devices/system/cpu/cpu1/topology/thread_siblings_list": "1,3",
    "sys/devices/system/cpu/cpu1/cpufreq/scaling_governor": "powersave",
    "sys/devices/system/cpu/intel_pstate/no_turbo": "0",
    "proc/loadavg": "3.70 0.30 0.50 1/200 4711",
}
"""The same with nothing set right."""

GUEST = {
    "sys/devices/system/cpu/online": "0-1",
    "sys/devices/system/cpu/cpu1/topology/thread_siblings_list": "1",
    "sys/devices/system/clocksource/clocksource0/current_clocksource": "kvm-clock",
    "sys/class/dmi/id/product_name": "Elastic Machine",
    "proc/cpuinfo": "processor\t: 0\nflags\t\t: fpu tsc rdtscp hypervisor",
    "proc/loadavg": "0.12 0.30 0.50 1/200 4711",
}


def host(root: Path, files: dict[str, str]) -> Host:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text + "\n")
    return Host(sys=root / "sys", proc=root / "proc", run=root / "run")
