"""Error rates of transcripts: words, characters, sentences, counted by jiwer's edit distance.

Rates pool the edits of all sentences over the length of all references (Morris et al. 2004, "From WER and RIL to
MER and WIL"), so they can exceed one. White space of any kind and length separates words and counts as one
character. An empty hypothesis deletes its reference; for an empty reference every word of the hypothesis is an
insertion. Should the references have no words at all, the edits are divided by one.
"""

from collections import Counter
from collections.abc import Sequence
from itertools import zip_longest

import jiwer


def error_rates(references: Sequence[str], hypotheses: Sequence[str]) -> dict[str, float]:
    """All rates of hypothesis ``i`` against reference ``i``, by name.

    ``word_error_rate`` is the sum of ``substitutions``, ``deletions`` and ``insertions``, each per word of the
    references; ``character_error_rate`` is its like for characters; ``sentence_error_rate`` is the share of
    sentences with any wrong word. Raises ValueError when there are not as many hypotheses as references.
    """
    words = _aligned(references, hypotheses)
    characters = jiwer.process_characters(_spaced(references), _spaced(hypotheses))
    wrong = sum(any(chunk.type != "equal" for chunk in chunks) for chunks in words.alignments)
    length = _length(words)
    return {
        "word_error_rate": _errors(words) / length,
        "character_error_rate": _errors(characters) / _length(characters),
        "sentence_error_rate": wrong / len(words.alignments),
        "substitutions": words.substitutions / length,
        "deletions": words.deletions / length,
        "insertions": words.insertions / length,
    }


def grouped(
    references: Sequence[str], hypotheses: Sequence[str], groups: Sequence[str] | Sequence[int]
) -> dict[str, float]:
    """The word error rate of each group of sentences (a speaker, a length), in the order of the groups."""
    rates = {}
    for group in sorted(set(groups)):
        inside = [i for i, own in enumerate(groups) if own == group]
        words = _aligned([references[i] for i in inside], [hypotheses[i] for i in inside])
        rates[str(group)] = _errors(words) / _length(words)
    return rates


def confusions(references: Sequence[str], hypotheses: Sequence[str]) -> Counter[tuple[str, str]]:
    """How often each word was taken for which: (word of the reference, word of the hypothesis), equal ones too.

    A deleted word pairs with an empty hypothesis word, an inserted one with an empty reference word.
    """
    words = _aligned(references, hypotheses)
    return Counter(
        pair
        for reference, hypothesis, chunks in zip(words.references, words.hypotheses, words.alignments, strict=True)
        for chunk in chunks
        for pair in zip_longest(
            reference[chunk.ref_start_idx : chunk.ref_end_idx],
            hypothesis[chunk.hyp_start_idx : chunk.hyp_end_idx],
            fillvalue="",
        )
    )


def _aligned(references: Sequence[str], hypotheses: Sequence[str]) -> jiwer.WordOutput:
    return jiwer.process_words(_spaced(references), _spaced(hypotheses))


def _spaced(sentences: Sequence[str]) -> list[str]:
    return [" ".join(sentence.split()) for sentence in sentences]


def _errors(edits: jiwer.WordOutput | jiwer.CharacterOutput) -> int:
    return edits.substitutions + edits.deletions + edits.insertions


def _length(edits: jiwer.WordOutput | jiwer.CharacterOutput) -> int:
    return max(1, edits.hits + edits.substitutions + edits.deletions)
