"""The models of the platform: the demo's small ones, and in their place the weights that the environment names.

`SAM3_WEIGHTS=/srv/weights/sam3.pt SAM3_SHA256=…` makes "sam3" the full-size model. Likewise YOLO_…, YOLO_SEG_… and
SAM_… (with SAM_ARCHITECTURE=vit_b, vit_l or vit_h).
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

__all__ = ["models"]

_WEIGHTS = Path(__file__).resolve().parent / "demo" / "weights"
_SMALL_SAM = "annotation_platform.demo.small_sam.build_small_sam"
_SMALL_SAM3 = "annotation_platform.demo.small_sam3.build_small_sam3"

# What both the demo's model and one of your own need.
_COMMON: dict[str, dict[str, Any]] = {
    "yolo": {"PREDICTOR": "autolabel.inference.yolo.YoloPredictor"},
    "yolo-seg": {"PREDICTOR": "autolabel.inference.yolo.YoloPredictor"},
    "sam": {"PREDICTOR": "autolabel.inference.sam.SamPredictor", "DETECTOR": "yolo"},
    "sam3": {"PREDICTOR": "autolabel.inference.sam3.Sam3Predictor"},
}
_DEMO: dict[str, dict[str, Any]] = {
    "yolo": {
        "TITLE": "YOLO, demo hardware",
        "WEIGHTS": _WEIGHTS / "hardware-yolo.pt",
        "SHA256": "43341ae3374a3fd6dc9c4068c390085d2883e71dfd4ac9ea6bef4ae1d083c4ff",
        "IMAGE_SIZE": 320,
    },
    "yolo-seg": {
        "TITLE": "YOLO outlines, demo hardware",
        "WEIGHTS": _WEIGHTS / "hardware-yolo-seg.pt",
        "SHA256": "c1965dd2ae9ab1cfae397a2067e9cfa5efadbc43ee79f575f4cbfb776c4fe3e9",
        "IMAGE_SIZE": 320,
    },
    "sam": {
        "TITLE": "SAM on YOLO's boxes, demo hardware",
        "WEIGHTS": _WEIGHTS / "hardware-sam.pth",
        "SHA256": "508cf23f55c886cb8e06e02c5aa8ee7000f92a2132a136a3db22e882aa72220d",
        "OPTIONS": {"architecture": _SMALL_SAM},
    },
    "sam3": {
        "TITLE": "SAM 3, demo hardware",
        "WEIGHTS": _WEIGHTS / "hardware-sam3.pt",
        "SHA256": "e859802f3cfa2063ca13e9ac22a173bc87d5e0fc9b38c89c341fb2f63e38fcd1",
        "IMAGE_SIZE": 320,
        "OPTIONS": {"architecture": _SMALL_SAM3, "stride": 16},
    },
}
_OWN_TITLES = {"yolo": "YOLO", "yolo-seg": "YOLO outlines", "sam": "SAM on YOLO's boxes", "sam3": "SAM 3"}


def models(environ: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """AUTOLABEL["MODELS"] of the platform; `environ` may hold NAME_WEIGHTS and NAME_SHA256 of weights of one's own."""
    chosen = {name: _own(name, environ) or _DEMO[name] for name in _COMMON}
    return {name: _COMMON[name] | entry for name, entry in chosen.items()}


def _own(name: str, environ: Mapping[str, str]) -> dict[str, Any] | None:
    variable = name.upper().replace("-", "_")
    weights = environ.get(f"{variable}_WEIGHTS")
    if not weights:
        return None
    options = {"architecture": environ.get("SAM_ARCHITECTURE", "vit_b")} if name == "sam" else {}
    sha256 = environ.get(f"{variable}_SHA256", "")
    return {"TITLE": _OWN_TITLES[name], "WEIGHTS": weights, "SHA256": sha256, "OPTIONS": options}
