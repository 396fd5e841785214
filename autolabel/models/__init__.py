"""The database rows that are the truth about every job."""

from .job import Chunk, ItemResult, Job
from .model_version import ModelDefault, ModelVersion
from .prediction import Prediction
from .webhook import WebhookEvent
from .worker import Worker

__all__ = ["Chunk", "ItemResult", "Job", "ModelDefault", "ModelVersion", "Prediction", "WebhookEvent", "Worker"]
