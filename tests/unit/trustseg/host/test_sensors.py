# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Sensors from copies of sysfs: an x86 machine, a Jetson, one without any, and readings that cannot be."""

from __future__ import annotations

from pathlib import Path

import pytest

from trustseg.host.sensors import Sensors, read_sensors


def sysfs(root: Path, **files: str) -> Path:
    for path, text in files.items():
        target = root / path.replace("__", "/")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(f"{text}\n")
    return root


def test_a_machine_without_sensors_says_so(tmp_path: Path) -> None:
    assert read_sensors(tmp_path) == Sensors()
    assert read_sensors(tmp_path).absent == ["temperature", "power", "clocks"]


def test_an_x86_machine(tmp_path: Path) -> None:
    sysfs(
        tmp_path,
        class__thermal__thermal_zone0__type="x86_pkg_temp", class__thermal__thermal_zone0__temp="61000",
        class__hwmon__hwmon2__name="coretemp", class__hwmon__hwmon2__temp1_input="58500",
        class__hwmon__hwmon2__temp1_label="Core 0", class__hwmon__hwmon3__name="amdgpu",
        class__hwmon__hwmon3__power1_input="35500000",
        devices__system__cpu__cpu0__cpufreq__scaling_cur_freq="2400000",
        devices__system__cpu__cpu0__cpufreq__scaling_max_freq="3600000",
        devices__system__cpu__cpu0__cpufreq__cpuinfo_max_freq="3600000",
        devices__system__cpu__cpu1__cpufreq__scaling_cur_freq="1800000",
        devices__system__cpu__cpu1__cpufreq__scaling_max_freq="1800000",
        devices__system__cpu__cpu1__cpufreq__cpuinfo_max_freq="3600000",
    )  # fmt: skip
    found = read_sensors(tmp_path)
    assert found.celsius == {"x86_pkg_temp": 61.0, "coretemp Core 0": 58.5}
    assert found.watt == pytest.approx({"amdgpu power1": 35.5})
    assert found.megahertz == {"cpu": 1800.0}
    assert found.throttled == 1
    assert found.absent == []


def test_a_jetson_gives_volts_and_amperes_of_its_rails_and_the_gpus_clock(tmp_path: Path) -> None:
    sysfs(
        tmp_path,
        class__thermal__thermal_zone0__type="GPU-therm", class__thermal__thermal_zone0__temp="47250",
        class__thermal__thermal_zone1__type="GPU-therm", class__thermal__thermal_zone1__temp="48000",
        class__hwmon__hwmon1__name="ina3221", class__hwmon__hwmon1__in1_input="5000",
        class__hwmon__hwmon1__in1_label="VDD_IN", class__hwmon__hwmon1__curr1_input="1200",
    )  # fmt: skip
    sysfs(tmp_path, **{"class__devfreq__17000000.ga10b__cur_freq": "918000000"})
    found = read_sensors(tmp_path)
    assert found.celsius == {"GPU-therm": 47.25, "GPU-therm 2": 48.0}
    assert found.watt == pytest.approx({"ina3221 VDD_IN": 6.0})
    assert found.megahertz == {"17000000.ga10b": 918.0}


@pytest.mark.parametrize("text", ["", "hot", "-273000", "999000", "nan"])
def test_a_reading_that_cannot_be_is_left_out(tmp_path: Path, text: str) -> None:
    sysfs(tmp_path, class__thermal__thermal_zone0__type="cpu", class__thermal__thermal_zone0__temp=text)
    assert read_sensors(tmp_path).celsius == {}
