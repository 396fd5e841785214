from __future__ import annotations

import django_filters

from autolabel.models import ItemResult, Job, WebhookDelivery, WebhookEvent

__all__ = ["DeliveryFilter", "ItemResultFilter", "JobFilter"]


class JobFilter(django_filters.FilterSet):
    project = django_filters.CharFilter(field_name="project_uid")
    status = django_filters.ChoiceFilter(choices=Job.Status.choices)

    class Meta:
        model = Job
        fields = ("project", "status")


class ItemResultFilter(django_filters.FilterSet):
    outcome = django_filters.ChoiceFilter(choices=ItemResult.Outcome.choices)

    class Meta:
        model = ItemResult
        fields = ("outcome",)


class DeliveryFilter(django_filters.FilterSet):
    status = django_filters.ChoiceFilter(choices=WebhookDelivery.Status.choices)
    event_type = django_filters.ChoiceFilter(field_name="event__event_type", choices=WebhookEvent.Type.choices)

    class Meta:
        model = WebhookDelivery
        fields = ("status", "event_type")
