"""What the errors of the use cases become on the wire."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.http import Http404
from rest_framework import status
from rest_framework.exceptions import APIException, PermissionDenied, ValidationError

from autolabel.exceptions import (
    JobActive,
    JobConflict,
    JobInvalid,
    JobLimit,
    JobNotActive,
    KeyReused,
    NotAllowed,
    NothingToRestore,
    NothingToRetry,
)

__all__ = ["Conflict", "translated"]


class Conflict(APIException):
    status_code = status.HTTP_409_CONFLICT
    default_code = "conflict"


class Unprocessable(APIException):
    status_code = status.HTTP_422_UNPROCESSABLE_ENTITY
    default_code = "unprocessable"


class TooManyJobs(APIException):
    status_code = status.HTTP_429_TOO_MANY_REQUESTS
    default_code = "too_many_jobs"


@contextmanager
def translated() -> Iterator[None]:
    """Errors of a use case as answers: `{"detail": …}`, `{"field": […]}`, and for a conflict the job in the way."""
    try:
        yield
    except LookupError:
        raise Http404 from None
    except NotAllowed as error:
        raise PermissionDenied(str(error)) from None
    except JobInvalid as error:
        raise ValidationError({error.field: [str(error)]}) from None
    except (NothingToRetry, NothingToRestore) as error:
        raise ValidationError(_detail(error)) from None
    except JobConflict as error:
        raise Conflict({**_detail(error), "job": error.active_uid}) from None
    except (JobActive, JobNotActive) as error:
        raise Conflict(str(error)) from None
    except KeyReused as error:
        raise Unprocessable(str(error)) from None
    except JobLimit as error:
        raise TooManyJobs(str(error)) from None


def _detail(error: Exception) -> dict[str, Any]:
    return {"detail": str(error)}
