"""The eSpeak NG synthesizer (Duddington 1995-, Dunn 2015-) through its C interface, ``speak_lib.h`` of version 1.52."""

import _ctypes
import ctypes
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from jaxtyping import Float

from unroll.errors import UserError

RATE = 22050  # Hz
ACCENTS = (  # of English: the voices of the folder lang/gmw but for en-Shaw, which reads another alphabet
    "en",
    "en-029",
    "en-gb-scotland",
    "en-gb-x-gbclan",
    "en-gb-x-gbcwmd",
    "en-gb-x-rp",
    "en-us",
    "en-us-nyc",
)

_PACKAGE = "espeakng_loader"
_LIBRARIES = ("libespeak-ng.so", "libespeak-ng.dylib", "espeak-ng.dll")
_SYNCHRONOUS = 2  # no thread of its own; the one for playback waits 20 ms an utterance
_RAISE_NO_EXIT = 0x8000  # return an error instead of ending the process
_SPEED, _PITCH, _PITCH_RANGE = 1, 3, 4
_CHARACTER_POSITION, _UTF8 = 1, 1

_Samples = ctypes.POINTER(ctypes.c_short)
_Callback = ctypes.CFUNCTYPE(ctypes.c_int, _Samples, ctypes.c_int, ctypes.c_void_p)
_unload = getattr(_ctypes, "dlclose", None) or _ctypes.FreeLibrary


class Espeak:
    """The synthesizer in ``folder``, the fetched files of the wheel ``espeakng-loader``.

    The same call gives the same samples, whatever was spoken before: the generator keeps flutter, gain and filter
    states that nothing in its interface resets, so every utterance gets a freshly loaded library (a third of a
    millisecond). Raises ``UserError`` when files are missing or the library does not load on this machine.
    """

    def __init__(self, folder: Path) -> None:
        package = folder / _PACKAGE
        libraries = [package / name for name in _LIBRARIES if (package / name).is_file()]
        variants = package / "espeak-ng-data/voices/!v"
        if not libraries or not variants.is_dir():
            raise UserError(f"{folder} holds no eSpeak NG: run `python -m unroll.stages.fetch espeakng-loader`")
        self._library = libraries[0]
        self._variants = sorted(path.name for path in variants.iterdir())
        with self._loaded(lambda *_: 0):
            pass

    def voices(self) -> list[str]:
        """The names of the voice variants, sorted; a voice is an accent and a variant, such as ``en-us+f2``."""
        return list(self._variants)

    def speak(self, text: str, voice: str, speed: int, pitch: int, pitch_range: int) -> Float[np.ndarray, " T"]:
        """``text`` as samples (T,) at 22,050 Hz, full scale 1.

        ``speed`` is in words per minute (80 to 450). ``pitch`` (0 to 100, 50 is the voice's own) shifts the voice;
        ``pitch_range`` (0 monotone, 50 its own, 100 lively) widens its melody. Raises ``UserError`` for an unknown
        voice.
        """
        heard: list[bytes] = []

        def hear(samples: "ctypes._Pointer[ctypes.c_short]", count: int, events: int) -> int:
            heard.append(ctypes.string_at(samples, 2 * count) if count > 0 else b"")
            return 0

        known = voice.partition("+")[2] in self._variants  # the library passes over a variant that it does not know
        with self._loaded(hear) as espeak:
            if not known or espeak.espeak_SetVoiceByName(voice.encode()) != 0:
                raise UserError(f"{voice} is no voice of eSpeak NG: name an accent and a variant, such as en-us+f2")
            for parameter, value in ((_SPEED, speed), (_PITCH, pitch), (_PITCH_RANGE, pitch_range)):
                espeak.espeak_SetParameter(parameter, value, 0)
            said = text.encode()
            size = ctypes.c_size_t(len(said) + 1)
            if espeak.espeak_Synth(said, size, 0, _CHARACTER_POSITION, 0, _UTF8, None, None) != 0:
                raise RuntimeError(f"eSpeak NG could not speak {text!r} with {voice}")
        return np.frombuffer(b"".join(heard), np.int16).astype(np.float32) / 32768

    @contextmanager
    def _loaded(self, hear: "ctypes._CFunctionType") -> Iterator[ctypes.CDLL]:
        """The library, initialised and seeded, with ``hear`` called on each block of samples; unloaded at the end."""
        try:
            espeak = ctypes.CDLL(str(self._library.resolve()))
        except OSError as error:
            raise UserError(
                f"{self._library} does not load ({error}): it is built for another platform or its wheel is damaged;"
                " delete the folder and fetch it again on this machine"
            ) from None
        callback = _Callback(hear)
        try:
            data = str(self._library.parent.resolve()).encode()
            if espeak.espeak_Initialize(_SYNCHRONOUS, 0, data, _RAISE_NO_EXIT) != RATE:
                raise UserError(f"{self._library.parent} lacks voice data: delete the folder and fetch it again")
            espeak.espeak_SetSynthCallback(callback)
            espeak.espeak_ng_SetRandSeed(ctypes.c_long(1))
            yield espeak
        finally:
            espeak.espeak_Terminate()
            _unload(espeak._handle)
