"""Starts the features of SAM and SAM 3 from the trained detector."""

from collections.abc import Iterable
from pathlib import Path

import torch
from torch import nn

from annotation_platform.demo.small_trunk import PicoFeatures


def start_from_detector(trunk: PicoFeatures, detector: Path) -> None:
    """Copy the layers that `trunk` shares with the detector of `hardware-pico.yaml`."""
    from ultralytics import YOLO

    layers = YOLO(str(detector)).model.float().model
    blocks: list[nn.Module] = [*trunk.stride4, *trunk.stride8, *trunk.stride16, trunk.fuse8]
    indices = [0, 1, 2, 3, 4, 5, 6, 7, 10]
    if hasattr(trunk, "fuse16"):
        blocks += [trunk.down, trunk.fuse16]
        indices += [11, 13]
    for block, index in zip(blocks, indices, strict=True):
        block.load_state_dict(layers[index].state_dict())


@torch.no_grad()
def recalibrate(trunk: nn.Module, images: Iterable[torch.Tensor]) -> None:
    """Measure the batch norms' statistics anew, for pictures that are stretched or padded unlike the detector's.

    From then on they stay as they are: the models train in evaluation mode.
    """
    for norm in (module for module in trunk.modules() if isinstance(module, nn.BatchNorm2d)):
        norm.reset_running_stats()
        norm.momentum = None  # a plain mean
    trunk.train()
    for batch in images:
        trunk(batch)
    trunk.eval()
