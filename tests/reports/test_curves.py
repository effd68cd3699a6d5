import pytest
from matplotlib.figure import Figure

from unroll.errors import UserError
from unroll.reports import curves

HISTORY = "step,seconds,train_loss,word_error_rate,loss\n10,1.5,4.0,0.9,3.5\n20,3.0,2.0,0.4,1.5\n"
READ = {"step": [10, 20], "seconds": [1.5, 3], "train_loss": [4, 2], "word_error_rate": [0.9, 0.4], "loss": [3.5, 1.5]}


def write(folder, text=HISTORY):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "history.csv").write_text(text)


def test_read_a_model_its_folds_or_nothing(tmp_path):
    write(tmp_path / "gru")
    for fold in ("theo", "lucas"):
        write(tmp_path / "unseen" / fold)
    assert curves.read(tmp_path / "gru") == [READ]
    assert curves.read(tmp_path / "unseen") == [READ, READ]
    assert curves.read(tmp_path / "absent") == []


@pytest.mark.parametrize(
    "text",
    [
        "",
        "seconds,train_loss,loss\n",
        "seconds,train_loss,loss\n1,2\n",
        "seconds,train_loss,loss\n1,2,x\n",
        "seconds,train_loss,loss\n1,2,3,4\n",
        "step,loss\n1,2\n",
        "seconds,train_loss\n1,2\n",
    ],
)
def test_read_refuses_what_is_not_whole(tmp_path, text):
    write(tmp_path, text)
    with pytest.raises(UserError, match=r"history\.csv.*delete the file and run `dvc repro`"):
        curves.read(tmp_path)


def test_draw_shows_the_deciding_score_over_the_loss_and_folds_thin(monkeypatch):
    drawn = []
    monkeypatch.setattr(Figure, "savefig", lambda figure, *_, **__: drawn.append(figure))
    curves.draw({"gru": [READ], "lstm": [READ, READ]})
    score, loss = drawn[0].axes
    assert [axes.get_title(loc="left") for axes in (score, loss)] == ["validation: word error rate", "training: loss"]
    assert [list(line.get_ydata()) for line in score.get_lines()] == [[0.9, 0.4]] * 3
    assert [list(line.get_xdata()) for line in loss.get_lines()] == [[1.5, 3.0]] * 3
    one, *folds = score.get_lines()
    assert all(fold.get_linewidth() < one.get_linewidth() for fold in folds)
    assert [text.get_text() for text in drawn[0].legends[0].get_texts()] == ["gru", "lstm, 2 folds"]


@pytest.mark.parametrize(
    ("metric", "values", "scale"),
    [("word_error_rate", [0.9, 0.1], "log"), ("accuracy", [0.1, 0.9], "linear"), ("loss", [1.0, -0.5], "linear")],
)
def test_only_faults_are_drawn_on_a_logarithmic_axis(monkeypatch, metric, values, scale):
    drawn = []
    monkeypatch.setattr(Figure, "savefig", lambda figure, *_, **__: drawn.append(figure))
    curves.draw({"gru": [{"seconds": [1, 2], "train_loss": [2, 1], metric: values}]})
    assert drawn[0].axes[0].get_yscale() == scale
