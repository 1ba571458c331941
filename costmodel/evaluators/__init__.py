"""Other evaluators than the native machine: which drivers come with calibrate, how they are built, and whether a driver
can be trusted."""

from costmodel.evaluators.registry import (
    DRIVERS,
    Driver,
    DriverBuild,
    build,
    built,
    cache_folder,
    driver,
    driver_named,
    missing_tool,
)

__all__ = [
    "DRIVERS",
    "Driver",
    "DriverBuild",
    "build",
    "built",
    "cache_folder",
    "driver",
    "driver_named",
    "missing_tool",
]
