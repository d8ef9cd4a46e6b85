"""What an integrator needs besides the code: who may say what on the ROS network, what is inside, what is known."""

from trustseg.security.advisories import Advisory, known_advisories
from trustseg.security.locked import Locked, locked_packages
from trustseg.security.policy import Deployment, policy_document
from trustseg.security.sbom import bill_of_materials

__all__ = [
    "Advisory",
    "Deployment",
    "Locked",
    "bill_of_materials",
    "known_advisories",
    "locked_packages",
    "policy_document",
]
