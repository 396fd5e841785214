"""The demo's small SAM 3: the real ultralytics SAM 3 classes with small numbers and a convolutional trunk.

Our own are the trunk (see `small_trunk`), the tokenizer, and that a mask ends at its box.
"""

import math
from typing import Any

import torch
from torch import nn
from ultralytics.models.sam.modules.blocks import PositionEmbeddingSine
from ultralytics.models.sam.sam3.decoder import TransformerDecoder, TransformerDecoderLayer
from ultralytics.models.sam.sam3.encoder import TransformerEncoderFusion, TransformerEncoderLayer
from ultralytics.models.sam.sam3.geometry_encoders import SequenceGeometryEncoder
from ultralytics.models.sam.sam3.maskformer_segmentation import PixelDecoder, UniversalSegmentationHead
from ultralytics.models.sam.sam3.model_misc import DotProductScoring, TransformerWrapper
from ultralytics.models.sam.sam3.necks import Sam3DualViTDetNeck
from ultralytics.models.sam.sam3.sam3_image import SAM3SemanticModel
from ultralytics.models.sam.sam3.text_encoder_ve import VETextEncoder
from ultralytics.models.sam.sam3.vl_combiner import SAM3VLBackbone
from ultralytics.nn.modules import C3k2, Conv
from ultralytics.nn.modules.transformer import MLP

from annotation_platform.demo.small_trunk import PicoFeatures

__all__ = ["IMAGE_SIZE", "STRIDE", "build_small_sam3"]

IMAGE_SIZE = 320  # pixels a side: the SAM 3 predictor stretches every image to a square
STRIDE = 16  # of the tokens that the transformer sees: 20 x 20 of them
WIDTH, HEADS, FEED_FORWARD = 64, 4, 256
ENCODER_LAYERS, DECODER_LAYERS, TEXT_LAYERS = 2, 3, 1
GRID = 8  # queries a side: each starts as a box in its own cell of the image
BOX = (0.14, 0.18)  # width and height of these boxes, as parts of the image's
WORDS = ("washer", "nut", "bolt", "gear", "screw", "cog", "a", "the")
MARGIN, CUT = 0.08, 8.0  # of a box's side around it; the logit outside
CONTEXT = 8  # tokens a prompt
PLACE_RATES = (0.5, 1.0, 2.0, 4.0)
PLACE_CHANNELS = 4 * len(PLACE_RATES) + 1
PADDING, UNKNOWN, FIRST_WORD = 0, 1, 2
START, END = FIRST_WORD + len(WORDS), FIRST_WORD + len(WORDS) + 1
VOCABULARY = END + 1


class WordTokenizer:
    """Words to token ids, called as CLIP's tokenizer is. Every word outside `WORDS` becomes the one unknown token."""

    def __call__(self, texts: str | list[str], context_length: int = CONTEXT) -> torch.Tensor:
        """Token ids of shape (texts, context_length), padded with 0; words past the end are dropped."""
        texts = [texts] if isinstance(texts, str) else texts
        tokens = torch.full((len(texts), context_length), PADDING, dtype=torch.long)
        for row, text in zip(tokens, texts, strict=True):
            words = [word_id(word) for word in text.lower().split()][: context_length - 2]
            row[: len(words) + 2] = torch.tensor([START, *words, END])
        return tokens


def word_id(word: str) -> int:
    """The token of a lower-case word; a plural has the token of its singular."""
    for form in (word, word.removesuffix("s")):
        if form in WORDS:
            return FIRST_WORD + WORDS.index(form)
    return UNKNOWN


class PicoTrunk(PicoFeatures):
    """The detector's backbone and neck, with what the SAM 3 neck asks of a trunk.

    Takes images of shape (N, 3, H, W) in -1..1 and gives one map of shape (N, 369, H / 16, W / 16). The neck upsamples
    this map for the masks, so the finer maps are folded into its channels instead of being lost. Convolutions do not
    know where they are, but a query must tell one washer's pixels from another's: some channels say the place.
    """

    def __init__(self) -> None:
        super().__init__()
        self.down = Conv(64, 64, 3, 2)
        self.fuse16 = C3k2(160, 96, 1, False)
        self.fold4 = nn.Sequential(nn.Conv2d(32, 8, 1), nn.PixelUnshuffle(4))
        self.fold8 = nn.Sequential(nn.Conv2d(64, 32, 1), nn.PixelUnshuffle(2))
        self.channel_list = [96 + 8 * 16 + 32 * 4 + PLACE_CHANNELS]

    def set_imgsz(self, imgsz: list[int] | None = None) -> None:
        """Nothing depends on the image size here; the predictor calls this."""

    def forward(self, images: torch.Tensor) -> list[torch.Tensor]:
        map4, map8, map16 = self.features(images * 0.5 + 0.5)  # the detector was trained on 0..1
        fused = self.fuse16(torch.cat([self.down(map8), map16], 1))
        place = place_of_cells(*fused.shape[-2:]).to(fused).expand(len(fused), -1, -1, -1)
        return [torch.cat([fused, self.fold4(map4), self.fold8(map8), place], 1)]


def place_of_cells(height: int, width: int) -> torch.Tensor:
    """Waves over the image and a constant, of shape (1, 17, height, width)."""
    waves = []
    for size, shape in ((width, (1, -1)), (height, (-1, 1))):
        place = ((torch.arange(size) + 0.5) / size * 2 - 1).view(shape) * math.pi
        waves += [turn(place * rate).expand(height, width) for rate in PLACE_RATES for turn in (torch.sin, torch.cos)]
    return torch.stack([*waves, torch.ones(height, width)])[None]


class BoxedSam3(SAM3SemanticModel):
    """SAM 3 whose masks end a little outside their own boxes, as YOLO's do.

    So small a model tells a washer from all else long before it tells two washers apart: its masks would take in
    others of their kind far away.
    """

    def _run_segmentation_heads(self, out: dict[str, Any], *args: Any, **kwargs: Any) -> None:
        super()._run_segmentation_heads(out, *args, **kwargs)
        out["pred_masks"] = cut_to_boxes(out["pred_masks"], out["pred_boxes"])


def cut_to_boxes(masks: torch.Tensor, boxes: torch.Tensor) -> torch.Tensor:
    """Mask logits (..., H, W), low outside of `boxes` (..., 4): centre x, y, width, height as parts of the image."""
    height, width = masks.shape[-2:]
    inside = [
        ((torch.arange(size, device=boxes.device) + 0.5) / size - boxes[..., axis, None]).abs()
        <= boxes[..., axis + 2, None] * (0.5 + MARGIN) + 1 / size
        for axis, size in enumerate((width, height))
    ]
    outside = ~(inside[1][..., :, None] & inside[0][..., None, :])
    return masks.masked_fill(outside, -CUT)


def build_small_sam3() -> SAM3SemanticModel:
    """The model with random weights, in evaluation mode; its queries start on a grid."""
    encoder = TransformerEncoderFusion(
        layer=TransformerEncoderLayer(
            d_model=WIDTH,
            dim_feedforward=FEED_FORWARD,
            dropout=0.0,
            pos_enc_at_attn=True,
            pos_enc_at_cross_attn_keys=False,
            pos_enc_at_cross_attn_queries=False,
            pre_norm=True,
            self_attention=_attention(batch_first=True),
            cross_attention=_attention(batch_first=True),
        ),
        num_layers=ENCODER_LAYERS,
        d_model=WIDTH,
        num_feature_levels=1,
        add_pooled_text_to_img_feat=False,
        pool_text_with_mask=True,
    )
    model = BoxedSam3(
        backbone=SAM3VLBackbone(visual=_vision(), text=_text(), scalp=0),
        transformer=TransformerWrapper(encoder=encoder, decoder=_decoder(), d_model=WIDTH),
        input_geometry_encoder=_geometry(),
        segmentation_head=UniversalSegmentationHead(
            hidden_dim=WIDTH,
            upsampling_stages=2,
            cross_attend_prompt=_attention(),
            pixel_decoder=PixelDecoder(WIDTH, num_upsampling_stages=2),
        ),
        dot_prod_scoring=DotProductScoring(
            d_model=WIDTH,
            d_proj=WIDTH,
            prompt_mlp=MLP(WIDTH, FEED_FORWARD, WIDTH, 2, residual=True, out_norm=nn.LayerNorm(WIDTH)),
        ),
        use_instance_query=False,
    )
    _place_queries(model.transformer.decoder)
    return model.eval()


def _attention(batch_first: bool = False) -> nn.MultiheadAttention:
    return nn.MultiheadAttention(WIDTH, HEADS, batch_first=batch_first)


def _positions() -> PositionEmbeddingSine:
    return PositionEmbeddingSine(num_pos_feats=WIDTH, normalize=True, temperature=10000)


def _vision() -> Sam3DualViTDetNeck:
    return Sam3DualViTDetNeck(PicoTrunk(), _positions(), d_model=WIDTH, scale_factors=(4.0, 2.0, 1.0))


def _text() -> VETextEncoder:
    text = VETextEncoder(
        d_model=WIDTH,
        tokenizer=WordTokenizer(),
        width=WIDTH,
        heads=HEADS,
        layers=TEXT_LAYERS,
        context_length=CONTEXT,
        vocab_size=VOCABULARY,
        use_act_checkpoint=False,
    )
    # ultralytics leaves these uninitialised, as its checkpoints bring them.
    nn.init.normal_(text.encoder.positional_embedding, std=0.02)
    nn.init.normal_(text.encoder.text_projection, std=0.02)
    return text


def _decoder() -> TransformerDecoder:
    return TransformerDecoder(
        layer=TransformerDecoderLayer(
            d_model=WIDTH,
            dim_feedforward=FEED_FORWARD,
            dropout=0.0,
            cross_attention=_attention(),
            n_heads=HEADS,
            use_text_cross_attention=True,
        ),
        num_layers=DECODER_LAYERS,
        num_queries=GRID * GRID,
        return_intermediate=True,
        box_refine=True,
        dac=True,
        boxRPB="log",
        d_model=WIDTH,
        frozen=False,
        interaction_layer=None,
        presence_token=True,
    )


def _geometry() -> SequenceGeometryEncoder:
    """Encodes example boxes. SAM 3 must have one; the demo prompts by text only and leaves it untrained."""
    return SequenceGeometryEncoder(
        pos_enc=_positions(),
        boxes_direct_project=True,
        boxes_pool=False,
        boxes_pos_enc=False,
        d_model=WIDTH,
        num_layers=1,
        layer=TransformerEncoderLayer(
            d_model=WIDTH,
            dim_feedforward=WIDTH,
            dropout=0.0,
            pos_enc_at_attn=False,
            pre_norm=True,
            pos_enc_at_cross_attn_queries=False,
            pos_enc_at_cross_attn_keys=True,
            self_attention=_attention(),
            cross_attention=_attention(),
        ),
    )


def _place_queries(decoder: TransformerDecoder) -> None:
    """Start every query in a cell of its own: a DETR decoder converges far sooner from such anchors."""
    centers = (torch.arange(GRID) + 0.5) / GRID
    y, x = torch.meshgrid(centers, centers, indexing="ij")
    boxes = torch.stack([x.flatten(), y.flatten(), *(torch.full((GRID * GRID,), side) for side in BOX)], 1)
    decoder.reference_points.weight.data = torch.logit(boxes)
