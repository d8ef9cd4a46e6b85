# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""A graph that keeps only what no other bundle's graph holds: its bytes are put together from both.

A pair of networks holds the weights of both over again; beside their own bundles that is twenty megabytes for nothing.
Nothing is parsed here: pieces of bytes, in the order of their places. What comes out is compared with the card's hash
like any other graph.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from trustseg.bundle.card import SharedWeights

Piece = tuple[int, int, int]
"""Place in the graph, place in the other graph, length; bytes."""


def join(rest: bytes, shared: Iterable[SharedWeights], size: int, graph_of: Callable[[SharedWeights], bytes]) -> bytes:
    """The whole graph.

    Args:
        rest: what the bundle's own file holds: everything between the shared pieces, in order.
        shared: what other graphs hold. size: of the whole, bytes. graph_of: the bytes of another graph, checked.

    Raises:
        ValueError: the pieces overlap, lead out of a graph, or the rest is of another length.
    """
    graphs = [(each.pieces, graph_of(each)) for each in shared]  # each is read and checked once
    pieces = sorted((*piece, graph) for found, graph in graphs for piece in found)
    parts, at, used = list[bytes](), 0, 0
    for place, source, length, graph in pieces:
        if place < at or place + length > size or source + length > len(graph):
            raise ValueError(f"a piece of {length} bytes at {place} is not where it can be")
        parts += [rest[used : used + place - at], graph[source : source + length]]
        at, used = place + length, used + place - at
    parts.append(rest[used:])
    whole = b"".join(parts)
    if len(whole) != size:
        raise ValueError(f"{len(whole)} bytes, not {size}")
    return whole


def rest_of(graph: bytes, pieces: Iterable[Piece]) -> bytes:
    """What is left of `graph` without the `pieces`, which must not overlap."""
    parts, at = list[bytes](), 0
    for place, _, length in sorted(pieces):
        parts.append(graph[at:place])
        at = place + length
    return b"".join([*parts, graph[at:]])
