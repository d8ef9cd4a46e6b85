# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""`trustseg security`: the ROS network's policy, the bill of materials, known weaknesses of the packages."""

from __future__ import annotations

from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from trustseg.bundle import DEFAULT_BUNDLE
from trustseg.cli.plain_console import PlainConsole
from trustseg.errors import InputError
from trustseg.files.json_document import print_json
from trustseg_lab.cli.extras import require

if TYPE_CHECKING:
    from trustseg_lab.security.pins import Pin

security = typer.Typer(
    name="security",
    help="SROS 2 policy for the processes, bill of materials, known weaknesses of the locked packages.",
    no_args_is_help=True,
)
Locks = Annotated[
    list[Path] | None,
    typer.Option("--lock", help="Lock file; may be given again. Default: those of the runtime and of the ROS wheels."),
]
POLICY_FILE = "policy.xml"


@security.command()
def policy(
    out: Annotated[Path, typer.Option(help="File to write, .xml, or a folder to write policy.xml into.")],
    namespace: Annotated[str, typer.Option(help="Namespace of the nodes.")] = "/",
    cameras: Annotated[
        str, typer.Option(help="Cameras of a rig, names with commas: the topics below are then one a camera, likewise.")
    ] = "",
    image: Annotated[str, typer.Option(help="The camera's image topic as remapped.")] = "image",
    camera_info: Annotated[str, typer.Option(help="The camera's CameraInfo topic as remapped.")] = "camera_info",
    video: Annotated[str, typer.Option(help="The video decoder's topic of packets as remapped.")] = "video",
    points: Annotated[str, typer.Option(help="The point labels' topic of clouds as remapped.")] = "points",
    planner: Annotated[str, typer.Option(help="Name of the planner's node.")] = "planner",
    planner_topic: Annotated[
        list[str] | None, typer.Option(help="Topic that the planner publishes; may be given again.")
    ] = None,
    image_transport: Annotated[
        str, typer.Option(help="As the segmenter's parameter: raw, or compressed (also allows IMAGE/compressed).")
    ] = "raw",
    blackbox_topic: Annotated[
        list[str] | None,
        typer.Option(help="Further topic that the black box records; may be given again. Default: /tf and /tf_static."),
    ] = None,
    mount_from_tf: Annotated[
        bool, typer.Option(help="Ground grid and point labels hear /tf and /tf_static, as their parameter says.")
    ] = False,
    sim_time: Annotated[bool, typer.Option(help="The nodes hear /clock (replay, simulation).")] = False,
) -> None:
    """Write the SROS 2 policy: one enclave a process; only the monitor's may publish the flag that planners obey."""
    from trustseg_lab.security.policy import TF, Deployment, policy_document, rights_of
    from trustseg_ros.common.camera_names import camera_names

    if image_transport not in ("raw", "compressed"):
        raise InputError("--image-transport", expected="raw or compressed", got=repr(image_transport))
    if cameras and namespace.strip("/"):
        raise InputError("--namespace with --cameras", expected="one of them", got=f"{namespace} and {cameras}",
                         fix="front/left is a camera's name too")  # fmt: skip
    deployment = Deployment(
        namespace="/" + namespace.strip("/"),
        cameras=camera_names(cameras) if cameras else (),
        image=image,
        camera_info=camera_info,
        video=video,
        points=points,
        planner=planner,
        planner_topics=tuple(planner_topic or ("speed",)),
        blackbox_topics=tuple(blackbox_topic or TF),
        sim_time=sim_time,
        mount_from_tf=mount_from_tf,
        compressed=image_transport == "compressed",
    )
    file = out if out.suffix.lower() == ".xml" and not out.is_dir() else out / POLICY_FILE
    path = _write(file, policy_document(deployment))
    enclaves = list(dict.fromkeys(each.enclave for each in rights_of(deployment)))
    one = next(each for each in enclaves if each.endswith("monitor"))
    typer.echo(f"{path}\nWith the tools of SROS 2, for each of {', '.join(enclaves)} that runs:")
    typer.echo("  ros2 security create_keystore KEYSTORE")
    typer.echo(f"  ros2 security create_enclave KEYSTORE {deployment.enclaves}/{one}")
    typer.echo(f"  ros2 security create_permission KEYSTORE {deployment.enclaves}/{one} {path}")
    typer.echo("and each process with ROS_SECURITY_KEYSTORE=KEYSTORE ROS_SECURITY_ENABLE=true")
    typer.echo(f"ROS_SECURITY_STRATEGY=Enforce and `--ros-args --enclave {deployment.enclaves}/{one}`.")


@security.command()
def sbom(
    out: Annotated[Path | None, typer.Option(help="File to write; default: standard output.")] = None,
    lock: Locks = None,
    bundle: Annotated[list[str] | None, typer.Option(help=f"Bundle to list; default: {DEFAULT_BUNDLE}.")] = None,
) -> None:
    """Write the bill of materials (CycloneDX 1.6, JSON): every locked package with its hashes, and the models."""
    require("security sbom", "security", "cyclonedx_py", "pip_requirements_parser")
    from trustseg.bundle.loading import load_bundle
    from trustseg_lab.security.sbom import bill_of_materials

    bundles = [load_bundle(name, draft=True) for name in bundle or [DEFAULT_BUNDLE]]
    text = bill_of_materials(_packages(lock), bundles, metadata.version("trustseg"))
    if out is None:
        typer.echo(text, nl=False)
    else:
        typer.echo(str(_write(out, text)))


@security.command()
def audit(
    lock: Locks = None,
    service: Annotated[str, typer.Option(help="Address of an OSV service.")] = "https://api.osv.dev",
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout.")] = False,
) -> int:
    """Ask an OSV service for known weaknesses of the locked packages; 1 where there are any, 2 where nobody answers."""
    require("security audit", "security", "pip_audit", "pip_requirements_parser")
    from trustseg_lab.security.audit import known_advisories

    packages = _packages(lock)
    with PlainConsole(stderr=True).status(f"asking {service} about {len(packages)} packages"):
        found = known_advisories(packages, service)
    if as_json:
        rows = [{"package": a.package.name, "version": a.package.version, "advisory": a.identifier} for a in found]
        print_json({"packages": len(packages), "advisories": rows})
    else:
        for each in found:
            typer.echo(f"{each.package.name} {each.package.version}: {each.identifier}")
        typer.echo(f"{len(packages)} packages, {len(found)} known weaknesses")
    return 1 if found else 0


def _packages(lock: list[Path] | None) -> list[Pin]:
    from trustseg.bundle.loading import source_tree
    from trustseg_lab.security.pins import RUNTIME_LOCKS, pins

    tree = source_tree()
    if lock is None and tree is None:
        raise InputError("no lock files are installed with this package", fix="name them: --lock runtime.txt")
    return pins(lock or [tree / "requirements" / name for name in RUNTIME_LOCKS if tree])


def _write(path: Path, text: str) -> Path:
    path = path.expanduser().resolve()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise InputError(f"cannot write {path}", got=error.strerror or str(error)) from error
    return path
