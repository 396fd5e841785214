"""The convolutional features that the demo's small SAM and small SAM 3 share.

They are the layers 0 to 10 of `hardware-pico.yaml`, so that the trained detector can start them; a vision transformer
would need far more data and time.
"""

import torch
from torch import nn
from ultralytics.nn.modules import SPPF, C3k2, Conv

__all__ = ["PicoFeatures"]


class PicoFeatures(nn.Module):
    """Three maps of an image: 32 channels at stride 4, 64 at stride 8 (which has seen stride 16), 96 at stride 16."""

    def __init__(self) -> None:
        super().__init__()
        self.stride4 = nn.Sequential(Conv(3, 16, 3, 2), Conv(16, 24, 3, 2), C3k2(24, 32, 1, False, 0.25))
        self.stride8 = nn.Sequential(Conv(32, 48, 3, 2), C3k2(48, 64, 1, False, 0.25))
        self.stride16 = nn.Sequential(Conv(64, 96, 3, 2), C3k2(96, 96, 1, True), SPPF(96, 96, 5))
        self.upsample = nn.Upsample(scale_factor=2, mode="nearest")
        self.fuse8 = C3k2(160, 64, 1, False)

    def features(self, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Maps at stride 4, 8 and 16 of images (N, 3, H, W) in 0..1; H and W are multiples of 16."""
        map4 = self.stride4(images)
        map8 = self.stride8(map4)
        map16 = self.stride16(map8)
        return map4, self.fuse8(torch.cat([self.upsample(map16), map8], 1)), map16
