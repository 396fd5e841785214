"""Settings: a person's API keys."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_http_methods, require_POST

from ..keys import MOST_KEYS, issue_key, revoke_key
from ..models import ApiKey
from .settings_forms import ApiKeyForm

__all__ = ["api_key_revoke", "api_keys"]

_ENDED_SHOWN = 20


@login_required
@require_http_methods(["GET", "POST"])
@never_cache
@sensitive_variables("key")
def api_keys(request: HttpRequest) -> HttpResponse:
    """The list, and the form of a new one. A new key is in the answer to its form, and nowhere else."""
    form = ApiKeyForm(request.POST if request.method == "POST" else None)
    made: ApiKey | None = None
    key = ""
    if form.is_bound and form.is_valid():
        if _usable(request.user).count() >= MOST_KEYS:
            form.add_error(None, f"You have {MOST_KEYS} active keys. Revoke one that nobody uses.")
        else:
            given = form.cleaned_data
            made, key = issue_key(request.user, given["name"], given["scope"], form.expires_at)
            form = ApiKeyForm()
    usable = list(_usable(request.user))
    ended = ApiKey.objects.filter(user=request.user).exclude(pk__in=[one.pk for one in usable])[:_ENDED_SHOWN]
    context = {"form": form, "keys": usable, "ended": ended, "made": made, "key": key}
    return render(request, "settings/api_keys.html", context, status=422 if form.errors else 200)


@login_required
@require_POST
def api_key_revoke(request: HttpRequest, pk: int) -> HttpResponse:
    key = get_object_or_404(ApiKey, pk=pk, user=request.user, is_active=True)
    revoke_key(key, request.user)
    messages.success(request, f"The key {key.name} ({key.prefix}…) is revoked.")
    return redirect("settings-api-keys")


def _usable(user: Any) -> Any:
    return ApiKey.objects.usable().filter(user=user)
