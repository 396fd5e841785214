"""Settings: webhook endpoints of one's own and of projects that one manages, and what became of each delivery."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ObjectDoesNotExist
from django.db.models import Count, Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.cache import patch_vary_headers
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from autolabel.hosts.base import Actor
from autolabel.models import WebhookDelivery, WebhookEndpoint
from autolabel.webhooks import client, endpoints
from autolabel.webhooks import delivery as deliveries

from .. import access
from ..models import Project
from .project_page import page_of
from .settings_forms import EndpointForm, NewEndpointForm

__all__ = [
    "stopped_endpoints",
    "webhook",
    "webhook_action",
    "webhook_delivery",
    "webhook_redeliver",
    "webhooks",
]

State = WebhookEndpoint.State
_DELIVERIES_A_PAGE = 25


@login_required
@require_http_methods(["GET", "POST"])
@never_cache
@sensitive_variables("secret")
def webhooks(request: HttpRequest) -> HttpResponse:
    """The list, and the form of a new one. A new secret is in the answer to its form, and nowhere else."""
    form = NewEndpointForm(request.user, request.POST if request.method == "POST" else None)
    made: WebhookEndpoint | None = None
    secret = ""
    if form.is_bound and form.is_valid():
        try:
            made, secret = endpoints.create(_actor(request), **form.cleaned_data)
            form = NewEndpointForm(request.user)
        except endpoints.TooManyEndpoints as error:
            form.add_error(None, str(error))
    waiting = Count("deliveries", filter=Q(deliveries__status=WebhookDelivery.Status.PENDING))
    mine = list(_managed(request.user).select_related("owner").annotate(waiting=waiting))
    context = {"form": form, "rows": _with_projects(request, mine), "made": made, "secret": secret}
    return render(request, "settings/webhooks.html", context, status=422 if form.errors else 200)


def _gone_is_404(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """For what somebody else deletes meanwhile."""

    @wraps(view)
    def wrapped(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            return view(request, *args, **kwargs)
        except ObjectDoesNotExist:
            raise Http404 from None

    return wrapped


@login_required
@require_http_methods(["GET", "POST"])
@never_cache
@_gone_is_404
def webhook(request: HttpRequest, uid: str) -> HttpResponse:
    """One endpoint, what can be changed of it, and its deliveries."""
    endpoint = get_object_or_404(_managed(request.user), uid=uid)
    if request.method == "POST":
        form = EndpointForm(request.POST)
        if form.is_valid():
            endpoints.change(_actor(request), endpoint, form.cleaned_data)
            messages.success(request, "Saved.")
            return redirect("settings-webhook", endpoint.uid)
        return _endpoint_page(request, endpoint, form)
    return _endpoint_page(request, endpoint)


@login_required
@require_POST
@never_cache
@sensitive_variables("secret")
@_gone_is_404
def webhook_action(request: HttpRequest, uid: str, action: str) -> HttpResponse:
    """What a button of the endpoint's page does."""
    endpoint = get_object_or_404(_managed(request.user), uid=uid)
    match action:
        case "rotate":
            secret = endpoints.rotate(_actor(request), endpoint)
            endpoint.refresh_from_db()
            return _endpoint_page(request, endpoint, secret=secret)
        case "test":
            _test(request, endpoint)
        case "pause":
            endpoints.pause(_actor(request), endpoint)
            messages.success(request, "Paused. Events wait until you resume; nothing is lost.")
        case "resume":
            endpoints.resume(_actor(request), endpoint)
            messages.success(request, "Deliveries go on.")
        case "delete":
            endpoints.delete(_actor(request), endpoint)
            messages.success(request, f"The endpoint {endpoint.target_url} is deleted.")
            return redirect("settings-webhooks")
    return redirect("settings-webhook", endpoint.uid)


@login_required
@require_GET
@never_cache
def webhook_delivery(request: HttpRequest, uid: str) -> HttpResponse:
    """One delivery: what was sent, and what was answered to each try."""
    found = get_object_or_404(_my_deliveries(request), uid=uid)
    body = json.dumps(found.event.payload, indent=2, ensure_ascii=False)
    return render(request, "settings/delivery.html", {"delivery": found, "attempts": found.log.all(), "body": body})


@login_required
@require_POST
def webhook_redeliver(request: HttpRequest, uid: str) -> HttpResponse:
    found = get_object_or_404(_my_deliveries(request), uid=uid)
    if deliveries.redeliver(found):
        messages.success(request, "It is on its way once more, under the same id.")
    else:
        messages.info(request, "It is on its way already.")
    return redirect("settings-webhook-delivery", found.uid)


def stopped_endpoints(user: Any) -> QuerySet[WebhookEndpoint]:
    """Those that nobody has stopped by hand, and that the user could resume."""
    return _managed(user).filter(state__in=(State.FAILING, State.ORPHANED, State.GONE))


def _endpoint_page(
    request: HttpRequest, endpoint: WebhookEndpoint, form: EndpointForm | None = None, secret: str = ""
) -> HttpResponse:
    if form is None:
        form = EndpointForm(
            initial={"target_url": endpoint.target_url, "events": endpoint.events, "description": endpoint.description}
        )
    rows = _my_deliveries(request).filter(endpoint=endpoint)
    page = page_of(rows, request, size=_DELIVERIES_A_PAGE)
    (_, project), *_ = _with_projects(request, [endpoint])
    is_moving = endpoint.is_tried and any(one.status == WebhookDelivery.Status.PENDING for one in page)
    context = {
        "endpoint": endpoint,
        "project": project,
        "form": form,
        "page": page,
        "secret": secret,
        "is_moving": is_moving,
    }
    is_fragment = request.method == "GET" and request.htmx.target == "deliveries"
    template = "settings/_deliveries.html" if is_fragment else "settings/webhook.html"
    response = render(request, template, context, status=422 if form.errors else 200)
    patch_vary_headers(response, ["HX-Request", "HX-Target"])
    return response


def _test(request: HttpRequest, endpoint: WebhookEndpoint) -> None:
    try:
        with client.place():
            tested = deliveries.send_test(endpoint)
    except client.Busy as busy:
        messages.error(request, f"{busy} Try again in a few seconds.")
    else:
        (messages.success if tested.success else messages.error)(request, f"Test: {tested.message}")


def _actor(request: HttpRequest) -> Actor:
    return Actor(request.user)


def _managed(user: Any) -> QuerySet[WebhookEndpoint]:
    """The user's own, and those of the projects that the user manages."""
    uids = access.managed_by(user).values("uid")
    return WebhookEndpoint.objects.filter(Q(owner=user, project_uid="") | Q(project_uid__in=uids))


def _my_deliveries(request: HttpRequest) -> QuerySet[WebhookDelivery]:
    return endpoints.deliveries_to(request.user, _managed(request.user))


def _with_projects(request: HttpRequest, rows: list[WebhookEndpoint]) -> list[tuple[WebhookEndpoint, str]]:
    """Each with the name of its project, as far as the user may still see it."""
    visible = Project.objects.visible_to(request.user).filter(uid__in={one.project_uid for one in rows})
    names = dict(visible.values_list("uid", "name"))
    return [
        (one, names.get(one.project_uid, "A project that you no longer see") if one.project_uid else "All projects")
        for one in rows
    ]
