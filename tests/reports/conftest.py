"""What the tests of pictures share."""

import pytest
from matplotlib.figure import Figure


@pytest.fixture
def drawn(monkeypatch) -> list[Figure]:
    """The figures that are saved while the test runs, still open to questions."""
    kept = []

    def keep(self: Figure, *_, **__) -> None:
        self.canvas.draw()
        kept.append(self)

    monkeypatch.setattr(Figure, "savefig", keep)
    return kept
