import math

from unroll.reports import tables
from unroll.reports.results import Row
from unroll.reports.tables import Cell

DIGITS = [
    Row("speech", "digits", "gru", {"word_error_rate": 0.025, "sentence_error_rate": 0.09, "parameters": 48_000,
                                    "train_seconds": 48.2, "predict_seconds_per_audio_second": 0.004}),
    Row("speech", "digits", "rnn", {"word_error_rate": 0.05, "sentence_error_rate": 0.08, "parameters": 512_000,
                                    "train_seconds": 200.0, "predict_seconds_per_audio_second": 0.002}),
]  # fmt: skip
GENES = [
    Row("biology", "genes", "peer", {"f1": 0.98, "baseline": True}),
    Row("biology", "genes", "lstm", {"f1": 0.5, "other_f1": 0.25}),
]


def test_details_have_every_score_and_cost():
    assert tables.details(DIGITS).columns == [
        "Model", "Word error rate\u00a0↓", "Sentence error rate", "Parameters", "Training", "Speed",
    ]  # fmt: skip
    assert tables.details(DIGITS).rows == [
        [Cell("gru"), Cell("2.5 %", best=True, share=0.5), Cell("9.0 %"), Cell("48 k"), Cell("48 s"),
         Cell("250 × real time")],
        [Cell("rnn"), Cell("5.0 %", share=1.0), Cell("8.0 %", best=True), Cell("512 k"), Cell("3 min 20 s"),
         Cell("500 × real time")],
    ]  # fmt: skip


def test_a_baseline_says_so_and_may_win_and_what_is_missing_is_a_dash():
    assert [[cell.text for cell in row] for row in tables.details(GENES).rows] == [
        ["peer (baseline)", "98.0 %", "–", "–", "–", "–"],
        ["lstm", "50.0 %", "25.0 %", "–", "–", "–"],
    ]
    assert tables.brief(GENES).rows[0][1].best


def test_nothing_is_best_without_a_choice():
    alone = [Row("speech", "digits", "gru", {"loss": 1.0})]
    equals = [Row("speech", "digits", model, {"loss": 1.0}) for model in "ab"]
    assert tables.brief(alone).rows[0][1] == Cell("1.00")
    assert [row[1] for row in tables.brief(equals).rows] == [Cell("1.00", share=1.0)] * 2


def test_bars_of_what_is_negative_or_no_number_stay_inside():
    rows = [Row("f", "t", name, {"skill": value}) for name, value in {"a": 0.5, "b": -1.0, "c": math.nan}.items()]
    assert [row[1].share for row in tables.brief(rows).rows] == [1.0, 0.0, None]
    worse = [Row("f", "t", name, {"skill": value}) for name, value in {"a": -0.5, "b": -1.0}.items()]
    assert [row[1].share for row in tables.brief(worse).rows] == [None, None]


def test_overview_as_markdown():
    assert tables.markdown(tables.overview([DIGITS, [], GENES])) == (
        "| Task | Metric | Model | Result | Parameters | Training | Speed |\n"
        "| :-- | :-- | :-- | --: | --: | --: | --: |\n"
        "| speech/digits | Word error rate ↓ | gru | **2.5 %** | 48 k | 48 s | 250 × real time |\n"
        "| speech/digits | Word error rate ↓ | rnn | 5.0 % | 512 k | 3 min 20 s | 500 × real time |\n"
        "| biology/genes | F1 ↑ | peer (baseline) | **98.0 %** | – | – | – |\n"
        "| biology/genes | F1 ↑ | lstm | 50.0 % | – | – | – |\n"
    )


def test_markdown_escapes_what_would_break_it():
    hostile = [Row("f", "t", "a|b<script>*x*`y`", {"loss": 1.0})]
    assert tables.markdown(tables.brief(hostile)).splitlines()[2].startswith(r"| a\|b\<script\>\*x\*\`y\` | 1.00 |")


def test_plain_text_is_aligned():
    assert tables.plain(tables.brief(DIGITS)) == (
        "Model  Result  Parameters    Training            Speed\n"
        "─────  ──────  ──────────  ──────────  ───────────────\n"
        "gru     2.5 %        48 k        48 s  250 × real time\n"
        "rnn     5.0 %       512 k  3 min 20 s  500 × real time\n"
    )


def test_readme_block_stands_between_its_markers():
    block = tables.readme_block([GENES]).split("\n")
    assert (block[0], block[1][:7], block[-1]) == ("<!-- results -->", "| Task ", "<!-- /results -->")


def test_no_results_are_an_empty_table():
    assert tables.markdown(tables.overview([])).count("\n") == 2
    assert tables.details([]).rows == []
