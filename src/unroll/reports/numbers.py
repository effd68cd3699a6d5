"""How numbers are written for a reader: three digits at the most that matter, and a unit."""

import math

UNITS_OF_TIME = ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs"))
# Words in the name of a metric that is a share of one, and so is written in per cent.
SHARES = frozenset(
    {
        "accuracy",
        "coverage",
        "deletions",
        "f1",
        "fidelity",
        "insertions",
        "match",
        "precision",
        "q3",
        "q8",
        "rate",
        "recall",
        "right",
        "share",
        "skill",
        "substitutions",
    }
)
ACRONYMS = frozenset({"auc", "bleu", "chrf", "crps", "f1", "mae", "mase", "q3", "q8", "rmse", "roc"})
NONE = "–"


def label(name: str) -> str:
    """The name of a metric or a column as words: ``word_error_rate`` is ``Word error rate``."""
    words = [word.upper() if word in ACRONYMS else word for word in name.split("_")]
    return " ".join([words[0][:1].upper() + words[0][1:], *words[1:]])


def score(name: str, value: float) -> str:
    """The value of the metric ``name``: shares in per cent, whole numbers as they are, others to three digits."""
    if not math.isfinite(value):
        return NONE
    if is_share(name):
        percent = 100 * value
        return f"{percent:.2f} %" if 0 < abs(percent) < 0.995 else f"{percent:.1f} %"
    return f"{value:,}" if isinstance(value, int) else digits(value)


def is_share(name: str) -> bool:
    """Whether the metric ``name`` is a share of one."""
    return not SHARES.isdisjoint(name.split("_"))


def digits(value: float, significant: int = 3) -> str:
    """The first few digits that matter, never as a power of ten: ``0.0123``, ``1.23``, ``12,300``."""
    if value == 0:
        return "0"
    decimals = significant - 1 - math.floor(math.log10(abs(value)))
    return f"{round(value, decimals):,.{max(0, decimals)}f}"


def count(number: float) -> str:
    """A large number of things: ``950``, ``4.1 k``, ``412 k``, ``1.3 M``."""
    for limit, unit in ((999.5e3, "M"), (999.5, "k")):
        if number >= limit:
            scaled = number / {"M": 1e6, "k": 1e3}[unit]
            return f"{scaled:.1f} {unit}" if scaled < 9.95 else f"{scaled:.0f} {unit}"
    return f"{number:.0f}"


def duration(seconds: float) -> str:
    """A time that somebody waited: ``4.2 s``, ``48 s``, ``3 min 20 s``, ``1 h 05 min``."""
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02} s"
    minutes = round(seconds / 60)
    return f"{minutes // 60} h {minutes % 60:02} min"


def speed(unit: str, seconds: float) -> str:
    """What one ``unit`` takes: ``250 × real time`` for a second of audio, else such as ``2.1 ms / line``."""
    if seconds <= 0:
        return NONE
    if unit.endswith("_second"):
        return f"{digits(1 / seconds, 2)} × real time"
    size, symbol = next((pair for pair in UNITS_OF_TIME if seconds >= pair[0]), UNITS_OF_TIME[-1])
    return f"{digits(seconds / size, 2)} {symbol} / {unit.replace('_', ' ')}"
