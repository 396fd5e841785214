"""Forms of the pages. They check what a person types; the use cases below them check what may be stored."""

from __future__ import annotations

from collections.abc import Iterable

from django import forms
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.forms import AuthenticationForm
from django.core.validators import RegexValidator
from django.http import QueryDict

from ..models import Project
from ..projects import MAX_LABELS, PALETTE, create_project

__all__ = ["NewProjectForm", "SignInForm"]

FIRST_ROWS = 3
# What a kind of shapes means to whoever makes the project.
_MEANINGS = {
    Project.Shapes.ANY: "Each object as whatever fits it.",
    Project.Shapes.BOXES: "Outlines that a model finds become the boxes around them.",
    Project.Shapes.POLYGONS: "Models that give only boxes cannot be used.",
}


class SignInForm(AuthenticationForm):
    """Django's form with the attributes of our inputs."""

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            field.widget.attrs["class"] = "input"


class _NameForm(forms.Form):
    name = forms.CharField(
        max_length=200,
        error_messages={"required": "Give the project a name."},
        widget=forms.TextInput(attrs={"class": "input", "autofocus": True, "autocomplete": "off"}),
    )


class _ShapesForm(forms.Form):
    shapes = forms.ChoiceField(
        choices=Project.Shapes.choices,
        error_messages={"invalid_choice": "Choose one of the three."},
        # What was sent before there was this field.
        required=False,
    )

    def clean_shapes(self) -> str:
        return self.cleaned_data["shapes"] or Project.Shapes.ANY


class _LabelForm(forms.Form):
    """One row of the label list. Its two inputs have the same names in every row."""

    label_name = forms.CharField(max_length=100, required=False)
    label_color = forms.CharField(validators=[RegexValidator(r"^#[0-9a-fA-F]{6}$", "Write a colour as #rrggbb.")])


class NewProjectForm:
    """A project's name, the shapes it takes and its labels: as many rows as were sent, empty ones ignored.

    Rows are sent as repeated fields instead of a formset's numbered ones, so that adding and removing a
    row in the browser needs no renumbering.
    """

    def __init__(self, data: QueryDict | None = None) -> None:
        self.is_bound = data is not None
        self.name_form = _NameForm(data)
        self.shapes_form = _ShapesForm(data)
        self.rows = [_LabelForm(row) for row in _rows(data)] if data is not None else []
        self.label_errors: list[str] = []

    def is_valid(self) -> bool:
        self._refuse_repeated_names()
        self.label_errors = self._problems_of_the_list()
        rows_have_errors = any(row.errors for row in self.rows)
        forms_are_valid = self.name_form.is_valid() and self.shapes_form.is_valid()
        return forms_are_valid and not self.label_errors and not rows_have_errors

    def save(self, user: AbstractBaseUser) -> Project:
        """Make the project; `user` becomes its manager."""
        labels = [(row.cleaned_data["label_name"], row.cleaned_data["label_color"]) for row in self._named_rows()]
        return create_project(
            user, self.name_form.cleaned_data["name"], labels, self.shapes_form.cleaned_data["shapes"]
        )

    @property
    def shapes_choices(self) -> list[tuple[str, str, str, bool]]:
        """Value, name and meaning of each choice, and whether it is the chosen one."""
        chosen = self.shapes_form["shapes"].value() or Project.Shapes.ANY
        return [(value, name, _MEANINGS[value], value == chosen) for value, name in Project.Shapes.choices]

    def rows_to_show(self) -> Iterable[_LabelForm]:
        """What was sent, or a few empty rows in the first colours of the palette."""
        if self.rows:
            return self.rows
        return [_LabelForm(initial={"label_color": color}) for color in PALETTE[:FIRST_ROWS]]

    def _named_rows(self) -> list[_LabelForm]:
        return [row for row in self.rows if row.is_valid() and row.cleaned_data["label_name"]]

    def _problems_of_the_list(self) -> list[str]:
        if not any(row["label_name"].value() for row in self.rows):
            return ["Add at least one label: without it nothing can be annotated."]
        if len(self.rows) > MAX_LABELS:
            return [f"A project has at most {MAX_LABELS} labels."]
        return []

    def _refuse_repeated_names(self) -> None:
        seen: set[str] = set()
        for row in self._named_rows():
            folded = row.cleaned_data["label_name"].casefold()
            if folded in seen:
                row.add_error("label_name", "This label is in the list twice (case does not count).")
            seen.add(folded)


def _rows(data: QueryDict) -> Iterable[dict[str, str]]:
    names, colors = data.getlist("label_name"), data.getlist("label_color")
    for order, name in enumerate(names):
        color = colors[order] if order < len(colors) else PALETTE[order % len(PALETTE)]
        yield {"label_name": name, "label_color": color}
