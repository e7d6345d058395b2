import pandas as pd

from covid_xray.evaluation.intervals import Intervals
from covid_xray.evaluation.scoring import REPORT_SCORES
from covid_xray.pipelines.reporting import nodes
from covid_xray.studies.file_sizes import SIZE_COLUMNS, file_size_table

CLASSES = ["COVID", "Normal"]
INTERVALS = Intervals(n_resamples=100, confidence=0.95, seed=1)
PUBLISHED_3 = pd.DataFrame({"setting": ["3"], "accuracy": [0.82], "f1_score": [0.82]})
PUBLISHED_4 = pd.DataFrame({"variant": ["balanced"], "accuracy": [0.89]})


def predictions(run):
    labels = CLASSES * 10
    table = pd.DataFrame({"run": run, "split": "test", "label": labels, "predicted": labels})
    return table.assign(**{f"probability_{name}": 0.5 for name in CLASSES})


def runs(*names):
    return pd.DataFrame(
        {"run": names, "backbone": "MobileNet", "weights": "imagenet", "n_train": 10, "note": ""}
    )


def models(*weights):
    """Summaries and predictions in turn, as the node takes them."""
    summary = {"backbone": "mobilenet", "classes": CLASSES, "variant": "balanced"}
    summary |= {"weights": "imagenet", "trainable_params": 5, "n_train": 10}
    pairs = [[summary | {"class_weights": {"COVID": w}}, predictions("x")] for w in weights]
    return [thing for pair in pairs for thing in pair]


def drawn_points(figure, x):
    """The highest value that a figure's scores have at x; points are nudged apart a little."""
    lines = [line.get_xydata() for line in figure.axes[0].get_lines()]
    return max(y for line in lines for at, y in line if abs(at - x) < 0.5)


def test_figure_14_is_drawn_from_its_table():
    table, figure = nodes.make_figure_14(INTERVALS, *models(3, 1))
    assert table["covid_weight"].tolist() == [1, 3]
    assert drawn_points(figure, 1) == 1.0


def test_the_laplacian_figure_is_drawn_from_its_table():
    both = pd.concat([predictions(0), predictions(30)])
    table, figure = nodes.make_laplacian_table(runs(0, 30), both, INTERVALS)
    assert table["threshold"].tolist() == [30, 0]
    assert drawn_points(figure, 30) == 1.0


def test_the_page_holds_the_tables_of_the_nodes():
    settings = {"images_per_class": 6000, "our_images_per_class": 7, "n_layers": 3}
    settings |= {"factor": 0.1, "batch_size": 32, "run": "3"}
    settings = pd.DataFrame([{"setting": "3", **settings}])
    table_3 = nodes.make_table_3(settings, runs("3"), predictions("3"), PUBLISHED_3, INTERVALS)
    table_4 = nodes.make_table_4(runs("balanced"), predictions("balanced"), PUBLISHED_4, INTERVALS)
    laplacian, _ = nodes.make_laplacian_table(runs(0), predictions(0), INTERVALS)
    weights, _ = nodes.make_figure_14(INTERVALS, *models(1))
    index = pd.DataFrame({"label": ["COVID"], "n_bytes": [1]})
    none = pd.DataFrame(columns=["label", *SIZE_COLUMNS], dtype=float)
    table_1 = file_size_table(index, none)
    table_5 = table_of_models()
    page = nodes.write_tables(table_1, table_3, table_4, table_5, laplacian, weights)
    assert "| 3 | 6000 | 7 | 3 | 0.1 | 32 | 3 | 10 | 20 | 100.0% [100.0-100.0] (82.0%) |" in page
    assert "| balanced | 10 | 20 | 100.0% [100.0-100.0] (89.0%) |" in page
    assert "not MobileNet" in page


def table_of_models():
    columns = [*REPORT_SCORES, "trainable_params"]
    published = pd.DataFrame(
        [{"backbone": "MobileNet", "covid_weight": 1, **dict.fromkeys(columns, 0.5)}]
    )
    return nodes.make_table_5(published, INTERVALS, *models(1))
