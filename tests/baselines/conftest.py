"""What the tests of the baselines share: small featurized tables."""

from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pytest

from unroll import examples
from unroll.features import kmers, tokens, windows
from unroll.features.kmers import Kmers
from unroll.features.tokens import Tokens
from unroll.patterns import forecaster


@pytest.fixture
def task() -> forecaster.Settings:
    """The settings of a forecaster with five quantiles."""
    return forecaster.Settings(context=1, segment=1000, stride=1, levels=[0.1, 0.25, 0.5, 0.75, 0.9], identity=0)


@pytest.fixture
def series(tmp_path) -> Callable[..., pa.Table]:
    """Makes a featurized table of hourly series: {id: y}, and the steps to forecast ``horizon`` steps from."""

    def made(
        found: dict[str, np.ndarray],
        origins: list[int],
        horizon: int = 1,
        lags: tuple[int, ...] = (),
        difference: bool = False,
    ) -> pa.Table:
        settings = windows.Settings(horizon, list(lags), ["hour"], [], [], difference)
        schema = pa.schema(
            [
                ("id", pa.string()),
                ("start", pa.timestamp("s")),
                ("step", pa.int64()),
                ("train_steps", pa.int32()),
                ("origins", pa.list_(pa.int32())),
                ("static", pa.list_(pa.float32())),
                ("y", pa.large_list(pa.float64())),
            ]
        )
        same = {"start": 0, "step": 3600, "origins": origins, "static": [1.0]}
        rows = [{"id": name, "train_steps": len(y), "y": np.asarray(y, float), **same} for name, y in found.items()]
        examples.write(tmp_path / "series.arrow", *windows.featurize(pa.Table.from_pylist(rows, schema), settings))
        return examples.read(tmp_path / "series.arrow")

    return made


@pytest.fixture
def sequences(tmp_path) -> Callable[..., pa.Table]:
    """Makes a table of sequences (id: their number, label) with their k-mers."""

    def made(found: list[tuple[str, str]], settings: Kmers) -> pa.Table:
        texts, labels = zip(*found, strict=True)
        names = [str(number) for number in range(len(found))]
        table = pa.table({"id": names, "sequence": list(texts), "label": list(labels)})
        examples.write(tmp_path / "sequences.arrow", *kmers.featurize(table, settings))
        return examples.read(tmp_path / "sequences.arrow")

    return made


@pytest.fixture
def pairs(tmp_path) -> Callable[..., list[pa.Table]]:
    """Makes tables of (source, target) pairs with their codes; the first of them is what is learned from."""

    def made(settings: Tokens, *tables: list[tuple[str, str]]) -> list[pa.Table]:
        raw = [pa.table({"id": [*map(str, range(len(own)))], **_sides(own)}) for own in tables]
        learned = tokens.learn(raw[0], settings)
        paths = [tmp_path / f"pairs-{number}.arrow" for number in range(len(raw))]
        for path, table in zip(paths, raw, strict=True):
            examples.write(path, *tokens.featurize(table, settings, learned))
        return [examples.read(path) for path in paths]

    return made


def _sides(pairs: list[tuple[str, str]]) -> dict[str, list[str]]:
    return {"source": [source for source, _ in pairs], "target": [target for _, target in pairs]}


@pytest.fixture
def coded() -> Callable[..., pa.Table]:
    """Makes a table of codes (T, K) for the language model, with a ``clock`` (T + 1,) of ``clocks`` values if any."""

    def made(found: list[np.ndarray], size: int, clock: list[np.ndarray] | None = None, clocks: int = 0) -> pa.Table:
        codes = [np.asarray(each, np.int32) for each in found]
        streams = codes[0].shape[1]
        columns = {
            "id": pa.array([str(number) for number in range(len(found))]),
            "codes": pa.array([each.ravel() for each in codes], pa.large_list(pa.int32())),
        }
        if clock is not None:
            columns["clock"] = pa.array([np.asarray(each, np.int32) for each in clock], pa.large_list(pa.int32()))
        metadata = {"codes": str(size), "streams": str(streams), "clocks": str(clocks)}
        return pa.table(columns).replace_schema_metadata(metadata)

    return made
