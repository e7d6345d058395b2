"""Promises of all figures: they save without a warning, alike each time, with nothing cut off."""

import warnings

import matplotlib
import numpy as np
import pandas as pd
import pytest
from matplotlib.text import Text

from covid_xray.figures import (
    curves,
    distributions,
    embeddings,
    equalisation,
    grad_cam,
    montages,
    reduction,
    screening,
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
    caption = grad_cam.panel_caption("Viral Pneumonia-1012", "Viral Pneumonia", "Lung_Opacity", 1)
    heat = np.linspace(0, 1, n * 16 * 16, dtype=np.float32).reshape(n, 16, 16)
    right = [k % 2 == 0 for k in range(n)]
    return grad_cam.GradCamRow(title, pictures(n, 16, 16), heat, [caption] * n, right)


MODELS = ("Separable CNN, as they came", "Xception, lungs only", "VGG19_fine_tuned, COVID weight 2")


def gaze(f, n):
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
    "gaze": lambda f, x, p, n: screening.draw_gaze(gaze(f, n)),
    "screening curves": lambda f, x, p, n: screening.draw_screening_curves(
        {model: view(f, k + 1) for k, model in enumerate(MODELS[:n])},
        pd.DataFrame({"model": MODELS[:n], "sensitivity": 1.0, "specificity": 1.0}),
    ),
    "words": lambda f, x, p, n: distributions.draw_distribution(
        f.assign(luminosity=np.nan), "luminosity", "Mean luminosity " * n, "grey levels"
    ),
}  # fmt: skip


@pytest.mark.parametrize("n", [1, 3])
@pytest.mark.parametrize("name", DRAWINGS)
def test_a_figure_saves_alike_each_time_without_a_warning(name, n, features, points, pictures, png):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        first = png(DRAWINGS[name](features, pictures, points, n))
        # Neither what was drawn before nor the user's own style may show.
        with matplotlib.rc_context({"axes.titlesize": 30, "xtick.labelsize": 2, "text.color": "r"}):
            second = png(DRAWINGS[name](features, pictures, points, n))
    assert first.startswith(b"\x89PNG")
    assert first == second


@pytest.mark.parametrize("n", [1, 3])
@pytest.mark.parametrize("name", DRAWINGS)
def test_nothing_written_is_cut_off_or_tiny(name, n, features, points, pictures):
    figure = DRAWINGS[name](features, pictures, points, n)
    figure.draw_without_rendering()
    page = figure.get_window_extent()
    axis_texts = {
        id(label) for axes in figure.axes for axis in (axes.xaxis, axes.yaxis)
        for label in axis.get_ticklabels(which="both")
    }  # fmt: skip
    for text in figure.findobj(Text):
        if not text.get_text().strip() or not text.get_visible() or id(text) in axis_texts:
            continue
        if text.axes is not None and not text.axes.axison and text in text.axes.get_children():
            continue
        box = text.get_window_extent()
        assert box.x0 >= page.x0 - 1 and box.x1 <= page.x1 + 1, text
        assert box.y0 >= page.y0 - 1 and box.y1 <= page.y1 + 1, text
        assert text.get_fontsize() >= 8, text
        # Else a class called `$odd$` would be set as a formula.
        assert not text.get_parse_math(), text
