# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""What configure makes: which network the statuses speak of, and that both are proved."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from engine_stand import BOUNDS, Log, Stand
from trustseg.errors import BackendError, SelfTestError
from trustseg.reasons import Reason
from trustseg_ros.segmenter.loaded import Loaded


def network(name: str, *, why: str = "", log: list[str]) -> Any:
    def self_test(*, warm_up: bool = True) -> Any:
        log.append(name)
        return SimpleNamespace(passed=not why, why=why, engine_ms=1.0)

    backend = SimpleNamespace(name=f"engine of {name}", precision="fp32")
    pipeline = SimpleNamespace(
        backend=backend, model_sha256=f"model of {name}", calibration_sha256=f"table of {name}", self_test=self_test,
        reset=lambda: log.append(f"reset {name}"),
    )  # fmt: skip
    return SimpleNamespace(
        pipeline=pipeline, loading=None, settle=lambda: log.append(f"settle {name}"),
        close=lambda: log.append(f"close {name}"),
    )  # fmt: skip


def loaded(*names: str, **whys: str) -> tuple[Loaded, list[str]]:
    log: list[str] = []
    networks = tuple(network(name, why=whys.get(name, ""), log=log) for name in names)
    outputs: Any = SimpleNamespace(destroy=lambda: log.append("destroy"))
    return Loaded(networks, outputs), log


def test_the_statuses_speak_of_the_network_that_serves() -> None:
    made, _ = loaded("heavy", "light")
    heavy, light = (made.identity(each.pipeline) for each in made.networks)
    assert (heavy.backend, heavy.model_sha256, heavy.calibration_sha256, heavy.told) == (
        "engine of heavy", "model of heavy", "table of heavy", Reason.NONE,
    )  # fmt: skip
    assert (light.backend, light.model_sha256, light.calibration_sha256, light.told) == (
        "engine of light", "model of light", "table of light", Reason.LIGHT_NETWORK,
    )  # fmt: skip


def test_each_network_is_proved_and_timed() -> None:
    made, log = loaded("heavy", "light")
    results, times_ns = made.prove()
    assert log == ["heavy", "heavy", "light", "light"]
    assert (len(results), len(times_ns)) == (2, 2)
    assert made.differs() == ""


@pytest.mark.parametrize("which", ["heavy", "light"])
def test_one_that_differs_is_enough(which: str) -> None:
    made, _ = loaded("heavy", "light", **{which: "mask agreement 0.2"})
    with pytest.raises(SelfTestError, match=r"mask agreement 0\.2"):
        made.prove()
    assert made.differs() == "mask agreement 0.2"


def test_of_a_test_in_which_an_engine_fails_the_failure_is_told_and_what_is_being_loaded_is_waited_for() -> None:
    made, log = loaded("heavy", "light")
    broken: Any = made.networks[1].pipeline

    def fails() -> Any:
        raise BackendError("the engine is in use")

    broken.self_test = fails
    assert made.differs() == "the engine is in use"
    assert log == ["settle heavy", "settle light", "heavy"]


def test_every_network_is_settled_reset_and_closed() -> None:
    made, log = loaded("heavy", "light")
    made.settle()
    made.reset()
    made.close()
    assert log == [
        "settle heavy",
        "settle light",
        "reset heavy",
        "reset light",
        "destroy",
        "close heavy",
        "close light",
    ]
    assert made.loading == ()


def test_one_network_has_nothing_to_change_to() -> None:
    made = Loaded((Stand().engines,), SimpleNamespace())  # type: ignore[arg-type]
    heavy, light = made.in_use(BOUNDS, 60.0, 0, [7], Log())
    assert (heavy.engines, heavy.newest_ns, light) == (made.networks[0], 7, None)
