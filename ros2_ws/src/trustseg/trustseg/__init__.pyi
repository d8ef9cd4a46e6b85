# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
from trustseg.backends import Backend as Backend
from trustseg.backends import select_backend as select_backend
from trustseg.bundle.loading import Bundle as Bundle
from trustseg.bundle.loading import load_bundle as load_bundle
from trustseg.camera.input_geometry import InputGeometry as InputGeometry
from trustseg.camera.model import CameraModel as CameraModel
from trustseg.errors import TrustSegError as TrustSegError
from trustseg.failsafe.state_machine import StateMachine as StateMachine
from trustseg.pipeline import Pipeline as Pipeline
from trustseg.pipeline import load as load
from trustseg.reasons import Reason as Reason
from trustseg.reasons import Severity as Severity
from trustseg.reasons import State as State
from trustseg.segments import Segment as Segment
from trustseg.types import Frame as Frame
from trustseg.types import FrameVerdict as FrameVerdict
from trustseg.types import PerceptionResult as PerceptionResult

__version__: str
