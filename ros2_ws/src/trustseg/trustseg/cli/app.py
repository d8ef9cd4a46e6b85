# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""The `trustseg` command: one typer application; every subcommand lives in a file of its own beside this one."""

from __future__ import annotations

import errno
import importlib
import io
import os
import signal
import sys
from collections.abc import Callable
from functools import partial
from importlib import metadata
from typing import Annotated, Any

import typer

import trustseg
from trustseg.cli.plain_console import PlainConsole
from trustseg.errors import InputError, TrustSegError
from trustseg.install_hint import install_package

# Commands of the runtime: name -> (module, function). Modules are imported only for the command that runs, so that
# `trustseg --help` stays quick and the runtime never pays for what it does not use.
COMMANDS: dict[str, tuple[str, str]] = {
    "build": ("trustseg.cli.build", "build"),
    "sign": ("trustseg.cli.sign", "sign"),
    "verify": ("trustseg.cli.verify", "verify"),
    "env": ("trustseg.cli.env", "env"),
}
# Commands of other packages, found where those are installed; named here so that a missing one says what to install.
ENTRY_POINTS = "trustseg.commands"
LABORATORY = "trustseg_lab"
LABORATORY_COMMANDS = (
    "run", "replay", "play", "record", "watch", "mine", "drift", "evaluate", "evaluate-unknown", "train",
    "fit-confidence", "calibrate", "export", "wrap", "security", "bench", "benchmark", "faults", "scenes",
)  # fmt: skip

# typer brings its own copy of click; its base of every usage error has no public name.
USAGE_ERROR: Any = typer.BadParameter.__mro__[1]
EXIT_GOOD, EXIT_USAGE = 0, 2  # and 1: a command returns it for a bad verdict
# What a full disk or a device that failed gives where no file is named: what is wrong, and what to do.
_FULL = "the output cannot be written", "free some space there"
NO_FILE_NAME: dict[int | None, tuple[str, str]] = {
    **dict.fromkeys((errno.ENOSPC, errno.EDQUOT, errno.EFBIG), _FULL),
    errno.EIO: ("an input cannot be read or the output cannot be written", "check the devices that they are on"),
}


def show_version(wanted: bool) -> None:
    """Print the version and end."""
    if wanted:
        typer.echo(f"trustseg {trustseg.__version__}")
        raise typer.Exit


def commands() -> dict[str, Callable[[], Any]]:
    """Name -> what loads the command, of every command that is installed here; the laboratory's first."""
    found: dict[str, Callable[[], Any]] = {
        each.name: each.load for each in sorted(metadata.entry_points(group=ENTRY_POINTS), key=_place)
    }
    return {**found, **{name: partial(_own, *where) for name, where in COMMANDS.items()}}


def _place(point: metadata.EntryPoint) -> tuple[int, str]:
    known = LABORATORY_COMMANDS.index(point.name) if point.name in LABORATORY_COMMANDS else len(LABORATORY_COMMANDS)
    return known, point.name


def _own(module: str, function: str) -> Any:
    return getattr(importlib.import_module(module), function)


def refuse_missing(name: str) -> None:
    """Raise InputError where `name` is a command of a package that is not installed."""
    if name in LABORATORY_COMMANDS and name not in commands():
        raise InputError(
            f"`trustseg {name}` is a command of the package {LABORATORY}, which is not installed here",
            fix=install_package(LABORATORY),
        )


def build_app(only: str | None = None) -> typer.Typer:
    """The application with every command, or with `only` that one (its module alone is then imported)."""
    app = typer.Typer(
        name="trustseg",
        help="Semantic segmentation for driving that says when it must not be trusted.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode="rich",
    )

    @app.callback()
    def root(
        version: Annotated[
            bool, typer.Option("--version", callback=show_version, is_eager=True, help="Print the version and exit.")
        ] = False,
    ) -> None:
        """Semantic segmentation for driving that says when it must not be trusted."""

    own = {only: partial(_own, *COMMANDS[only])} if only in COMMANDS else commands()
    for name, load in own.items():
        if only is None or name == only:
            command = load()
            if isinstance(command, typer.Typer):
                app.add_typer(command, name=name)
            else:
                app.command(name)(command)
    return app


def main(argv: list[str] | None = None) -> None:
    """Entry point of the console script: 0 good, 1 ran and the verdict is bad, 2 usage or bad input."""
    args = sys.argv[1:] if argv is None else argv
    named = args[0] if args else ""
    only = named if named in COMMANDS or named in LABORATORY_COMMANDS else None
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a name may hold what the terminal has no letters for
            stream.reconfigure(errors="backslashreplace")
    err = PlainConsole(stderr=True, soft_wrap=True)
    try:
        refuse_missing(named)
        code = build_app(only)(args=args, standalone_mode=False)
        sys.stdout.flush()  # what cannot be written is said here: at the end of the process nobody would hear of it
        sys.exit(code if isinstance(code, int) else EXIT_GOOD)
    except USAGE_ERROR as error:
        text = " ".join(error.format_message().split())
        if text:
            err.print(
                f"trustseg: {text} (see `trustseg {only or ''} --help`)".replace("  ", " "), style="red", markup=False
            )
        sys.exit(EXIT_USAGE)
    except TrustSegError as error:
        err.print(f"trustseg: {error}", style="red", markup=False)
        sys.exit(EXIT_USAGE)
    except BrokenPipeError:
        # The reader (a pager, `head`) has gone: not an error of ours; silence the interpreter's last flush.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(EXIT_GOOD)
    except OSError as error:
        if error.filename is None and error.errno not in NO_FILE_NAME:
            raise
        if error.filename is None:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # what is left would fail again
            what, fix = NO_FILE_NAME[error.errno]
            err.print(f"trustseg: {what}, got {error.strerror}; {fix}", style="red", markup=False)
            sys.exit(EXIT_USAGE)
        name = os.fsencode(error.filename).decode("utf-8", "backslashreplace")
        line = f"trustseg: {name} cannot be used, got {error.strerror}; check it and the folders above it"
        err.print(line, style="red", markup=False)
        sys.exit(EXIT_USAGE)
    except (KeyboardInterrupt, typer.Abort):
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # one more would end the interpreter by the signal
        err.print("trustseg: interrupted", style="red")
        sys.exit(130)


if __name__ == "__main__":
    main()
