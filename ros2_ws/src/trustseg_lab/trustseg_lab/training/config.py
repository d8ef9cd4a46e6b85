# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Configuration of a training run: one YAML file, checked before anything is read or written."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from trustseg.errors import InputError
from trustseg_lab.data.yaml_file import first_problem, read_yaml
from trustseg_lab.network.encoder_layouts import LITE0, LITE0_UNITS, LITE0_WIDTHS, PLAIN

Arithmetic = Literal["auto", "fp32", "bf16"]  # auto: what is quicker on this machine


class Strict(BaseModel):
    """Base of every section: unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class ModelSection(Strict):
    """Shape of the network (trustseg_lab.network.segnet.SegNetConfig)."""

    stem: int = Field(default=2, ge=1, le=4)
    widths: list[int] = [32, 64, 96, 128, 160]
    encoder_convs: list[int] = [1, 1, 3, 3, 2]
    decoder_convs: list[int] = [2, 2, 2, 2, 2]
    dropout: float = Field(default=0.1, ge=0, lt=1)
    lateral: float | None = 1.0
    encoder_residual: bool = True
    decoder_narrow_first: bool = False
    encoder_groups: list[int] = Field(default=[], description="groups of each stage's 3x3 convolutions; 0: depthwise")
    decoder_groups: list[int] = []
    guide: int = Field(default=0, ge=0, description="channels of the image map that guides a last enlargement; 0: none")
    unknown: bool = Field(default=False, description="a plane beside the classes for objects that are none of them")
    encoder: Literal["plain", "lite0"] = Field(
        default=PLAIN, description="lite0: EfficientNet-Lite0's; widths and encoder_convs are then that network's"
    )
    lite0: Path | None = Field(
        default=None, description="file of EfficientNet-Lite0's weights (.pth) to start the encoder from"
    )
    vgg16: Path | None = Field(
        default=None, description="safetensors of VGG16's convolutions (torchvision's names) to start the encoder from"
    )

    @model_validator(mode="before")
    @classmethod
    def _own_shape(cls, given: Any) -> Any:
        """The shape of an encoder that has its own, where none is said."""
        if isinstance(given, dict) and given.get("encoder") == LITE0:
            return {"widths": list(LITE0_WIDTHS), "encoder_convs": list(LITE0_UNITS), **given}
        return given

    @model_validator(mode="after")
    def _stages_agree(self) -> ModelSection:
        """One number a stage in every list, groups that divide the widths, and a level that a guide can enlarge."""
        stages = len(self.widths)
        if (self.lite0 is not None and self.encoder != LITE0) or (self.vgg16 is not None and self.encoder != PLAIN):
            given_file = "lite0" if self.vgg16 is None else "vgg16"
            raise ValueError(f"{given_file}: weights of another encoder than {self.encoder}")
        given = (tuple(self.widths), tuple(self.encoder_convs))
        if self.encoder == LITE0 and (given != (LITE0_WIDTHS, LITE0_UNITS) or self.encoder_groups):
            raise ValueError(f"encoder {LITE0}: leave out widths, encoder_convs and encoder_groups, it has its own")
        for name in ("encoder_convs", "decoder_convs", "encoder_groups", "decoder_groups"):
            listed = getattr(self, name)
            if len(listed) != stages and (listed or name.endswith("convs")):
                raise ValueError(f"{name} has {len(listed)} numbers, widths has {stages}: one a stage each")
        finer = [3 * self.stem**2, *self.widths[:-1]]
        grouped = (("encoder_groups", finer), ("decoder_groups", [self.widths[0], *self.widths[:-1]]))
        for name, others in grouped:
            for stage, (groups, *channels) in enumerate(zip(getattr(self, name), self.widths, others, strict=False)):
                if groups < 0 or (groups and any(each % groups for each in channels)):
                    raise ValueError(f"{name}[{stage}] = {groups} does not divide {channels[0]} and {channels[1]}")
        if self.guide and self.stem == 1 and self.decoder_convs and self.decoder_convs[0]:
            raise ValueError("guide: the decoder ends at the size of the image: there is nothing to enlarge")
        return self


class Source(Strict):
    """A folder of images and one of labels."""

    images: Path
    labels: Path
    label_names: str | None = Field(
        default=None, description="IMAGE_END:LABEL_END where names differ; unset: equal names, or a known form"
    )
    label_format: str = Field(default="auto", description="of the labels, as --label-format has it")


class MoreSection(Strict):
    """A further set with labels of the same classes; the teacher, if there is one, speaks of its images too."""

    source: Source
    share: float = Field(ge=0, le=1, description="share of these images in every batch")


class DataSection(Strict):
    """What the network learns from. Relative folders are taken from the working directory."""

    train: Source
    val: Source
    height: int = Field(default=360, ge=32)
    width: int = Field(default=480, ge=32)
    crop: tuple[int, int] | None = Field(default=None, description="height, width of the windows that a step looks at")
    crop_until: float = Field(default=1.0, ge=0, le=1, description="share of the epochs after which it looks at all")
    more: list[MoreSection] = Field(default=[], description="further labelled sets, of the same classes")
    scene_share: float = Field(default=0.0, ge=0, le=1, description="share of rendered scenes in every batch")
    scene_frames: int = Field(default=0, ge=0, description="how many different rendered scenes")
    scene_seed: int = 0
    scene_cache: Path | None = Field(default=None, description="folder to keep rendered scenes in")

    @model_validator(mode="after")
    def _scenes_to_show(self) -> DataSection:
        """A share of the batches needs scenes to fill it with."""
        if self.scene_share > 0 and self.scene_frames == 0:
            raise ValueError(f"scene_share is {self.scene_share:g} and scene_frames is 0: give some, or a share of 0")
        return self


class CoarseSection(Strict):
    """A set whose labels name groups of classes only: the loss looks at the summed probability of a group."""

    source: Source
    groups: list[list[str]] = Field(description="names of the classes of group 0, 1, ...; the void value is left out")
    void: int = Field(default=255, ge=0, le=255)
    share: float = Field(default=0.2, ge=0, le=1, description="share of these images in every batch")
    weight: float = Field(default=0.5, gt=0, description="of the loss on groups, beside the one on classes")


class UnknownSection(Strict):
    """Objects that are no class, pasted into the training images; a network with `model.unknown` learns where."""

    library: Path = Field(description="folder that `trustseg_lab.training.unknown.library` has filled")
    images: float = Field(default=0.6, ge=0, le=1, description="share of the images that objects are pasted into")
    drawn: float = Field(default=0.4, ge=0, le=1, description="share of the objects that are of random make")
    most: int = Field(default=5, ge=1, description="things in an image at most")
    road: list[str] = ["road"]
    beside: list[str] = ["pavement"]
    things: dict[str, float] = Field(
        default={"car": 1.5, "pedestrian": 1.7, "bicyclist": 1.7},
        description="classes that are pasted too, under their own label, and their height in metres",
    )
    weight: float = Field(default=1.0, gt=0, description="of the loss of the unknown plane")
    exposure: float = Field(default=0.3, ge=0, description="weight of being sure of any class on an unknown object")


class AugmentSection(Strict):
    """Random changes of a training image; photometric ones leave the labels alone."""

    scale: tuple[float, float] = (0.5, 2.0)
    aspect_share: float = Field(default=0.0, ge=0, le=1, description="share taken as of a wider camera")
    aspect_most: float = Field(
        default=2.6, ge=1, description="how many times wider for its height than the network's input at most"
    )
    flip: float = 0.5
    brightness: float = 0.3
    contrast: float = 0.3
    saturation: float = 0.4
    hue: float = 0.03
    gamma: float = 0.3
    blur: float = Field(default=0.15, description="probability")
    noise: float = Field(default=0.15, description="probability")
    conditions: float = Field(
        default=0.0, ge=0, le=1, description="probability of weather, lens or sensor trouble that may be learned from"
    )
    conditions_most: float = Field(default=0.8, gt=0, le=1, description="its greatest severity")


class OptimSection(Strict):
    """AdamW with warm-up, a flat part and a cosine tail; weights averaged exponentially (EMA)."""

    epochs: int = Field(ge=1)
    batch: int = Field(default=8, ge=2)
    lr: float = Field(default=1.5e-3, gt=0)
    encoder_lr: float = Field(default=1.0, ge=0, description="times lr: the rate of the encoder; less when pretrained")
    frozen_stages: int = Field(default=0, ge=0, description="finest encoder stages that are left as they are")
    weight_decay: float = Field(default=1e-2, ge=0)
    warmup_epochs: float = Field(default=2.0, ge=0)
    decay_from: float = Field(default=0.5, ge=0, le=1, description="share of the epochs after which the rate falls")
    ema: float = Field(default=0.998, ge=0, lt=1)
    class_weight_power: float = Field(default=0.5, description="(median frequency / frequency) ** power")
    class_weight_max: float = Field(default=5.0, gt=0)
    jaccard: float = Field(default=0.5, ge=0, description="weight of the soft Jaccard loss")
    jaccard_from: float = Field(default=0.0, ge=0, le=1, description="share of the epochs after which it counts")


class DistilSection(Strict):
    """A larger network whose probabilities on the training images are learned beside the labels."""

    teacher: Path = Field(
        description="checkpoint that `trustseg train` wrote, or folder of a bundle, of the same classes"
    )
    weight: float = Field(default=1.0, gt=0, description="of the divergence from it, beside the loss on labels")
    cache: Path | None = Field(default=None, description="folder to keep what it said in")


class TrainConfig(Strict):
    """A whole run."""

    seed: int = 0
    data: DataSection
    model: ModelSection = ModelSection()
    augment: AugmentSection = AugmentSection()
    optim: OptimSection
    distil: DistilSection | None = None
    coarse: CoarseSection | None = None
    unknown: UnknownSection | None = None
    threads: int = Field(default=2, ge=1)
    arithmetic: Arithmetic = Field(default="auto", description="fp32, bf16, or auto: what is quicker on this machine")
    loaders: int | None = Field(
        default=None, ge=1, description="threads that make batches; unset: one on the CPU, else one a core less one"
    )
    val_every: int = Field(default=5, ge=1, description="epochs between evaluations on val")

    @model_validator(mode="after")
    def _shares_fit(self) -> TrainConfig:
        """What stands beside the training images leaves them a share of every batch, or none, but not less."""
        more, coarse = sum(each.share for each in self.data.more), self.coarse.share if self.coarse else 0.0
        if more + self.data.scene_share + coarse > 1 + 1e-9:  # 0.1 + 0.2 + 0.7 is 1, whatever the last bit
            raise ValueError(
                f"data.more has a share of {more:g}, scenes {self.data.scene_share:g} and coarse {coarse:g}: together "
                f"{more + self.data.scene_share + coarse:g}, of at most 1"
            )
        return self


def load_config(path: Path, overrides: dict[str, Any] | None = None) -> TrainConfig:
    """Read a run's YAML; `overrides` maps dotted keys ("optim.epochs") to values that replace the file's."""
    tree = read_yaml(path)
    for dotted, value in (overrides or {}).items():
        *parents, leaf = dotted.split(".")
        node = tree
        for parent in parents:
            if node.get(parent) is None:  # an empty section, "optim:", is there and holds nothing
                node[parent] = {}
            node = node[parent]
            if not isinstance(node, dict):
                raise InputError(f"{path}: {parent} holds no mapping", expected="key: value lines", got=repr(node)[:80])
        node[leaf] = value
    try:
        return TrainConfig.model_validate(tree)
    except ValidationError as error:
        raise first_problem(error, path) from None
