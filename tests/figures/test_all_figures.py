"""Promises of all figures: they save without a warning, alike each time, with nothing cut off."""

import warnings
from itertools import product

import matplotlib
import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.text import Text

from covid_xray.figures import (
    curves,
    distributions,
    embeddings,
    equalisation,
    grad_cam,
    montages,
    predictions,
    reduction,
    screening,
    segmentation,
    sharpness,
)
from covid_xray.figures.sources import draw_class_counts
from covid_xray.imaging.sharpness import kept_share_by_threshold


def pairs_of(n):
    return pd.DataFrame(
        {
            "image_id_1": [f"Viral Pneumonia-{k}" for k in range(n)],
            "image_id_2": [f"Lung_Opacity-{k}" for k in range(n)],
            "label_1": "Viral Pneumonia",
            "ssim": 0.91,
            "hash_distance": 4,
        }
    )


def history(n):
    loss = np.linspace(1, 0.2, n)
    return pd.DataFrame(
        {"epoch": range(n), "loss": loss, "val_loss": loss * 1.2,
         "accuracy": 1 - loss, "val_accuracy": 1 - loss}
    )  # fmt: skip


def explained(n, title, pictures):
    heat = np.linspace(0, 1, n * 16 * 16, dtype=np.float32).reshape(n, 16, 16)
    row = grad_cam.GradCamRow(title)
    for k, pixels in enumerate(pictures(n, 16, 16)):
        answer = {"image_id": "Viral Pneumonia-1012", "label": "Viral Pneumonia",
                  "predicted": ["Viral Pneumonia", "Lung_Opacity"][k % 2]}  # fmt: skip
        answer[f"probability_{answer['predicted']}"] = 1.0
        (row.wrong if k % 2 else row.right).append(
            grad_cam.explained_panel(pixels, heat[k], answer)
        )
    return row


ODD = ["$odd$ _name_", "COVID", "Viral Pneumonia", "new_class 7"]


def answers(seed):
    """Predictions of 80 test radiographs of classes with odd names."""
    rng = np.random.default_rng(seed)
    labels = np.repeat(ODD, 20)
    shares = rng.dirichlet(np.ones(4), len(labels))
    table = pd.DataFrame(shares, columns=[f"probability_{label}" for label in ODD])
    predicted = np.array(ODD)[shares.argmax(axis=1)]
    return table.assign(split="test", label=labels, predicted=predicted,
                        image_id=[f"id-{k}" for k in range(len(labels))])  # fmt: skip


def confusion(seed):
    shares = answers(seed).groupby("label")["predicted"].value_counts(normalize=True)
    shares = shares.reindex(pd.MultiIndex.from_product([ODD, ODD], names=["label", "predicted"]))
    table = shares.fillna(0).rename("share").reset_index()
    return table.assign(count=20 * table["share"], low=0.1, high=0.9).astype({"count": int})


def scores(x, values):
    table = pd.DataFrame({x: values, "n_train": 1500})
    names = ["recall_covid", "precision_covid", "f1_score_covid", "f1_score", "accuracy"]
    for name in names:
        table[[name, f"{name}_low", f"{name}_high"]] = [0.9, 0.85, 0.95]
    return table


def cases(x, n):
    """Radiographs with two masks each, and how well these agree."""
    masks = x(n, 16, 16) % 2
    table = pd.DataFrame(
        {"pair_id": "Viral Pneumonia-1012_and_more", "label": "Viral Pneumonia", "dice": 0.9,
         "hausdorff": np.nan, "rank": ["best", "median", "worst"][:n]}
    )  # fmt: skip
    return x(n, 16, 16), masks, masks[:, ::-1], table


MODELS = ("Separable CNN, as they came", "Xception, lungs only", "VGG19_fine_tuned, COVID weight 2")


def attribution(f, n):
    """Evidence of n models in each class of a study; none in the last class."""
    table = f.groupby("label", as_index=False).size().rename(columns={"size": "n"})
    table = table.assign(
        mass_inside=np.linspace(0, 1, len(table)), mass_inside_low=0.1, mass_inside_high=0.9,
        lung_area=0.22,
    )  # fmt: skip
    table.loc[len(table) - 1, ["mass_inside", "lung_area"]] = np.nan
    return pd.concat([table.assign(model=model) for model in MODELS[:n]])


def view(f, n):
    score = f["luminosity"].rank(pct=True) * n % 1
    return pd.DataFrame({"split": "test", "is_positive": f["label"] == "COVID", "score": score})


THRESHOLDS = {"first threshold": 50, "final threshold": 30}
# Every figure, for n = 1 (montages of one row) and n = 3.
DRAWINGS = {
    "class counts": lambda f, x, p, n: draw_class_counts(f.iloc[: 90 * n]),
    "luminosity": lambda f, x, p, n: distributions.draw_distribution(
        f.iloc[: 90 * n], "luminosity", "Mean luminosity", "grey levels"
    ),
    "mask area": lambda f, x, p, n: distributions.draw_distribution(
        f, "mask_area", "Area of the lung mask", "pixels"
    ),
    "lung masks": lambda f, x, p, n: montages.draw_lung_masks(
        x(n, 32, 32), x(n, 32, 32) % 2, ["Viral Pneumonia-1012 (Viral Pneumonia)"] * n
    ),
    "duplicates": lambda f, x, p, n: montages.draw_duplicates(
        x(n, 32, 32), x(n, 32, 32, seed=1), pairs_of(n)
    ),
    "augmentations": lambda f, x, p, n: montages.draw_augmentations(
        x(32, 32), x(n, n, 32, 32), ["+ brightness"] * n
    ),
    "sharpness": lambda f, x, p, n: sharpness.draw_sharpness_distribution(
        f.iloc[: 90 * n], THRESHOLDS
    ),
    "kept share": lambda f, x, p, n: sharpness.draw_kept_share(
        kept_share_by_threshold(f["laplacian_variance"], f["label"], [50, 30, 90][:n]),
        (0.76, 0.90), 50,
    ),
    "near threshold": lambda f, x, p, n: sharpness.draw_near_threshold(
        x(3 * n, 32, 32), f.iloc[: 3 * n], 50
    ),
    "eigen-images": lambda f, x, p, n: reduction.draw_eigen_images(
        x(16, 16), x(n, 16, 16) - 128.0, np.full(n, 0.1)
    ),
    "explained variance": lambda f, x, p, n: reduction.draw_explained_variance(
        pd.DataFrame({"component": range(1, n + 1), "explained_share": 0.1,
                      "cumulative_share": np.arange(1, n + 1) * 0.1})
    ),
    "reconstructions": lambda f, x, p, n: reduction.draw_reconstructions(
        x(n, 16, 16), {"Convolutional autoencoder": x(n, 16, 16)},
        ["Viral Pneumonia"] * n, {"Convolutional autoencoder": np.full(n, 0.9)},
    ),
    "learning curves": lambda f, x, p, n: curves.draw_learning_curves(
        {f"VGG19_fine_tuned, COVID weight {k}": history(n) for k in range(n)}
    ),
    "embedding": lambda f, x, p, n: embeddings.draw_embedding(
        p.iloc[: 25 * n], "t-SNE of the codes of the dense autoencoder", "Silhouette 0.12"
    ),
    "Grad-CAM": lambda f, x, p, n: grad_cam.draw_grad_cam_panels(
        [explained(k, "EfficientNetB0_fine_tuned, COVID weight 2", x) for k in range(n, n + 3)]
    ),
    "grey levels": lambda f, x, p, n: equalisation.draw_grey_levels(
        dict.fromkeys(f["label"].unique()[: 2 * n], x(n, 16, 16)),
        dict.fromkeys(f["label"].unique()[: 2 * n], x(n, 16, 16, seed=1)),
        {label: np.full(256, 1 / 256) for label in f["label"].unique()[: 2 * n]}, {},
    ),
    "masked examples": lambda f, x, p, n: equalisation.draw_masked_examples(
        x(n, 16, 16), x(n, 16, 16), x(n, 16, 16) % 2, x(n, 16, 16),
        ["Viral Pneumonia-1012 (Viral Pneumonia)"] * n,
    ),
    "class proportions": lambda f, x, p, n: screening.draw_class_proportions(
        {f"COVID and the rest, in balanced batches {k}": dict(f["label"].value_counts() * 250)
         for k in range(n)}
    ),
    "lung attribution": lambda f, x, p, n: screening.draw_lung_attribution(attribution(f, n)),
    "screening curves": lambda f, x, p, n: screening.draw_screening_curves(
        {model: view(f, k + 1) for k, model in enumerate(MODELS[:n])},
        pd.DataFrame({"model": MODELS[:n], "sensitivity": 1.0, "specificity": 1.0}),
    ),
    "confidence": lambda f, x, p, n: predictions.draw_confidence(
        {f"EfficientNetB0, COVID weight {k}": answers(k) for k in range(n)}
    ),
    "confusion": lambda f, x, p, n: predictions.draw_confusion_matrices(
        {f"VGG19 fine tuned, weight {k}": confusion(k) for k in range(n)}
    ),
    "weights": lambda f, x, p, n: predictions.draw_class_weight_scores(
        scores("covid_weight", range(1, n + 1))
    ),
    "thresholds": lambda f, x, p, n: predictions.draw_threshold_scores(
        scores("threshold", range(0, 30 * n, 30))
    ),
    "segmentation": lambda f, x, p, n: segmentation.draw_segmentation_examples(*cases(x, n)),
    "resizing": lambda f, x, p, n: segmentation.draw_resizing(x(16 + n, 16), x(16, 16) % 2),
    "mask quality": lambda f, x, p, n: segmentation.draw_mask_quality(
        f.iloc[: 80 * n].assign(n_components=2)
    ),
    "words": lambda f, x, p, n: distributions.draw_distribution(
        f.assign(luminosity=np.nan), "luminosity", "Mean luminosity " * n, "grey levels"
    ),
}  # fmt: skip


@pytest.fixture(scope="module", params=product(DRAWINGS, [1, 3]), ids=lambda p: f"{p[0]}-{p[1]}")
def drawing(request, study_features, pictures, points):
    """A function that draws a figure, and the figure drawn once."""
    name, n = request.param

    def draw():
        return DRAWINGS[name](study_features, pictures, points, n)

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return draw, draw()


@pytest.mark.slow
def test_a_figure_saves_alike_each_time(drawing, png):
    draw, figure = drawing
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        first = png(figure)
        # Neither what was drawn before nor the user's own style may show.
        with matplotlib.rc_context({"axes.titlesize": 30, "xtick.labelsize": 2, "text.color": "r"}):
            second = png(draw())
    assert first.startswith(b"\x89PNG")
    assert first == second


def test_nothing_written_is_cut_off_or_tiny(drawing):
    _, figure = drawing
    figure.draw_without_rendering()
    page = figure.get_window_extent()
    for text in written_texts(figure):
        box = text.get_window_extent()
        assert box.x0 >= page.x0 - 1 and box.x1 <= page.x1 + 1, text
        assert box.y0 >= page.y0 - 1 and box.y1 <= page.y1 + 1, text
        assert text.get_fontsize() >= 8, text
        # Else a class called `$odd$` would be set as a formula.
        assert not text.get_parse_math(), text


def written_texts(figure):
    """Texts that are drawn, without the marks of axes: those beyond their limits are not."""
    marks = {
        label for axes in figure.findobj(Axes) for axis in (axes.xaxis, axes.yaxis)
        for label in axis.findobj(Text) if label is not axis.label or not axis.get_visible()
    }  # fmt: skip
    for text in figure.findobj(Text):
        hidden = not text.get_visible() or (text.axes is not None and not text.axes.axison)
        if text.get_text().strip() and text not in marks and not hidden:
            yield text
