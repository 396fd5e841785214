"""The HTML pages. Their names have no namespace, because settings and the auto-label host refer to them."""

from django.contrib.auth.views import LoginView, LogoutView
from django.urls import path, register_converter
from django.urls.converters import StringConverter
from django.views.generic import RedirectView

from . import api_keys_page, views, webhook_pages
from .forms import SignInForm


class UidConverter(StringConverter):
    """A uid as we write it; anything else, which some databases even choke on, is no page of ours."""

    regex = "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"


class ActionConverter(StringConverter):
    """What a button of an endpoint's page does."""

    regex = "rotate|test|pause|resume|delete"


register_converter(UidConverter, "uid")
register_converter(ActionConverter, "action")

sign_in = LoginView.as_view(form_class=SignInForm, redirect_authenticated_user=True)

urlpatterns = [
    path("sign-in/", sign_in, name="sign-in"),
    path("sign-out/", LogoutView.as_view(), name="sign-out"),
    path("", views.project_list, name="projects"),
    path("projects/new/", views.project_new, name="project-new"),
    path("projects/<uid:uid>/", views.project, name="project"),
    path("projects/<uid:uid>/review/", views.review_grid, name="review-grid"),
    path("projects/<uid:uid>/flagged/", views.flagged, name="project-flagged"),
    path("projects/<uid:uid>/statistics/", views.statistics, name="project-statistics"),
    path("projects/<uid:uid>/review/next/", views.review_next, name="review-next"),
    path("status/", views.status, name="status"),
    path("items/<uid:uid>/", views.item, name="item"),
    path("settings/", RedirectView.as_view(pattern_name="settings-api-keys"), name="settings"),
    path("settings/api-keys/", api_keys_page.api_keys, name="settings-api-keys"),
    path("settings/api-keys/<int:pk>/revoke/", api_keys_page.api_key_revoke, name="settings-api-key-revoke"),
    path("settings/webhooks/", webhook_pages.webhooks, name="settings-webhooks"),
    path("settings/webhooks/<uid:uid>/", webhook_pages.webhook, name="settings-webhook"),
    path("settings/webhooks/<uid:uid>/<action:action>/", webhook_pages.webhook_action, name="settings-webhook-action"),
    path("settings/deliveries/<uid:uid>/", webhook_pages.webhook_delivery, name="settings-webhook-delivery"),
    path(
        "settings/deliveries/<uid:uid>/redeliver/",
        webhook_pages.webhook_redeliver,
        name="settings-webhook-redeliver",
    ),
]
