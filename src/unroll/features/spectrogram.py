"""Log-mel spectrograms in dB (Stevens, Volkmann & Newman 1937 for the scale), as torchaudio computes them."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import torch
import torchaudio
from pydantic.dataclasses import dataclass

from unroll.features import waveform
from unroll.features.waveform import Transform, padded
from unroll.params import STRICT, Count, Positive


@dataclass(frozen=True, config=STRICT)
class Spectrogram:
    """Settings: ``sample_rate`` in Hz, ``n_fft`` and ``hop`` in samples, ``top_db`` in dB below the maximum."""

    sample_rate: Count
    n_fft: Count
    hop: Count
    mels: Count
    top_db: Positive

    @property
    def features(self) -> int:
        """Features a frame (D)."""
        return self.mels

    @property
    def frame_seconds(self) -> float:
        """Seconds from one frame to the next."""
        return self.hop / self.sample_rate

    @property
    def basis(self) -> np.ndarray:
        """float32 (D, P): turns frames into the log-mel spectrum in dB, which they are already."""
        return np.eye(self.mels, dtype=np.float32)

    def transform(self) -> Transform:
        """A function from float32 samples (N,) at ``sample_rate`` to float32 frames (T, D)."""
        mel = torchaudio.transforms.MelSpectrogram(
            self.sample_rate, self.n_fft, hop_length=self.hop, n_mels=self.mels, mel_scale="htk"
        )
        decibel = torchaudio.transforms.AmplitudeToDB("power", self.top_db)
        return padded(torch.nn.Sequential(mel, decibel), self.n_fft)


Settings = Spectrogram


def featurize(table: pa.Table, settings: Spectrogram) -> tuple[pa.Schema, Iterator[Mapping[str, Any]]]:
    """Schema and rows of a table of examples with the frames of its recordings: see ``unroll.features.waveform``."""
    return waveform.featurize(table, "spectrogram", settings)
