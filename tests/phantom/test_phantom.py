"""The synthetic study: what it looks like, what is planted in it, and that it repeats."""

import os
import resource
import signal
import subprocess
import sys
import time
from itertools import combinations

import cv2
import imagehash
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from skimage.metrics import structural_similarity

from covid_xray.phantom.acquisition import HOSPITALS, MARKERS
from covid_xray.phantom.drawing import CLASSES, draw_radiograph
from covid_xray.phantom.plan import PhantomPlan
from covid_xray.phantom.writing import write_phantom_study

SMALL = PhantomPlan(images_per_class=6)


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """The default study: its folder, its truth table, and the pixels of its readable images."""
    folder = tmp_path_factory.mktemp("phantom") / "study"
    truth = write_phantom_study(folder, PhantomPlan())
    return folder, truth, read_images(folder, truth)


@pytest.fixture(scope="module")
def small_study(tmp_path_factory):
    folder = tmp_path_factory.mktemp("phantom") / "small"
    return folder, write_phantom_study(folder, SMALL)


def read_images(folder, truth):
    sound = truth[truth["defect"] == ""]
    return {
        row.image_id: cv2.imread(str(folder / row.file), cv2.IMREAD_UNCHANGED)
        for row in sound.itertuples()
    }


def alike_pairs(images):
    """Pairs that the duplicates rule accepts, across classes too: stricter than within each."""
    hashes = {name: imagehash.phash(Image.fromarray(pixels)) for name, pixels in images.items()}
    small = {
        name: cv2.resize(pixels, (50, 50), interpolation=cv2.INTER_AREA)
        for name, pixels in images.items()
    }
    return {
        frozenset(pair)
        for pair in combinations(images, 2)
        if hashes[pair[0]] - hashes[pair[1]] <= 2
        and structural_similarity(small[pair[0]], small[pair[1]], data_range=255) >= 0.8
    }


def planted_pairs(truth):
    copies = truth[truth["duplicate_of"] != ""]
    return {
        frozenset(pair) for pair in zip(copies["image_id"], copies["duplicate_of"], strict=True)
    }


def sharpness(pixels):
    return cv2.Laplacian(pixels, cv2.CV_64F).var()


def originals(truth):
    return truth[(truth["duplicate_of"] == "") & (truth["defect"] == "")]


# One radiograph


@pytest.mark.parametrize("label", CLASSES)
def test_lungs_are_darker_than_the_mediastinum_and_well_sized(label):
    for number in range(4):
        image, mask = draw_radiograph(label, np.random.default_rng(number))
        assert image.shape == mask.shape == (299, 299)
        assert image.dtype == mask.dtype == np.uint8
        assert set(np.unique(mask)) == {0, 255}
        assert 0.12 < (mask > 0).mean() < 0.45
        # The mediastinum lies between the lungs: right of the first and left of the second.
        rows = np.flatnonzero((mask > 0).sum(axis=1) > 40)
        columns = np.flatnonzero(mask[rows].any(axis=0))
        middle = (columns[0] + columns[-1]) // 2
        between = np.zeros_like(mask, dtype=bool)
        between[rows[0] : rows[-1], middle - 12 : middle + 12] = True
        assert image[mask > 0].mean() < image[between & (mask == 0)].mean() - 30


def test_mask_holds_two_lungs_one_on_each_side():
    for number in range(6):
        _, mask = draw_radiograph("Normal", np.random.default_rng(number))
        _, _, stats, centres = cv2.connectedComponentsWithStats(mask)
        large = [c for s, c in zip(stats[1:], centres[1:], strict=True) if s[4] > 3000]
        assert len(large) == 2
        assert min(c[0] for c in large) < 149 < max(c[0] for c in large)


def test_the_heart_bulges_to_the_right_of_the_picture():
    # Below mid-height the left lung (right of the picture) loses more to the heart.
    lost = []
    for number in range(8):
        _, mask = draw_radiograph("Normal", np.random.default_rng(number))
        lower = mask[150:190] > 0
        lost.append(lower[:, :149].sum() - lower[:, 149:].sum())
    assert np.mean(lost) > 0


@pytest.mark.parametrize("label", ["COVID", "Lung_Opacity", "Viral Pneumonia"])
def test_findings_brighten_the_lungs_of_the_same_patient(label):
    gains = []
    for number in range(6):
        ill, mask = draw_radiograph(label, np.random.default_rng(number))
        well, same_mask = draw_radiograph("Normal", np.random.default_rng(number))
        np.testing.assert_array_equal(mask, same_mask)
        lungs = mask > 0
        gains.append(ill[lungs].mean() - well[lungs].mean())
        outside = cv2.erode(255 - mask, np.ones((21, 21))) > 0
        # Rounding may tip a grey level where the enlarged findings ring around the lungs.
        np.testing.assert_allclose(ill[outside].astype(int), well[outside], atol=1)
    assert min(gains) > 0
    assert np.mean(gains) > 2.5


def test_covid_findings_sit_low_and_on_both_sides():
    rise = np.zeros((299, 299))
    for number in range(6):
        ill, _ = draw_radiograph("COVID", np.random.default_rng(number))
        well, _ = draw_radiograph("Normal", np.random.default_rng(number))
        rise += ill.astype(float) - well
    assert rise[150:].sum() > 3 * rise[:150].sum()
    left, right = rise[:, :149].sum(), rise[:, 149:].sum()
    assert 0.4 < left / right < 2.5


@settings(max_examples=8, deadline=None)
@given(
    label=st.sampled_from(CLASSES), seed=st.integers(0, 2**32), side=st.sampled_from([64, 96, 201])
)
def test_drawing_repeats_at_any_size(label, seed, side):
    first = draw_radiograph(label, np.random.default_rng(seed), side)
    second = draw_radiograph(label, np.random.default_rng(seed), side)
    for one, other in zip(first, second, strict=True):
        assert one.shape == (side, side)
        np.testing.assert_array_equal(one, other)
    assert 0.10 < (first[1] > 0).mean() < 0.45


def test_unknown_class_and_tiny_side_are_refused():
    with pytest.raises(ValueError, match="label"):
        draw_radiograph("Pneumothorax", np.random.default_rng(0))
    with pytest.raises(ValueError, match="side"):
        draw_radiograph("Normal", np.random.default_rng(0), side=10)


# The plan


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("images_per_class", 5),
        ("side", 32),
        ("mask_side", 0),
        ("seed", -1),
        ("exact_duplicates", -1),
        ("reencoded_duplicates", -2),
        ("shifted_duplicates", -1),
        ("blurred", -4),
        ("missing_masks", -1),
    ],
)
def test_impossible_values_are_refused_by_name(field, value):
    with pytest.raises(ValueError, match=f"^{field} "):
        PhantomPlan(**{field: value})


def test_too_many_flaws_for_the_images_are_refused():
    with pytest.raises(ValueError, match="images_per_class must be at least 14"):
        PhantomPlan(images_per_class=10, blurred=40, missing_masks=0)


# Layout


def test_files_follow_the_layout_of_the_real_database(study):
    folder, truth, images = study
    assert {p.name for p in folder.iterdir()} == {
        *CLASSES,
        *(f"{label}.metadata.xlsx" for label in CLASSES),
        "truth.csv",
        "plan.json",
    }
    on_disk = {p.relative_to(folder).as_posix() for p in folder.glob("*/images/*")}
    assert on_disk == set(truth["file"])
    for label, rows in truth.groupby("label"):
        numbers = range(1, len(rows) + 1)
        assert list(rows["image_id"]) == [f"{label}-{k}" for k in numbers]
        assert list(rows["file"]) == [f"{label}/images/{label}-{k}.png" for k in numbers]
    assert all(p.shape == (299, 299) and p.dtype == np.uint8 for p in images.values())


def test_masks_are_rgb_and_present_where_the_truth_says(study):
    folder, truth, _ = study
    for row in truth.itertuples():
        path = folder / row.label / "masks" / f"{row.image_id}.png"
        assert path.exists() == row.has_mask
        if row.has_mask:
            mask = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
            assert mask.shape == (256, 256, 3)
            assert set(np.unique(mask)) == {0, 255}
    assert (~originals(truth)["has_mask"]).sum() == PhantomPlan().missing_masks


def test_metadata_is_spelt_as_in_the_real_database(study):
    folder, truth, _ = study
    for label in CLASSES:
        table = pd.read_excel(folder / f"{label}.metadata.xlsx")
        rows = truth[truth["label"] == label]
        assert list(table.columns) == ["FILE NAME", "FORMAT", "SIZE", "URL"]
        spelt = "NORMAL" if label == "Normal" else label
        assert list(table["FILE NAME"]) == [f"{spelt}-{k}" for k in range(1, len(rows) + 1)]
        assert set(table["FORMAT"]) == {"PNG"}
        assert list(table["URL"]) == list(rows["source_url"])


def test_truth_on_disk_is_the_truth_returned(study):
    folder, truth, _ = study
    read = pd.read_csv(folder / "truth.csv", keep_default_na=False)
    assert list(read.columns) == [
        *("file", "image_id", "label", "source", "source_url", "has_mask", "marker", "blurred"),
        *("duplicate_of", "duplicate_kind", "defect", "bytes"),
    ]
    pd.testing.assert_frame_equal(read, truth)
    assert [(folder / f).stat().st_size for f in truth["file"]] == list(truth["bytes"])


# Planted flaws


def test_the_duplicates_rule_finds_planted_pairs_and_no_other(study):
    _, truth, images = study
    assert planted_pairs(truth) == alike_pairs(images)
    kinds = truth["duplicate_kind"].value_counts()
    assert kinds[["exact", "reencoded", "shifted", "label_conflict"]].tolist() == [4, 4, 4, 1]


@pytest.mark.parametrize("seed", [7, 2021])
def test_other_seeds_hold_other_patients_and_no_accidental_duplicates(study, tmp_path, seed):
    # A quarter of the default size still makes a thousand pairs, and is fast.
    plan = PhantomPlan(images_per_class=12, seed=seed)
    truth = write_phantom_study(tmp_path / "study", plan)
    images = read_images(tmp_path / "study", truth)
    assert planted_pairs(truth) == alike_pairs(images)
    drawn = originals(truth)["image_id"]
    assert not any(np.array_equal(images[name], study[2][name]) for name in drawn)


def test_copies_are_made_the_way_the_truth_says(study):
    folder, truth, images = study
    by_id = truth.set_index("image_id")
    for row in truth[truth["duplicate_of"] != ""].itertuples():
        source = by_id.loc[row.duplicate_of]
        same_bytes = (folder / row.file).read_bytes() == (folder / source["file"]).read_bytes()
        assert same_bytes == (row.duplicate_kind in ("exact", "label_conflict"))
        same_label = row.label == source["label"]
        assert same_label == (row.duplicate_kind != "label_conflict")
        assert row.source == source["source"]
        assert row.marker == source["marker"]
        difference = np.abs(images[row.image_id].astype(int) - images[row.duplicate_of])
        if row.duplicate_kind == "reencoded":
            assert 0 < difference.mean() < 4
    conflict = truth[truth["duplicate_kind"] == "label_conflict"].iloc[0]
    assert (conflict["label"], conflict["duplicate_of"].split("-")[0]) == ("Lung_Opacity", "Normal")


def test_blurred_images_are_far_below_the_sharp_ones(study):
    _, truth, images = study
    blurred = truth[truth["blurred"]]["image_id"]
    sharp = truth[~truth["blurred"] & (truth["defect"] == "")]["image_id"]
    assert len(blurred) == PhantomPlan().blurred
    assert max(sharpness(images[name]) for name in blurred) < 30
    others = np.array([sharpness(images[name]) for name in sharp])
    assert (others > 50).mean() >= 0.85
    assert 60 < np.median(others) < 400


def test_broken_files_do_not_decode(study):
    folder, truth, _ = study
    broken = truth[truth["defect"] != ""].set_index("defect")
    assert sorted(broken.index) == ["not_an_image", "truncated"]
    assert broken["label"].nunique() == 2
    for file in broken["file"]:
        assert cv2.imdecode(np.fromfile(folder / file, np.uint8), cv2.IMREAD_UNCHANGED) is None
    assert (folder / broken.loc["truncated", "file"]).read_bytes().startswith(b"\x89PNG")
    (folder / broken.loc["not_an_image", "file"]).read_text(encoding="ascii")


def test_shortcuts_are_planted(study):
    _, truth, images = study
    drawn = originals(truth)
    marked = (drawn["marker"] != "").groupby(drawn["label"]).mean()
    assert 0.70 <= marked["COVID"] <= 0.90
    assert marked.drop("COVID").between(0.05, 0.25).all()
    assert set(drawn["marker"]) == {"", *MARKERS}
    sources = pd.crosstab(drawn["label"], drawn["source"], normalize="index")
    for label, hospital in zip(CLASSES, HOSPITALS, strict=True):
        assert 0.6 <= sources.loc[label, hospital.name] <= 0.8
    # Hospitals differ to the eye: the same class has another mean grey from place to place.
    grey = drawn["image_id"].map(lambda name: images[name].mean()).groupby(drawn["source"]).mean()
    assert grey.max() - grey.min() > 10


def test_markers_are_burned_in_where_the_truth_says(study):
    _, truth, images = study
    sharp = originals(truth)
    sharp = sharp[~sharp["blurred"]]
    # Letters are strokes one or two pixels wide: a top hat keeps them and drops all anatomy.
    strokes = sharp["image_id"].map(
        lambda name: (
            cv2.morphologyEx(images[name][5:40], cv2.MORPH_TOPHAT, np.ones((7, 7))) > 60
        ).sum()
    )
    assert strokes[sharp["marker"] != ""].min() > strokes[sharp["marker"] == ""].max()


# Repeatability and whole writing


def test_the_same_plan_gives_the_same_bytes(small_study, tmp_path):
    folder, truth = small_study
    again = write_phantom_study(tmp_path / "again", SMALL)
    pd.testing.assert_frame_equal(truth, again)
    files = [p for p in folder.rglob("*") if p.suffix in (".png", ".csv")]
    assert len(files) > 60
    for file in files:
        assert file.read_bytes() == (tmp_path / "again" / file.relative_to(folder)).read_bytes()


def test_image_k_does_not_depend_on_the_number_of_images(study, small_study):
    folder, truth, _ = study
    small_folder, small_truth = small_study
    shared = originals(small_truth)
    assert len(shared) == 4 * 6
    for file in shared["file"]:
        assert (folder / file).read_bytes() == (small_folder / file).read_bytes()
    kept = truth.set_index("file").loc[shared["file"]].reset_index()
    pd.testing.assert_frame_equal(kept, shared.reset_index(drop=True), check_column_type=False)


def test_an_existing_folder_is_left_alone(tmp_path):
    (tmp_path / "study").mkdir()
    (tmp_path / "study" / "notes.txt").write_text("mine")
    with pytest.raises(FileExistsError, match="study"):
        write_phantom_study(tmp_path / "study", SMALL)
    assert [p.name for p in tmp_path.rglob("*")] == ["study", "notes.txt"]


def test_a_destination_below_a_file_is_an_error(tmp_path):
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(OSError, match="file"):
        write_phantom_study(tmp_path / "file" / "study", SMALL)
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


def test_a_write_that_fails_midway_leaves_nothing(tmp_path):
    # The masks fit under this limit on file sizes, a radiograph does not.
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (8_000, hard))
    try:
        with pytest.raises(OSError, match="large"):
            write_phantom_study(tmp_path / "deep" / "study", SMALL)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, handler)
    assert list((tmp_path / "deep").iterdir()) == []


def test_a_killed_writer_leaves_no_study(tmp_path):
    code = (
        "import sys; from pathlib import Path;"
        "from covid_xray.phantom.plan import PhantomPlan;"
        "from covid_xray.phantom.writing import write_phantom_study;"
        "write_phantom_study(Path(sys.argv[1]), PhantomPlan())"
    )
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", code, str(tmp_path / "study")]
    with subprocess.Popen(command, env=environment) as writer:
        deadline = time.monotonic() + 20
        while not list(tmp_path.glob(".study*/COVID/images/*")) and time.monotonic() < deadline:
            time.sleep(0.02)
        writer.kill()
    assert list(tmp_path.glob(".study*/COVID/images/*"))
    assert not (tmp_path / "study").exists()


def test_without_shortcuts_neither_marker_nor_hospital_betrays_the_class(tmp_path):
    plan = PhantomPlan(images_per_class=24, shortcuts=False, seed=3)
    truth = write_phantom_study(tmp_path / "study", plan)
    drawn = truth[truth["duplicate_of"] == ""]
    assert (drawn["marker"] == "").all()
    shares = pd.crosstab(drawn["label"], drawn["source"], normalize="index")
    assert shares.to_numpy().min() >= 0.15 and shares.to_numpy().max() <= 0.35
