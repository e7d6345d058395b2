"""Where heatmaps look: closed forms, and pixel by pixel."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from covid_xray.evaluation.intervals import Intervals, mean_interval
from covid_xray.evaluation.lung_attribution import (
    lung_areas,
    share_inside_lungs,
    summarise_lung_attribution,
)

INTERVALS = Intervals(n_resamples=200, confidence=0.9, seed=3)
SEEDS = st.integers(0, 2**32 - 1)
SHAPES = st.tuples(st.integers(1, 6), st.integers(1, 9), st.integers(1, 9))
COLUMNS = ["label", "n", "n_without_evidence", "mass_inside", "mass_inside_low",
           "mass_inside_high", "lung_area", "ratio"]  # fmt: skip


def random_heatmaps(seed, shape):
    """Heatmaps, of which some are all 0, and masks, of which some are empty or full."""
    rng = np.random.default_rng(seed)
    heatmaps = rng.random(shape) * rng.integers(0, 2, (shape[0], 1, 1))
    masks = rng.random(shape) < rng.choice([0, 0.4, 1], (shape[0], 1, 1))
    return heatmaps.astype(np.float32), masks.astype(np.uint8)


def heatmaps_of(*shares, lungs=4):
    """One radiograph per share, of 4 x 4 pixels: so much of the mass lies inside the lungs.

    The first `lungs` pixels are lung; None is a heatmap that is all 0.
    """
    masks = np.zeros((len(shares), 16), np.uint8)
    masks[:, :lungs] = 1
    heatmaps = np.zeros((len(shares), 16), np.float32)
    for heatmap, share in zip(heatmaps, shares, strict=True):
        if share is not None:
            heatmap[0], heatmap[-1] = share, 1 - share
    return heatmaps.reshape(-1, 4, 4), masks.reshape(-1, 4, 4)


def table_of(label, heatmaps, masks, **options):
    shares = share_inside_lungs(heatmaps, masks)
    return summarise_lung_attribution(
        label, shares, lung_areas(masks), INTERVALS.model_copy(update=options)
    )


def rows_of(label, heatmaps, masks, **options):
    return table_of(label, heatmaps, masks, **options).set_index("label")


# --- The share of one heatmap ---------------------------------------------------------------------


@given(SEEDS, SHAPES)
@settings(deadline=None, max_examples=60)
def test_shares_are_those_added_up_pixel_by_pixel(seed, shape):
    heatmaps, masks = random_heatmaps(seed, shape)
    shares = share_inside_lungs(heatmaps, masks)
    assert shares.shape == shape[:1] and shares.dtype == np.float64
    for share, heatmap, mask in zip(shares, heatmaps.tolist(), masks.tolist(), strict=True):
        pixels = [
            pair
            for values, lungs in zip(heatmap, mask, strict=True)
            for pair in zip(values, lungs, strict=True)
        ]
        total, inside = sum(value for value, _ in pixels), sum(v for v, lung in pixels if lung)
        expected = inside / total if total else float("nan")
        assert share == pytest.approx(expected, nan_ok=True)


@given(SEEDS, SHAPES, st.floats(1e-3, 1e3))
@settings(deadline=None, max_examples=40)
def test_only_the_proportions_of_a_heatmap_count(seed, shape, factor):
    heatmaps, masks = random_heatmaps(seed, shape)
    scaled = heatmaps.astype(np.float64) * factor
    np.testing.assert_allclose(
        share_inside_lungs(scaled, masks), share_inside_lungs(heatmaps, masks)
    )


@given(SEEDS, SHAPES)
@settings(deadline=None, max_examples=40)
def test_inside_and_outside_add_up(seed, shape):
    heatmaps, masks = random_heatmaps(seed, shape)
    inside, outside = share_inside_lungs(heatmaps, masks), share_inside_lungs(heatmaps, 1 - masks)
    evident = heatmaps.any(axis=(1, 2))
    assert (np.isnan(inside) == ~evident).all()
    np.testing.assert_allclose((inside + outside)[evident], 1)
    assert ((inside >= 0) & (inside <= 1))[evident].all()


def test_all_or_nothing_of_the_mass_is_exactly_1_or_0():
    # Of numbers whose sums are rounded, and differently where zeros stand in between.
    rng = np.random.default_rng(0)
    masks = (rng.random((20, 41, 37)) < 0.4).astype(np.uint8)
    heatmaps = rng.random(masks.shape) * masks
    assert share_inside_lungs(heatmaps, masks).tolist() == [1] * 20
    assert share_inside_lungs(heatmaps, 1 - masks).tolist() == [0] * 20


def test_sums_are_taken_in_double_precision():
    # Added to 2**24, single precision loses a 1.
    heatmaps = np.ones((1, 100, 100), np.float32)
    heatmaps[0, 0, 0] = 2**24
    masks = np.ones(heatmaps.shape, np.uint8)
    masks[0, -1] = 0
    assert share_inside_lungs(heatmaps, masks)[0] == (2**24 + 9899) / (2**24 + 9999)


def test_shapes_that_differ_are_refused():
    heatmaps, masks = heatmaps_of(0.5, 0.5)
    with pytest.raises(ValueError, match=r"\(2, 4, 4\).*\(1, 4, 4\)"):
        share_inside_lungs(heatmaps, masks[:1])
    with pytest.raises(ValueError, match="1 labels for 2 heatmaps"):
        table_of(["COVID"], heatmaps, masks)


# --- Means by class -------------------------------------------------------------------------------


def test_scores_counted_by_hand():
    label = ["Normal", "COVID", "Normal", "COVID", "COVID"]
    heatmaps, masks = heatmaps_of(0.25, 0.5, 0.75, None, 0.25)
    # Half of the picture instead of a quarter; and all of it where there is no evidence.
    masks[2, 1], masks[3] = 1, 1
    table = table_of(label, heatmaps, masks)
    assert list(table) == COLUMNS
    expected = {"COVID": ([0.5, 0.25], 0.25), "Normal": ([0.25, 0.75], 0.375),
                "all": ([0.25, 0.5, 0.75, 0.25], 0.3125)}  # fmt: skip
    assert list(table["label"]) == list(expected)
    assert list(table["n"]) == [3, 2, 5]
    assert list(table["n_without_evidence"]) == [1, 0, 1]
    for row, (shares, area) in zip(table.to_dict("records"), expected.values(), strict=True):
        mean = sum(shares) / len(shares)
        assert row["mass_inside"] == pytest.approx(mean)
        assert row["lung_area"] == pytest.approx(area)
        assert row["ratio"] == pytest.approx(mean / area)
        bounds = mean_interval(np.array(shares), INTERVALS)
        assert (row["mass_inside_low"], row["mass_inside_high"]) == pytest.approx(bounds)


@given(SEEDS, st.floats(1e-3, 1e3))
@settings(deadline=None, max_examples=25)
def test_an_even_heatmap_has_the_lungs_share_of_the_picture(seed, evidence):
    rng = np.random.default_rng(seed)
    masks = (rng.random((6, 8, 8)) < rng.uniform(0.1, 0.9, (6, 1, 1))).astype(np.uint8)
    masks[:, 0, 0] = 1
    label = ["COVID", "Normal"] * 3
    table = rows_of(label, np.full(masks.shape, evidence), masks, n_resamples=20)
    assert table["ratio"].to_list() == pytest.approx([1, 1, 1])
    assert table["mass_inside"].to_list() == pytest.approx(table["lung_area"].to_list())


def test_evidence_in_the_lungs_alone_has_the_largest_ratio():
    table = rows_of(["COVID"] * 3, *heatmaps_of(1, 1, 1, lungs=4))
    columns = ["mass_inside", "mass_inside_high", "lung_area", "ratio"]
    assert table.loc["COVID", columns].to_list() == [1, 1, 0.25, 4]
    assert table.loc["COVID", "mass_inside_low"] < 1


def test_heatmaps_without_evidence_are_only_counted():
    label, shares = ["COVID", "Normal", "COVID"], [0.25, 0.5, 0.75]
    alone = rows_of(label, *heatmaps_of(*shares))
    heatmaps, masks = heatmaps_of(*shares, None, None)
    masks[3:] = 1
    among = rows_of([*label, "COVID", "Normal"], heatmaps, masks)
    assert list(among["n_without_evidence"]) == [1, 1, 2]
    scores = COLUMNS[3:]
    np.testing.assert_array_equal(among[scores], alone[scores])


def test_a_class_without_any_evidence_has_no_scores():
    table = rows_of(["COVID", "Normal", "COVID"], *heatmaps_of(None, 0.5, None))
    assert table.loc["COVID", COLUMNS[3:]].isna().all()
    assert table.loc["COVID", ["n", "n_without_evidence"]].to_list() == [2, 2]
    assert table.loc["Normal", "ratio"] == table.loc["all", "ratio"] == 2


def test_masks_without_lungs_have_no_ratio():
    table = rows_of(["COVID"], *heatmaps_of(0.5, lungs=0))
    assert table["mass_inside"].to_list() == table["lung_area"].to_list() == [0, 0]
    assert table["ratio"].isna().all()


def test_without_radiographs_only_all_is_left_and_empty():
    heatmaps, masks = heatmaps_of()
    table = table_of([], heatmaps, masks)
    assert list(table) == COLUMNS
    assert table[["label", "n", "n_without_evidence"]].to_numpy().tolist() == [["all", 0, 0]]
    assert table[COLUMNS[3:]].isna().all(axis=None)


def test_seed_and_confidence_decide_the_interval():
    both = heatmaps_of(*np.linspace(0, 1, 30))
    label = ["COVID"] * 30
    bounds = ["mass_inside_low", "mass_inside_high"]
    first, again, other, wider = (
        rows_of(label, *both, **options).loc["COVID", bounds].to_list()
        for options in ({}, {}, {"seed": 4}, {"confidence": 0.99})
    )
    assert first == again != other
    assert wider[0] < first[0] < first[1] < wider[1]
