# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""A small web server for one page: the state as JSON, the newest pictures as JPEG. Standard library only."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from trustseg.errors import InputError

PAGE = Path(__file__).parent / "resources" / "watch.html"
PICTURES = ("overlay", "confidence")


class PageServer:
    """Serves until `close`, in threads of its own.

    Args:
        address, port: to listen on; port 0 takes a free one.
        state: gives what state.json says. picture: gives the newest JPEG by its name, None where there is none.

    Raises:
        InputError: the port is taken, or the address is none of this machine.
    """

    def __init__(
        self, address: str, port: int, state: Callable[[], dict[str, Any]], picture: Callable[[str], bytes | None]
    ) -> None:
        page = PAGE.read_bytes()

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                path = self.path.partition("?")[0].lstrip("/")
                if path in ("", "index.html"):
                    self._answer(200, "text/html; charset=utf-8", page)
                elif path == "state.json":
                    self._answer(200, "application/json", json.dumps(state()).encode())
                elif path.removesuffix(".jpg") in PICTURES and path.endswith(".jpg"):
                    data = picture(path.removesuffix(".jpg"))
                    self._answer(404 if data is None else 200, "image/jpeg", data or b"")
                else:
                    self._answer(404, "text/plain", b"not here\n")

            def _answer(self, code: int, kind: str, data: bytes) -> None:
                self.send_response(code)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(data)))
                self.send_header("Cache-Control", "no-store")
                self.send_header("X-Content-Type-Options", "nosniff")
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, format: str, *args: Any) -> None:
                """Four requests a second are no news."""

        try:
            self._server = ThreadingHTTPServer((address, port), Handler)
        except (OSError, OverflowError, TypeError, UnicodeError) as error:  # the last two: no name at all
            raise InputError(
                f"the page cannot be served on {address}:{port}", got=getattr(error, "strerror", "") or str(error),
                fix="give another --port or --address",
            ) from error  # fmt: skip
        self._server.daemon_threads = True
        self.port = int(self._server.server_address[1])
        self._thread = threading.Thread(target=self._server.serve_forever, name="page", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Serve no more."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
