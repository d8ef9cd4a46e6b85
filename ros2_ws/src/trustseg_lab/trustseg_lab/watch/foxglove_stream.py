# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""The running system for Foxglove, by foxglove-sdk: pictures, state and reasons over its WebSocket."""

from __future__ import annotations

from typing import Any

from trustseg.errors import InputError
from trustseg.install_hint import pip_install


class FoxgloveStream:
    """Sends what it is given to every Foxglove that is connected.

    Args:
        address, port: to listen on; port 0 takes a free one.

    Raises:
        InputError: foxglove-sdk is not installed, or the port is taken.
    """

    def __init__(self, address: str, port: int) -> None:
        try:
            import foxglove
            from foxglove.channels import CompressedImageChannel
            from foxglove.messages import CompressedImage, Timestamp
        except ImportError:
            raise InputError(
                "Foxglove needs the package foxglove-sdk", fix=pip_install("trustseg_lab", "watch")
            ) from None
        self._image, self._timestamp = CompressedImage, Timestamp
        self._context = context = foxglove.Context()  # its channels close with it
        self._pictures = {
            name: CompressedImageChannel(f"/trustseg/{name}", context=context) for name in ("overlay", "confidence")
        }
        self._state = foxglove.Channel("/trustseg/state", message_encoding="json", context=context)
        try:
            self._server = foxglove.start_server(name="TrustSeg", host=address, port=port, context=context)
        except Exception as error:  # the library's own classes, which differ between its versions
            raise InputError(
                f"Foxglove cannot be served on {address}:{port}", got=" ".join(str(error).split()),
                fix="give another --foxglove-port or --address",
            ) from error  # fmt: skip
        self.port = int(self._server.port)

    def picture(self, name: str, stamp: Any, frame_id: str, data: bytes) -> None:
        """Send a JPEG with the stamp and the frame of the camera's image."""
        at = self._timestamp(stamp.sec, stamp.nanosec)
        self._pictures[name].log(self._image(timestamp=at, frame_id=frame_id, data=data, format="jpeg"))

    def state(self, document: dict[str, Any]) -> None:
        """Send what the page shows too."""
        self._state.log(document)

    def close(self) -> None:
        """Serve no more."""
        self._server.stop()
