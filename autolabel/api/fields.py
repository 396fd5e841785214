"""Fields that take exactly the JSON type they are documented to take.

DRF's own are generous: `true` passes for 1, "3" for 3, 7 for "7", "yes" for true.
"""

from __future__ import annotations

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

__all__ = [
    "LabelMapField",
    "ScoreField",
    "StrictBooleanField",
    "StrictCharField",
    "StrictChoiceField",
    "StrictIntegerField",
    "StrictSerializer",
]


@extend_schema_field(OpenApiTypes.DOUBLE)
class ScoreField(serializers.Field[float, Any, float, Any]):
    """A JSON number from 0 to 1; neither a string nor true, NaN or Infinity."""

    default_error_messages = dict.fromkeys(("invalid", "null"), "Must be a number from 0.0 to 1.0.")

    def to_internal_value(self, data: Any) -> float:
        # NaN is not between anything; math.isfinite would break on an integer too large for a float.
        if isinstance(data, bool) or not isinstance(data, int | float) or not 0 <= data <= 1:
            self.fail("invalid")
        return float(data)

    def to_representation(self, value: float) -> float:
        return value


class StrictBooleanField(serializers.BooleanField):
    def to_internal_value(self, data: Any) -> bool:
        if not isinstance(data, bool):
            self.fail("invalid", input=data)
        return data


class StrictIntegerField(serializers.IntegerField):
    def to_internal_value(self, data: Any) -> int:
        if isinstance(data, bool) or not isinstance(data, int):
            self.fail("invalid")
        return int(super().to_internal_value(data))


class StrictCharField(serializers.CharField):
    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(data)


class StrictChoiceField(serializers.ChoiceField):
    """Does not quote what it refuses, for half a character cannot be sent back."""

    default_error_messages = {"invalid_choice": "Must be one of: {choices}."}

    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, str) or data not in self.choices:
            self.fail("invalid_choice", choices=", ".join(map(str, self.choices)))
        return data


class LabelMapField(serializers.DictField):
    """An object whose names are labels or classes, each of at most 200 characters; at most 1,000 of them."""

    default_error_messages = {
        "null": "Must be an object; leave it out, or send {{}}, for none.",
        "not_a_dict": "Must be an object.",
        "max_entries": "At most {limit:,} entries.",
        "twice": '"{name}" is given twice, apart from surrounding space. Give only one of them.',
        "invalid_name": '"{name}" cannot be a name: {reason}',
        "invalid_value": '"{name}": {reason}',
    }
    MAX_ENTRIES = 1000
    name_field = StrictCharField(max_length=200)

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        if not isinstance(data, dict):
            self.fail("not_a_dict")
        if len(data) > self.MAX_ENTRIES:
            self.fail("max_entries", limit=self.MAX_ENTRIES)
        values: dict[str, Any] = {}
        for given, value in data.items():
            name = self._valid(self.name_field, "invalid_name", given, given)
            if name in values:
                self.fail("twice", name=printable(name))
            values[name] = self._valued(given, value)
        return values

    def _valued(self, name: str, value: Any) -> Any:
        return self._valid(self.child, "invalid_value", name, value)

    def _valid(self, field: serializers.Field[Any, Any, Any, Any], problem: str, name: str, value: Any) -> Any:
        try:
            return field.run_validation(value)
        except serializers.ValidationError as error:
            reason = " ".join(str(one) for one in error.detail)
            self.fail(problem, name=printable(name), reason=reason)


def printable(text: str) -> str:
    """JSON can hold half a character, which no answer could be encoded with."""
    return text.encode(errors="backslashreplace").decode()


class StrictSerializer(serializers.Serializer[Any]):
    """Refuses a field it does not know: a mistyped filter must not mean "all"."""

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, dict) and (unknown := sorted(set(data) - set(self.fields))):
            allowed = ", ".join(self.fields)
            raise serializers.ValidationError(
                {printable(name): [f"Unknown field. Allowed: {allowed}."] for name in unknown}
            )
        return super().to_internal_value(data)
