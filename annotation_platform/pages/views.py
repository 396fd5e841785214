"""The pages. Thin: they read, check and render; changing things is the API's business or a form's."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.cache import patch_vary_headers
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods

from ..access import role_may
from ..api.workspace import workspace_of
from ..models import Item, Project
from ..projects import PALETTE
from .counts import counts_of
from .flagged_page import flagged_context
from .forms import NewProjectForm
from .item_page import ORDER_COOKIE, editor_config, next_to_review, order_of
from .project_page import live_part, page_of
from .review_grid import grid_context
from .statistics_page import statistics_context
from .status_page import status_context
from .webhook_pages import stopped_endpoints

__all__ = [
    "flagged",
    "item",
    "project",
    "project_list",
    "project_new",
    "review_grid",
    "review_next",
    "statistics",
    "status",
]

PROJECTS_A_PAGE = 60


@login_required
@require_GET
def project_list(request: HttpRequest) -> HttpResponse:
    mine = Project.objects.visible_to(request.user).with_role(request.user).order_by("status", "-id")
    page = page_of(mine, request, size=PROJECTS_A_PAGE)
    counts = counts_of(page)
    rows = [(project, counts[project.pk]) for project in page]
    context = {"rows": rows, "page": page, "stopped": stopped_endpoints(request.user)}
    return render(request, "projects/list.html", context)


@login_required
@require_http_methods(["GET", "POST"])
def project_new(request: HttpRequest) -> HttpResponse:
    form = NewProjectForm(request.POST if request.method == "POST" else None)
    if form.is_bound and form.is_valid():
        made = form.save(request.user)
        messages.success(request, f"Project {made.name} is ready. Upload its first images.")
        return redirect("project", made.uid)
    context = {"form": form, "palette": PALETTE}
    return render(request, "projects/new.html", context, status=422 if form.is_bound else 200)


@login_required
@require_GET
def project(request: HttpRequest, uid: str) -> HttpResponse:
    found = _visible_project(request, uid)
    may = {f"may_{action}": role_may(found.role, action) for action in ("manage", "review", "run", "cancel")}
    context = {**live_part(found, request), **may}
    if request.htmx.target == "live":
        response = render(request, "projects/_live.html", context | {"is_fragment": True})
    else:
        response = render(request, "projects/detail.html", context | {"labels": found.labels.all()})
    # Page and fragment share an address, so a cache must not hand out one for the other.
    patch_vary_headers(response, ["HX-Request", "HX-Target"])
    return response


@login_required
@require_GET
@never_cache
def review_next(request: HttpRequest, uid: str) -> HttpResponse:
    """To the next item to decide, in the order that `?order=` names or the reviewer chose last."""
    found = _visible_project(request, uid)
    order = order_of(request.GET.get("order") or request.COOKIES.get(ORDER_COOKIE), default="score")
    item_uid = next_to_review(found, request.user, order)
    if item_uid is None:
        messages.info(request, "No image is left to review.")
        return redirect("project", found.uid)
    return redirect(f"{reverse('item', args=[item_uid])}?order={order}")


@login_required
@require_GET
def item(request: HttpRequest, uid: str) -> HttpResponse:
    found = get_object_or_404(Item.objects.visible_to(request.user).for_workspace(), uid=uid)
    parent = _visible_project(request, found.project.uid)
    labels = list(parent.labels.all())
    # Who comes by a link to this very image walks on from there.
    order = order_of(request.GET.get("order"), default="upload")
    workspace = workspace_of(found)
    context = {
        "item": found,
        "project": parent,
        "labels": labels,
        "position": workspace["position"],
        "may_review": role_may(parent.role, "review"),
        "config": editor_config(parent, labels, workspace, order),
    }
    return render(request, "items/review.html", context)


@login_required
@require_GET
def review_grid(request: HttpRequest, uid: str) -> HttpResponse:
    context = grid_context(_visible_project(request, uid), request)
    template = "projects/grid/_grid.html" if request.htmx.target == "grid" else "projects/review_grid.html"
    response = render(request, template, context)
    # As above: page and fragment share an address.
    patch_vary_headers(response, ["HX-Request", "HX-Target"])
    return response


@login_required
@require_GET
def flagged(request: HttpRequest, uid: str) -> HttpResponse:
    return render(request, "projects/flagged.html", flagged_context(_visible_project(request, uid), request))


@login_required
@require_GET
def statistics(request: HttpRequest, uid: str) -> HttpResponse:
    return render(request, "projects/statistics.html", statistics_context(_visible_project(request, uid)))


@login_required
@require_GET
@never_cache
def status(request: HttpRequest) -> HttpResponse:
    """For staff; for others there is no such page."""
    if not request.user.is_staff:
        raise Http404
    template = "status/_live.html" if request.headers.get("HX-Request") else "status.html"
    response = render(request, template, status_context())
    patch_vary_headers(response, ["HX-Request"])
    return response


def _visible_project(request: HttpRequest, uid: str) -> Project:
    return get_object_or_404(Project.objects.visible_to(request.user).with_role(request.user), uid=uid)
