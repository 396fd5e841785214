"""The database rows that are the truth about every job."""

from .audit import AuditEntry
from .job import Chunk, ItemResult, Job
from .model_version import ModelDefault, ModelVersion
from .prediction import Prediction
from .webhook import WebhookDelivery, WebhookEndpoint, WebhookEvent, WebhookTry
from .worker import Worker

__all__ = [
    "AuditEntry",
    "Chunk",
    "ItemResult",
    "Job",
    "ModelDefault",
    "ModelVersion",
    "Prediction",
    "WebhookDelivery",
    "WebhookEndpoint",
    "WebhookEvent",
    "WebhookTry",
    "Worker",
]
