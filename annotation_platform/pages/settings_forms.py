"""Forms of the settings pages: API keys and webhooks."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.utils import timezone

from autolabel.models import WebhookEvent
from autolabel.webhooks.client import check_url

from ..access import managed_by
from ..models import ApiKey

__all__ = ["ApiKeyForm", "EndpointForm", "NewEndpointForm"]

_TEXT = {"class": "input", "autocomplete": "off"}
_LIFETIMES = [("30", "30 days"), ("90", "90 days"), ("365", "a year"), ("", "never")]
# What each event is about; a test is sent by a button.
_EVENTS = [
    (WebhookEvent.Type.COMPLETED, "A job has completed"),
    (WebhookEvent.Type.FAILED, "A job has failed"),
    (WebhookEvent.Type.CANCELLED, "A job was cancelled"),
]


class ApiKeyForm(forms.Form):
    name = forms.CharField(
        max_length=100,
        help_text="What the key is for, so that you know it later.",
        error_messages={"required": "Give the key a name."},
        widget=forms.TextInput(attrs=_TEXT),
    )
    scope = forms.ChoiceField(choices=ApiKey.Scope.choices, initial=ApiKey.Scope.RUN, widget=forms.RadioSelect)
    lifetime = forms.ChoiceField(
        label="Ends after",
        choices=_LIFETIMES,
        initial="90",
        required=False,
        widget=forms.Select(attrs={"class": "select"}),
    )

    @property
    def expires_at(self) -> datetime | None:
        days = self.cleaned_data["lifetime"]
        return timezone.now() + timedelta(days=int(days)) if days else None


class EndpointForm(forms.Form):
    """What of an endpoint can be changed."""

    target_url = forms.CharField(
        label="URL",
        max_length=2000,
        error_messages={"required": "Give the URL that takes the events."},
        widget=forms.URLInput(attrs={**_TEXT, "placeholder": "https://hooks.example.com/auto-label"}),
    )
    events = forms.MultipleChoiceField(
        choices=_EVENTS,
        initial=[value for value, _ in _EVENTS],
        error_messages={"required": "Choose at least one event."},
        widget=forms.CheckboxSelectMultiple,
    )
    description = forms.CharField(
        max_length=200,
        required=False,
        help_text="For you: what listens there.",
        widget=forms.TextInput(attrs=_TEXT),
    )

    def clean_target_url(self) -> str:
        url: str = self.cleaned_data["target_url"]
        wrong = check_url(url)
        if wrong:
            raise forms.ValidationError(wrong)
        return url


class NewEndpointForm(EndpointForm):
    project_uid = forms.ChoiceField(
        label="Project",
        required=False,
        help_text="An endpoint of one project can be changed by all who manage it.",
        widget=forms.Select(attrs={"class": "select"}),
    )
    field_order = ("target_url", "project_uid", "events", "description")

    def __init__(self, user: Any, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        mine = managed_by(user).order_by("name").values_list("uid", "name")
        project_uid = self.fields["project_uid"]
        assert isinstance(project_uid, forms.ChoiceField)
        project_uid.choices = [("", "All projects that you see"), *mine]
