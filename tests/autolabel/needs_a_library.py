"""A predictor that imports its library when it is imported itself, as a team's own first try may."""

import a_library_that_nobody_has  # noqa: F401


class Predictor:
    def predict_batch(self) -> None: ...
