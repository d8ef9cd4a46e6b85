# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Who trains when, and for how long; the plan that comes with the package is one that can be trained."""

from __future__ import annotations

from pathlib import Path

import pytest

from trustseg.errors import InputError
from trustseg_lab.training.away.plan import STARTS, Plan, chosen, config_file, load_plan, stages
from trustseg_lab.training.config import load_config

OWN = Path(__file__).resolve().parents[5] / "ros2_ws/src/trustseg_lab/trustseg_lab/training/away/on_gpu.yaml"


@pytest.fixture
def plan() -> Plan:
    return load_plan(OWN)


def test_every_member_of_the_own_plan_has_a_configuration_and_weights_to_start_from(
    plan: Plan, repository: Path
) -> None:
    assert list(plan.members) == ["vgg", "lite", "second"]
    for name, member in plan.members.items():
        config = load_config(config_file(OWN.parent, member.config), member.cuda)
        assert config.optim.batch == 16
        assert member.init is None or (repository / member.init).is_file(), name
        if config.distil is not None:
            assert (repository / config.distil.teacher).is_dir()


def test_on_a_gpu_students_of_one_teacher_train_together_after_it(plan: Plan) -> None:
    first, second = stages(plan, ["vgg", "lite", "second"], 10.0, together=True)
    assert (first.names, second.names) == (("vgg",), ("lite", "second"))
    assert first.minutes == pytest.approx(4.0 * (1 - STARTS))
    assert second.minutes == pytest.approx(6.0 * (1 - STARTS))


def test_on_the_cpu_one_trains_after_the_other(plan: Plan) -> None:
    found = stages(plan, ["vgg", "lite", "second"], 16.0, together=False)
    assert [stage.names for stage in found] == [("vgg",), ("lite",), ("second",)]
    assert [stage.minutes / (1 - STARTS) for stage in found] == pytest.approx([4.0, 6.0, 6.0])


def test_without_the_teacher_its_students_have_all_the_minutes(plan: Plan) -> None:
    (only,) = stages(plan, ["lite", "second"], 10.0, together=True)
    assert (only.names, only.minutes) == (("lite", "second"), pytest.approx(10.0 * (1 - STARTS)))


def test_members_are_taken_in_the_order_of_the_plan_and_unknown_ones_named() -> None:
    known = ["vgg", "lite", "second"]
    assert chosen(known, None) == known
    assert chosen(known, "lite, vgg") == ["vgg", "lite"]
    with pytest.raises(InputError, match=r"unknown member 'light', expected vgg, lite, second, got lite,light"):
        chosen(known, "lite,light")
    with pytest.raises(InputError, match="no member is named"):
        chosen(known, ",")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "classes: c\nmembers: {a: {config: x, share: 1, teacher: b}, b: {config: x, share: 1}}",
            "no member before it",
        ),
        ("classes: c\nmembers: {a/b: {config: x, share: 1}}", "no name of a member"),
        ("classes: c\nmembers: {}", "members"),
        ("classes: c\nmembers: {a: {config: x, share: 0}}", "share"),
        ("classes: c\nmembers: {a: {config: x, share: 1, epochs: 2}}", "epochs"),
    ],
)
def test_a_plan_that_cannot_be_trained_is_refused(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "plan.yaml").write_text(text)
    with pytest.raises(InputError, match=message):
        load_plan(tmp_path / "plan.yaml")


def test_who_has_the_teachers_word_with_it_does_not_wait_for_the_teacher(plan: Plan) -> None:
    (only,) = stages(plan, ["vgg", "lite", "second"], 10.0, together=True, soft=["lite", "second"])
    assert only.names == ("vgg", "lite", "second")
    first, second = stages(plan, ["vgg", "lite", "second"], 10.0, together=True, soft=["second"])
    assert (first.names, second.names) == (("vgg", "second"), ("lite",))


def test_a_configuration_lies_beside_the_plan() -> None:
    for config in ("more/lite.yaml", "/lite.yaml", "../lite.yaml"):
        with pytest.raises(ValueError, match="is no file beside the plan"):
            Plan.model_validate({"classes": "c.yaml", "members": {"lite": {"config": config, "share": 1.0}}})
