"""`/healthz`, `/readyz` and `/metrics`, for monitors: plain answers, nothing of the inside."""

from __future__ import annotations

from django.db import DatabaseError, connections, router
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.utils.crypto import constant_time_compare
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from autolabel.conf import conf
from autolabel.models import Job

__all__ = ["healthz", "metrics", "readyz"]


@require_safe
@never_cache
def healthz(request: HttpRequest) -> HttpResponse:
    """The process answers. Asks nothing else, so that a database that is away restarts no web server."""
    return JsonResponse({"status": "ok"})


@require_safe
@never_cache
def readyz(request: HttpRequest) -> HttpResponse:
    """Whether web requests can be served: the database answers. Queue and workers are not asked, for jobs wait."""
    try:
        with connections[router.db_for_read(Job)].cursor() as cursor:
            cursor.execute("SELECT 1")
            cursor.fetchone()
    except DatabaseError:
        return JsonResponse({"status": "unavailable", "reason": "database"}, status=503)
    return JsonResponse({"status": "ok"})


@require_safe
@never_cache
def metrics(request: HttpRequest) -> HttpResponse:
    """For who sends settings.AUTOLABEL["METRICS_TOKEN"] as a bearer token, and for signed-in staff; 404 for others."""
    if not _may_read(request):
        if conf().metrics_token is None:
            raise Http404
        return HttpResponse("A token is needed.", status=401, headers={"WWW-Authenticate": "Bearer"})
    from prometheus_client import CONTENT_TYPE_LATEST

    from .metrics import exposition

    return HttpResponse(exposition(), content_type=CONTENT_TYPE_LATEST)


def _may_read(request: HttpRequest) -> bool:
    token, (scheme, _, given) = conf().metrics_token, request.headers.get("Authorization", "").partition(" ")
    if token and scheme.lower() == "bearer" and constant_time_compare(given.strip(), token):
        return True
    user = getattr(request, "user", None)
    return bool(user and user.is_active and user.is_staff)
