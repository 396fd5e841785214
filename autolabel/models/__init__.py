"""The database rows that are the truth about every job."""

from .audit import AuditEntry
from .job import Chunk, ItemResult, Job
from .model_version import ModelDefault, ModelVersion
from .prediction import Prediction
from .webhook import WebhookAttempt, WebhookDelivery, WebhookEndpoint, WebhookEvent
from .worker import Worker

__all__ = [
    "AuditEntry",
    "Chunk",
    "ItemResult",
    "Job",
    "ModelDefault",
    "ModelVersion",
    "Prediction",
    "WebhookAttempt",
    "WebhookDelivery",
    "WebhookEndpoint",
    "WebhookEvent",
    "Worker",
]
