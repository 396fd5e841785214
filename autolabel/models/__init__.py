"""The database rows that are the truth about every job."""

from .job import Chunk, ItemResult, Job
from .prediction import Prediction
from .webhook import WebhookEvent
from .worker import Worker

__all__ = ["Chunk", "ItemResult", "Job", "Prediction", "WebhookEvent", "Worker"]
