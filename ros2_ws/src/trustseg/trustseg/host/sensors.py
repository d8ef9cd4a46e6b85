# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Temperatures, power and clocks of this machine, from Linux sysfs: Jetson and x86 alike, and nothing where nothing is.

Sources: thermal zones and hwmon (Documentation/hwmon/sysfs-interface of the kernel), cpufreq, and devfreq, which has
the GPU of a Jetson.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

SYSFS = Path("/sys")
MILLI, MICRO, KILO, MEGA = 1e-3, 1e-6, 1e3, 1e6


@dataclass(frozen=True)
class Sensors:
    """What the machine says of itself, by the sensor's own name.

    Attributes:
        celsius: temperatures. watt: power drawn. megahertz: clocks; the CPU's is that of its slowest core.
        throttled: cores whose clock is held below their maximum by the governor's limit.
    """

    celsius: dict[str, float] = field(default_factory=dict)
    watt: dict[str, float] = field(default_factory=dict)
    megahertz: dict[str, float] = field(default_factory=dict)
    throttled: int = 0

    @property
    def absent(self) -> list[str]:
        """What the machine does not say."""
        kinds = {"temperature": self.celsius, "power": self.watt, "clocks": self.megahertz}
        return [name for name, values in kinds.items() if not values]


def read_sensors(sysfs: Path = SYSFS) -> Sensors:
    """Read everything once; a sensor that cannot be read now, or reads what cannot be, is left out."""
    celsius, watt, megahertz = dict[str, float](), dict[str, float](), dict[str, float]()
    for zone in sorted((sysfs / "class/thermal").glob("thermal_zone*")):
        _add(celsius, _text(zone / "type") or zone.name, _number(zone / "temp", MILLI), -60.0, 250.0)
    for chip in sorted((sysfs / "class/hwmon").glob("hwmon*")):
        name = _text(chip / "name") or chip.name
        for path in sorted(chip.glob("temp*_input")):
            _add(celsius, _named(chip, name, path), _number(path, MILLI), -60.0, 250.0)
        for path in sorted(chip.glob("power*_input")):
            _add(watt, _named(chip, name, path), _number(path, MICRO), 0.0, 5000.0)
        # INA sensors of a Jetson: millivolt and milliampere of a rail, without its power.
        for path in sorted(chip.glob("curr*_input")):
            number = path.name.removeprefix("curr").removesuffix("_input")
            volt, ampere = _number(chip / f"in{number}_input", MILLI), _number(path, MILLI)
            if volt is not None and ampere is not None and not (chip / f"power{number}_input").exists():
                _add(watt, _named(chip, name, chip / f"in{number}_input"), volt * ampere, 0.0, 5000.0)
    clocks, throttled = list[float](), 0
    for core in sorted((sysfs / "devices/system/cpu").glob("cpu[0-9]*/cpufreq")):
        now, limit, most = (
            _number(core / name, 1 / KILO) for name in ("scaling_cur_freq", "scaling_max_freq", "cpuinfo_max_freq")
        )
        clocks += [] if now is None else [now]
        throttled += limit is not None and most is not None and limit < most
    if clocks:
        _add(megahertz, "cpu", min(clocks), 0.0, 20000.0)
    for device in sorted((sysfs / "class/devfreq").glob("*")):
        _add(megahertz, device.name, _number(device / "cur_freq", 1 / MEGA), 0.0, 20000.0)
    return Sensors(celsius, watt, megahertz, throttled)


def _add(values: dict[str, float], name: str, value: float | None, low: float, high: float) -> None:
    """Two sensors of one name are told apart by a number."""
    if value is None or not low <= value <= high:
        return
    number = 1
    while (unique := name if number == 1 else f"{name} {number}") in values:
        number += 1
    values[unique] = value


def _named(chip: Path, name: str, path: Path) -> str:
    label = _text(chip / path.name.replace("_input", "_label"))
    return f"{name} {label or path.name.removesuffix('_input')}"


def _number(path: Path, factor: float) -> float | None:
    try:
        return float(_text(path)) * factor
    except ValueError:
        return None


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii", errors="replace").strip()
    except OSError:
        return ""
