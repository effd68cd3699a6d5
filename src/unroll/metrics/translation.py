"""How good translations are: BLEU and chrF by ``sacrebleu``, kept placeholders, and error rates of pronunciations.

BLEU is that of Papineni et al. (2002) and chrF that of Popović (2015), both from 0 to 100, of a whole corpus, in the
form that Post (2018), "A call for clarity in reporting BLEU scores", asks for. Every hypothesis has one reference or
more.
"""

from collections import Counter
from collections.abc import Sequence
from itertools import zip_longest
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sacrebleu.metrics import BLEU, CHRF

References = Sequence[Sequence[str]]
# Words of a source: the name of each range in the metrics, and the most that it holds.
RANGES = {"1_5_words": 5, "6_10_words": 10, "11_20_words": 20, "over_20_words": None}


def bleu(hypotheses: Sequence[str], references: References) -> float:
    """Corpus BLEU of at most four words, exponentially smoothed, tokenised by 13a."""
    return _bleu().corpus_score(list(hypotheses), _columns(references)).score


def chrf(hypotheses: Sequence[str], references: References) -> float:
    """Corpus chrF2: F of the n-grams of up to six characters, recall weighing twice as much as precision."""
    return _chrf().corpus_score(list(hypotheses), _columns(references)).score


def signatures(references: References) -> str:
    """What BLEU and chrF mean here, in the words by which scores of different papers are told apart."""
    said = []
    for name, metric in (("BLEU", _bleu()), ("chrF", _chrf())):
        metric.corpus_score([own[0] for own in references], _columns(references))  # which counts the references
        said.append(f"{name} {metric.get_signature()}")
    return ", ".join(said)


def bleu_by_words(words: Sequence[int], hypotheses: Sequence[str], references: References) -> dict[str, float]:
    """BLEU of the sources of each range of lengths, counted in ``words``; ranges without a source are left out."""
    scores, fewest = {}, 1
    for name, most in RANGES.items():
        own = [i for i, count in enumerate(words) if fewest <= count and (most is None or count <= most)]
        if own:
            scores[name] = bleu([hypotheses[i] for i in own], [references[i] for i in own])
        fewest = (most or 0) + 1
    return scores


def exact_match(hypotheses: Sequence[str], references: References) -> float:
    """The share of hypotheses that are one of their references."""
    return sum(one in own for one, own in zip(hypotheses, references, strict=True)) / len(hypotheses)


def placeholder_fidelity(sources: Sequence[Sequence[str]], hypotheses: Sequence[Sequence[str]]) -> float:
    """The share of hypotheses with each placeholder of the source as often as there, and with no other.

    ``sources`` and ``hypotheses``: the placeholders of each. Of the sources that have any; 1 where none has.
    """
    pairs = zip(sources, hypotheses, strict=True)
    kept = [Counter(wanted) == Counter(found) for wanted, found in pairs if wanted]
    return sum(kept) / len(kept) if kept else 1.0


def spoken_error_rates(hypotheses: Sequence[str], references: References) -> dict[str, float]:
    """Error rates of pronunciations, phones separated by blanks.

    ``word_error_rate`` is the share of words that are none of their references; ``phone_error_rate`` the edits to the
    nearest reference over the phones of those; ``word_error_rate_without_stress`` does not count 0, 1 and 2 behind
    vowels.
    """
    from rapidfuzz.distance import Levenshtein

    edits = phones = 0
    for hypothesis, own in zip(hypotheses, references, strict=True):
        reference = nearest(hypothesis, own).split()
        edits += Levenshtein.distance(reference, hypothesis.split())
        phones += len(reference)
    flat = [_without_stress(hypothesis) for hypothesis in hypotheses]
    flat_references = [[_without_stress(reference) for reference in own] for own in references]
    return {
        "word_error_rate": 1 - exact_match(hypotheses, references),
        "phone_error_rate": edits / phones,
        "word_error_rate_without_stress": 1 - exact_match(flat, flat_references),
    }


def nearest(hypothesis: str, references: Sequence[str]) -> str:
    """The reference with the fewest edits of phones to the hypothesis, the first of several."""
    from rapidfuzz.distance import Levenshtein

    return min(references, key=lambda reference: Levenshtein.distance(reference.split(), hypothesis.split()))


def _without_stress(phones: str) -> str:
    return " ".join(phone.rstrip("012") for phone in phones.split())


def _columns(references: References) -> list[list[str | None]]:
    """The first references of all hypotheses, then the second, and so on; None where there are fewer."""
    return [list(column) for column in zip_longest(*references)]


def _bleu() -> "BLEU":
    from sacrebleu.metrics import BLEU

    return BLEU()


def _chrf() -> "CHRF":
    from sacrebleu.metrics import CHRF

    return CHRF()
