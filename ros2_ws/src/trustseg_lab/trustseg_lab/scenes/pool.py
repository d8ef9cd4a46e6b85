# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""A stock of textures, made once and shared by every drive that draws from it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from trustseg_lab.scenes.canvas import Texture
from trustseg_lab.scenes.cyclists import make_cyclist
from trustseg_lab.scenes.facades import Facade, make_chimney, make_facade, make_gable, make_roof
from trustseg_lab.scenes.furniture import (
    make_boards,
    make_lamp_post,
    make_pole,
    make_railing,
    make_sign,
    make_traffic_light,
)
from trustseg_lab.scenes.noise import stream
from trustseg_lab.scenes.people import make_pedestrian
from trustseg_lab.scenes.sketch import Figure
from trustseg_lab.scenes.sky import Float32, make_clouds
from trustseg_lab.scenes.surface import GroundTextures, make_ground_textures
from trustseg_lab.scenes.vegetation import make_backdrop, make_bare_tree, make_hedge, make_leafy_tree
from trustseg_lab.scenes.vehicles import Vehicle, make_vehicle

POOLS = 16
_STREAM_POOL = 1


@dataclass(frozen=True)
class TexturePool:
    """What the streets of some drives are made of."""

    facades: dict[str, tuple[Facade, ...]]
    gables: tuple[Texture, ...]
    roofs: tuple[Texture, ...]
    chimneys: tuple[Texture, ...]
    bare_trees: tuple[Texture, ...]
    leafy_trees: tuple[Texture, ...]
    hedges: tuple[Texture, ...]
    poles: tuple[Texture, ...]
    lamps: tuple[Texture, ...]
    lights: tuple[Texture, ...]
    signs: tuple[Texture, ...]
    railings: tuple[Texture, ...]
    boards: tuple[Texture, ...]
    pedestrians: tuple[Figure, ...]
    cyclists: tuple[Figure, ...]
    cars: tuple[Vehicle, ...]
    backdrop: tuple[Texture, Texture]
    ground: GroundTextures
    clouds: Float32


@lru_cache(maxsize=POOLS)
def texture_pool(index: int) -> TexturePool:
    """Pool number `index` (0 .. POOLS - 1); the same pictures in any process."""

    def rng(*key: int) -> np.random.Generator:
        return stream(_STREAM_POOL, index, *key)

    kinds = {"terrace": 4, "shops": 5, "render": 3, "stone": 2, "modern": 3, "office": 3}
    bodies = ["hatchback", "saloon", "hatchback", "estate", "hatchback", "van", "saloon", "hatchback", "estate", "bus"]
    return TexturePool(
        facades={
            kind: tuple(make_facade(rng(1, k, n), kind) for n in range(count))
            for k, (kind, count) in enumerate(kinds.items())
        },
        gables=tuple(make_gable(rng(2, n)) for n in range(3)),
        roofs=tuple(make_roof(rng(3, n)) for n in range(4)),
        chimneys=tuple(make_chimney(rng(4, n)) for n in range(2)),
        bare_trees=tuple(make_bare_tree(rng(5, n)) for n in range(3)),
        leafy_trees=tuple(make_leafy_tree(rng(6, n)) for n in range(5)),
        hedges=tuple(make_hedge(rng(7, n)) for n in range(2)),
        poles=tuple(make_pole(rng(8, n)) for n in range(2)),
        lamps=tuple(make_lamp_post(rng(9, n)) for n in range(2)),
        lights=tuple(make_traffic_light(rng(10, n)) for n in range(2)),
        signs=tuple(make_sign(rng(11, n)) for n in range(8)),
        railings=tuple(make_railing(rng(12, n)) for n in range(2)),
        boards=tuple(make_boards(rng(13, n)) for n in range(2)),
        pedestrians=tuple(make_pedestrian(rng(14, n)) for n in range(7)),
        cyclists=tuple(make_cyclist(rng(15, n)) for n in range(3)),
        cars=tuple(make_vehicle(rng(16, n), body) for n, body in enumerate(bodies)),
        backdrop=make_backdrop(rng(17)),
        ground=make_ground_textures(rng(18)),
        clouds=make_clouds(rng(19)),
    )
