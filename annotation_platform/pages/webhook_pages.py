"""Settings: a person's webhook endpoints, and what became of each delivery."""

from __future__ import annotations

import json
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.cache import patch_vary_headers
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from autolabel.models import WebhookDelivery, WebhookEndpoint
from autolabel.webhooks import delivery as deliveries
from autolabel.webhooks import endpoints

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
            made, secret = endpoints.create(request.user, **form.cleaned_data)
            form = NewEndpointForm(request.user)
        except endpoints.TooManyEndpoints as error:
            form.add_error(None, str(error))
    waiting = Count("deliveries", filter=Q(deliveries__state=WebhookDelivery.State.WAITING))
    mine = list(_mine(request).annotate(waiting=waiting))
    context = {"form": form, "rows": _with_projects(request, mine), "made": made, "secret": secret}
    return render(request, "settings/webhooks.html", context, status=422 if form.errors else 200)


@login_required
@require_http_methods(["GET", "POST"])
@never_cache
def webhook(request: HttpRequest, uid: str) -> HttpResponse:
    """One endpoint, what can be changed of it, and its deliveries."""
    endpoint = get_object_or_404(_mine(request), uid=uid)
    if request.method == "POST":
        form = EndpointForm(request.POST)
        if form.is_valid():
            endpoints.change(endpoint, form.cleaned_data)
            messages.success(request, "Saved.")
            return redirect("settings-webhook", endpoint.uid)
        return _endpoint_page(request, endpoint, form)
    return _endpoint_page(request, endpoint)


@login_required
@require_POST
@never_cache
@sensitive_variables("secret")
def webhook_action(request: HttpRequest, uid: str, action: str) -> HttpResponse:
    """What a button of the endpoint's page does."""
    endpoint = get_object_or_404(_mine(request), uid=uid)
    match action:
        case "rotate":
            secret = endpoints.rotate(endpoint)
            return _endpoint_page(request, endpoint, secret=secret)
        case "test":
            deliveries.send_test(endpoint)
            text = "A test is on its way." if endpoint.state == State.ACTIVE else "A test waits until you resume."
            messages.success(request, text)
        case "pause":
            endpoints.pause(endpoint)
            messages.success(request, "Paused. Events wait until you resume; nothing is lost.")
        case "resume":
            endpoints.resume(endpoint)
            messages.success(request, "Deliveries go on.")
        case "delete":
            endpoints.delete(endpoint)
            messages.success(request, f"The endpoint {endpoint.url} is deleted.")
            return redirect("settings-webhooks")
    return redirect("settings-webhook", endpoint.uid)


@login_required
@require_GET
@never_cache
def webhook_delivery(request: HttpRequest, uid: str) -> HttpResponse:
    """One delivery: what was sent, and what was answered to each try."""
    found = get_object_or_404(_my_deliveries(request), uid=uid)
    body = json.dumps(found.event.payload, indent=2, ensure_ascii=False)
    return render(request, "settings/delivery.html", {"delivery": found, "tries": found.log.all(), "body": body})


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
    """Those of the user that were stopped because of what they answered, and that nobody has resumed."""
    return WebhookEndpoint.objects.filter(owner=user, state__in=(State.FAILING, State.GONE))


def _endpoint_page(
    request: HttpRequest, endpoint: WebhookEndpoint, form: EndpointForm | None = None, secret: str = ""
) -> HttpResponse:
    if form is None:
        form = EndpointForm(
            initial={"url": endpoint.url, "events": endpoint.events, "description": endpoint.description}
        )
    rows = endpoint.deliveries.select_related("event", "event__job")
    page = page_of(rows, request, size=_DELIVERIES_A_PAGE)
    for one in page:
        one.latest = one.log.first()
    (_, project), *_ = _with_projects(request, [endpoint])
    is_moving = any(one.state == WebhookDelivery.State.WAITING for one in page) and endpoint.state == State.ACTIVE
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


def _mine(request: HttpRequest) -> QuerySet[WebhookEndpoint]:
    return WebhookEndpoint.objects.filter(owner=request.user)


def _my_deliveries(request: HttpRequest) -> QuerySet[WebhookDelivery]:
    mine = WebhookDelivery.objects.filter(endpoint__owner=request.user)
    return mine.select_related("event", "event__job", "endpoint")


def _with_projects(request: HttpRequest, rows: list[WebhookEndpoint]) -> list[tuple[WebhookEndpoint, str]]:
    """Each with the name of its project, as far as the user may still see it."""
    visible = Project.objects.visible_to(request.user).filter(uid__in={one.project_uid for one in rows})
    names = dict(visible.values_list("uid", "name"))
    return [
        (one, names.get(one.project_uid, "A project that you no longer see") if one.project_uid else "All projects")
        for one in rows
    ]
