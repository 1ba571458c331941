"""Other evaluators than the native machine: which drivers come with calibrate, how they are built, and whether a driver
can be trusted."""

from costmodel.evaluators.registry import (
    DRIVERS,
    Build,
    Driver,
    build,
    built,
    cache_folder,
    driver,
    driver_named,
    missing_tool,
)

__all__ = [
    "DRIVERS",
    "Build",
    "Driver",
    "build",
    "built",
    "cache_folder",
    "driver",
    "driver_named",
    "missing_tool",
]
