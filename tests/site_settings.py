"""Settings of a site that a test starts as real processes: fake model, short times, everything below DATA_DIR."""

import os

from annotation_platform.settings import *  # noqa: F403
from annotation_platform.settings import AUTOLABEL, DATA_DIR

AUTOLABEL = {
    **AUTOLABEL,
    "MODELS": {
        "yolo": {
            "PREDICTOR": "tests.autolabel.fakes.FakePredictor",
            "CONCURRENCY": int(os.environ.get("FAKE_CONCURRENCY", "0")) or None,
            "OPTIONS": {
                "seconds": float(os.environ.get("FAKE_SECONDS", "0")),
                "log": str(DATA_DIR / "predictions.log"),
            },
        }
    },
    "CHUNK_SIZE": 16,
    "LEASE_SECONDS": 2.0,
    "HEARTBEAT_SECONDS": 0.5,
    "REAPER_SECONDS": 1.0,
    "LANE_SECONDS": 2.0,
    "WORKER_TIMEOUT_SECONDS": 3.0,
}

# Made for speed: these people live for one test.
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
