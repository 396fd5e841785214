"""A site with models of every kind, all fake: for what the dialog says of them and what a job gets of its choices."""

from tests.site_settings import *  # noqa: F403
from tests.site_settings import AUTOLABEL

FAKES = "tests.autolabel.fakes"

AUTOLABEL = {
    **AUTOLABEL,
    "MODELS": {
        "gated": {
            "PREDICTOR": f"{FAKES}.NeedsWeightsPredictor",
            "TITLE": "Gated",
            "HOW_TO_GET": "Ask its owner, then set GATED_WEIGHTS.",
        },
        "private": {"PREDICTOR": f"{FAKES}.FakePredictor", "TITLE": "Private", "GROUP": "Pilots"},
        "yolo": {"PREDICTOR": f"{FAKES}.FakePredictor", "TITLE": "Boxes"},
        "words": {"PREDICTOR": f"{FAKES}.OpenWordsPredictor", "TITLE": "Words"},
        "masks": {"PREDICTOR": f"{FAKES}.MaskingPredictor", "TITLE": "Masks"},
    },
}
