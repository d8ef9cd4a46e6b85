# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""What configure makes and cleanup releases: one or two networks with their engines, and the publishers of masks."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from trustseg.backends import GoldenResult
from trustseg.bounds import Bounds
from trustseg.bundle.unknown_objects import unknown_objects_policy
from trustseg.camera.model import CameraModel
from trustseg.errors import SelfTestError, TrustSegError
from trustseg.failsafe.messages import EngineIdentity
from trustseg.pipeline import Pipeline
from trustseg.reasons import Reason
from trustseg_ros.segmenter.backend.failover import BackendFailover, Loading
from trustseg_ros.segmenter.backend.light_network import LightNetwork, Network
from trustseg_ros.segmenter.backend.network_choice import NetworkChoice
from trustseg_ros.segmenter.backend.self_test_plan import SelfTestPlan
from trustseg_ros.segmenter.outputs import Outputs


@dataclass(frozen=True)
class Loaded:
    """One configured node.

    Attributes:
        networks: the one that serves at the start and, where there is one, the light one.
        outputs: of the node.
    """

    networks: tuple[BackendFailover, ...]
    outputs: Outputs

    @property
    def pipeline(self) -> Pipeline:
        """Judgement around the engine in use, of the network that serves at the start."""
        return self.networks[0].pipeline

    @property
    def loading(self) -> tuple[Loading, ...]:
        """Engines that are being loaded."""
        return tuple(each.loading for each in self.networks if each.loading is not None)

    def identity(self, pipeline: Pipeline) -> EngineIdentity:
        """What the statuses say while `pipeline`, of one of the networks, serves."""
        backend, light = pipeline.backend, pipeline is not self.pipeline
        return EngineIdentity(
            backend.name, backend.precision, pipeline.model_sha256, pipeline.calibration_sha256,
            Reason.LIGHT_NETWORK if light else Reason.NONE,
        )  # fmt: skip

    def describe(self, logger: Any) -> None:
        """Say what is loaded, what it does not do, and what the network sees of an image."""
        for each in self.networks:
            pipeline, backend = each.pipeline, each.pipeline.backend
            name, what = pipeline.bundle.card.name, "bundle" if each is self.networks[0] else "light bundle"
            logger.info(f"configured: {what} {name} on {backend.name} {backend.precision}")
            whose = "" if len(self.networks) == 1 else f"{name}: "
            logger.info(whose + unknown_objects_policy(pipeline.bundle, backend.precision))
            if pipeline.selection is not None:
                logger.info(f"the mask keeps {pipeline.selection.describe()}")
            if not pipeline.predicts_segments:
                logger.info(f"bundle {name} has no model of segments: their predicted IoU is NaN")
        if not self.pipeline.config.health.frozen_after:
            logger.warning("mode sim: the same image again is not taken for a frozen camera")
        geometry = self.pipeline.config.geometry
        if not geometry.is_plain:
            logger.info(f"input geometry: {geometry.describe()}; what the network does not see is 255")

    def settle(self) -> None:
        """Wait for engines that are being loaded, and let them take over."""
        for each in self.networks:
            each.settle()

    def prove(self) -> tuple[list[GoldenResult], list[int]]:
        """Run the golden image twice on each network; the second results, and what they took as they will while
        driving, nanoseconds.

        Raises:
            SelfTestError: one gives another result than it should.
            BackendError: an engine failed.
        """
        results, times_ns = [], []
        for each in self.networks:
            for warm_up in (True, False):
                began_ns = time.monotonic_ns()
                golden = each.pipeline.self_test(warm_up=warm_up)
                test_ns = time.monotonic_ns() - began_ns
                if not golden.passed:
                    raise SelfTestError("the golden image gives another result than it should", got=golden.why)
            results.append(golden)
            times_ns.append(test_ns)
        return results, times_ns

    def in_use(
        self, bounds: Bounds, period_s: float, now_ns: int, tests_ns: list[int], logger: Any
    ) -> tuple[Network, LightNetwork | None]:
        """The network that serves at the start of a stream, and both where there are two; `tests_ns` from `prove`."""
        networks = [
            Network(each, SelfTestPlan(period_s, bounds, now_ns, test_ns), now_ns, test_ns)
            for each, test_ns in zip(self.networks, tests_ns, strict=True)
        ]
        if len(networks) == 1:
            return networks[0], None
        heavy, light = networks
        return heavy, LightNetwork(heavy, light, NetworkChoice(bounds), logger, bounds.rate_window_ns)

    def differs(self) -> str:
        """What of each network's golden image is not as it should be, or how an engine failed; empty where all is well.

        No stream runs. Engines that are being loaded are waited for.
        """
        self.settle()
        try:
            return "; ".join(filter(None, (each.pipeline.self_test().why for each in self.networks)))
        except TrustSegError as error:
            return str(error)

    def prepare(self, camera: CameraModel) -> None:
        """See `Pipeline.prepare`; the networks share their maps."""
        self.pipeline.prepare(camera)

    def reset(self) -> None:
        """A new stream begins."""
        for each in self.networks:
            each.pipeline.reset()

    def close(self) -> None:
        """Release every engine and take the publishers down."""
        self.outputs.destroy()
        for each in self.networks:
            each.close()
