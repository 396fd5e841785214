"""The pages. Thin: they read, check and render; changing things is the API's business or a form's."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import Max
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.cache import patch_vary_headers
from django.views.decorators.http import require_GET, require_http_methods

from ..access import role_may
from ..models import Item, Project
from ..projects import PALETTE
from .counts import counts_of
from .forms import NewProjectForm
from .item_page import editor_config, next_to_review, position_of
from .project_page import live_part, page_of

__all__ = ["item", "project", "project_list", "project_new", "review_next"]

PROJECTS_A_PAGE = 60


@login_required
@require_GET
def project_list(request: HttpRequest) -> HttpResponse:
    mine = Project.objects.visible_to(request.user).with_role(request.user).order_by("status", "-id")
    page = page_of(mine, request, size=PROJECTS_A_PAGE)
    counts = counts_of(page)
    rows = [(project, counts[project.pk]) for project in page]
    return render(request, "projects/list.html", {"rows": rows, "page": page})


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
    context = {**live_part(found, request), "may_manage": role_may(found.role, "manage")}
    if request.htmx.target == "live":
        response = render(request, "projects/_live.html", context | {"is_fragment": True})
    else:
        response = render(request, "projects/detail.html", context | {"labels": found.labels.all()})
    # Page and fragment share an address, so a cache must not hand out one for the other.
    patch_vary_headers(response, ["HX-Request", "HX-Target"])
    return response


@login_required
@require_GET
def review_next(request: HttpRequest, uid: str) -> HttpResponse:
    """On to the next item that needs a reviewer; `?after=` names the item that was just left."""
    found = _visible_project(request, uid)
    left = found.items.filter(uid=request.GET.get("after", "")).aggregate(id=Max("id"))["id"]
    candidate = next_to_review(found, left)
    if candidate is None:
        messages.info(request, "No drafts are left to review.")
        return redirect("project", found.uid)
    if candidate.state == Item.State.UNLABELED:
        messages.info(request, "No drafts are left; this is the next image without labels.")
    return redirect("item", candidate.uid)


@login_required
@require_GET
def item(request: HttpRequest, uid: str) -> HttpResponse:
    visible = Item.objects.visible_to(request.user).select_related("project", "finished_by")
    found = get_object_or_404(visible, uid=uid)
    parent = _visible_project(request, found.project.uid)
    position = position_of(found)
    labels = list(parent.labels.all())
    context = {
        "item": found,
        "project": parent,
        "labels": labels,
        "position": position,
        "may_review": role_may(parent.role, "review"),
        "config": editor_config(found, parent, labels, position),
    }
    return render(request, "items/review.html", context)


def _visible_project(request: HttpRequest, uid: str) -> Project:
    return get_object_or_404(Project.objects.visible_to(request.user).with_role(request.user), uid=uid)
