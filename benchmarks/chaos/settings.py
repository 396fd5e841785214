"""Settings of a site that the chaos is let loose on: the product's own, but for the model and short times.

`CHAOS_TIMES=default` leaves the times as the product ships them.
"""

import os

from annotation_platform.settings import AUTOLABEL as PRODUCT
from tests.site_settings import *  # noqa: F403
from tests.site_settings import AUTOLABEL as SHORT
from tests.site_settings import DATA_DIR

_TIMES = {} if os.environ.get("CHAOS_TIMES") == "default" else SHORT

AUTOLABEL = {
    **PRODUCT,
    **_TIMES,
    "MODELS": {
        "yolo": {
            "PREDICTOR": "benchmarks.chaos.model.ChaosPredictor",
            "BATCH_SIZE": 4,
            "OPTIONS": {
                "seconds": float(os.environ.get("CHAOS_SECONDS", "0.002")),
                "loads": str(DATA_DIR / "loads.log"),
                "trace": str(DATA_DIR / "trace.log"),
            },
        }
    },
    "PROCESS_MEMORY_BYTES": int(os.environ.get("CHAOS_MEMORY_BYTES", "0")) or None,
    "MAX_ACTIVE_JOBS_PER_USER": None,
}

if "CHAOS_STORAGE" in os.environ:
    STORAGES = {
        "default": {
            "BACKEND": "benchmarks.chaos.storage.FaultyStorage",
            "OPTIONS": {"orders": os.environ["CHAOS_STORAGE"]},
        },
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
    }

# Django's own loggers have a level of their own: a thousand answers of 409, as asked for, are no news.
LOGGING = {**LOGGING, "loggers": {"django": {"level": LOGGING["root"]["level"]}}}  # noqa: F405
