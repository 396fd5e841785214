"""The demo's small SAM: the real `segment_anything` model with small numbers and a convolutional image encoder."""

import torch
from segment_anything.modeling import MaskDecoder, PromptEncoder, Sam, TwoWayTransformer
from torch import nn

from annotation_platform.demo.small_trunk import PicoFeatures

__all__ = ["IMAGE_SIZE", "build_small_sam"]

IMAGE_SIZE = 320  # pixels of the longer side; the mask logits have half of that
STRIDE = 8
WIDTH, HEADS, FEED_FORWARD = 96, 4, 256


class PicoEncoder(PicoFeatures):
    """Image embeddings (N, 96, S / 8, S / 8) of images (N, 3, S, S) in 0..1, fine detail folded in."""

    def __init__(self) -> None:
        super().__init__()
        self.img_size = IMAGE_SIZE  # `Sam` asks for it
        self.fold2 = nn.Sequential(nn.Conv2d(16, 4, 1), nn.PixelUnshuffle(4))
        self.fold4 = nn.Sequential(nn.Conv2d(32, 16, 1), nn.PixelUnshuffle(2))
        self.mix = nn.Sequential(
            nn.Conv2d(4 * 16 + 16 * 4 + 64, WIDTH, 1), nn.SiLU(), nn.Conv2d(WIDTH, WIDTH, 3, padding=1)
        )

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        map2 = self.stride4[0](images)
        map4, map8, _ = self.features(images)
        return self.mix(torch.cat([self.fold2(map2), self.fold4(map4), map8], 1))


def build_small_sam() -> Sam:
    """The model with random weights, in evaluation mode. It expects RGB in 0..255, as every `Sam` does."""
    grid = (IMAGE_SIZE // STRIDE, IMAGE_SIZE // STRIDE)
    sam = Sam(
        image_encoder=PicoEncoder(),
        prompt_encoder=PromptEncoder(
            embed_dim=WIDTH, image_embedding_size=grid, input_image_size=(IMAGE_SIZE, IMAGE_SIZE), mask_in_chans=8
        ),
        mask_decoder=MaskDecoder(
            transformer_dim=WIDTH,
            transformer=TwoWayTransformer(depth=2, embedding_dim=WIDTH, num_heads=HEADS, mlp_dim=FEED_FORWARD),
            num_multimask_outputs=3,
            iou_head_depth=3,
            iou_head_hidden_dim=WIDTH,
        ),
        pixel_mean=[0.0, 0.0, 0.0],  # the encoder's first layers were trained on 0..1
        pixel_std=[255.0, 255.0, 255.0],
    )
    return sam.eval()
