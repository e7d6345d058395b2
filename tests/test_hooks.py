import pytest
from kedro.io import DatasetError
from kedro.validation import ParameterValidationError

from covid_xray.hooks import FREE_NAMES, UnknownParameterError
from covid_xray.lineage.checks import MissingInputError
from support.project import ROOT


@pytest.mark.parametrize(
    ("pipeline", "maker", "dataset"),
    [
        ("modeling", "data_engineering", "study_variants"),
        ("reporting", "modeling", "modeling_page"),
    ],
)
def test_a_pipeline_run_alone_names_the_one_that_makes_its_inputs(
    project, run_kedro, pipeline, maker, dataset
):
    with pytest.raises(MissingInputError) as error:
        run_kedro(project, pipeline, params={"seed": 5})
    message = str(error.value)
    assert f"{dataset} (made by {maker})" in message
    assert f"kedro run --pipelines {maker} --env test --params seed=5" in message
    assert not (project / "data/08_reporting").exists()


def test_a_missing_study_is_told_from_a_missing_output(project, run_kedro):
    params = {"study_path": "data/01_raw/absent"}
    with pytest.raises(DatasetError, match="There is no study at .*absent"):
        run_kedro(project, "data_engineering", env="study", params=params)


@pytest.mark.parametrize(
    ("params", "named"),
    [
        ({"protcol": "published"}, "Did you mean 'protocol'"),
        ({"modeling": {"weights": "x"}}, "modeling.weights"),
        ({"augmentation": {"images_perclass": 5}}, "augmentation.images_per_class"),
        (
            {"exploration": {"autoencoders": {"dense": {"epoch": 5}}}},
            "exploration.autoencoders.dense.epochs",
        ),
        ({"study_pth": "x"}, "Did you mean 'study_path'"),
        ({"preset": "publishd"}, "known are published, few_radiographs, demo"),
    ],
)
def test_a_misspelt_parameter_is_refused_at_any_depth(load_catalog, params, named):
    with pytest.raises(UnknownParameterError, match=named):
        load_catalog(ROOT, env="study", params=params)


@pytest.mark.parametrize(
    "params",
    [
        {"modeling": {"class_weights": {"viral": {"Viral Pneumonia": 2}}}},
        {"modeling": {"transfer": {"weights_of": {"ResNet50V2": "none"}}}},
        {"optimisers": {"fast": {"optimiser": "adam", "learning_rate": 0.1}}},
        {"kaggle_handle": "someone/radiographs", "seed": 3},
    ],
)
def test_names_that_the_user_chooses_are_accepted(load_catalog, params):
    load_catalog(ROOT, env="study", params=params)


def test_what_no_file_of_the_environment_reads_is_refused(load_catalog):
    with pytest.raises(UnknownParameterError, match="kaggle_handle"):
        load_catalog(ROOT, env="demo", params={"kaggle_handle": "someone/radiographs"})


@pytest.mark.parametrize("path", FREE_NAMES)
def test_free_names_are_parameters(load_catalog, path):
    assert isinstance(load_catalog(ROOT, env="study").load(f"params:{path}"), dict)


@pytest.mark.parametrize(
    ("params", "named"),
    [
        ({"protocol": "leaky"}, "splitting"),
        ({"splitting": {"train": 0.9}}, "must add up to 1"),
        ({"augmentation": {"n_layers": 5}}, "n_layers"),
        ({"augmentation": {"factor": "much"}}, "factor"),
        ({"duplicates": {"min_ssim": 2}}, "min_ssim"),
        ({"reading": {"side": 0}}, "side"),
        ({"sharpness": {"thresholds": []}}, "thresholds"),
        ({"seed": -1}, "seed"),
    ],
)
def test_an_impossible_parameter_is_named_before_anything_runs(project, run_kedro, params, named):
    with pytest.raises(ParameterValidationError, match=named):
        run_kedro(project, "data_engineering", params=params)
    assert not (project / "data/01_raw/phantom_study").exists()


@pytest.mark.parametrize(
    ("params", "rate", "epochs"),
    [
        ({}, 1e-5, 10),
        ({"preset": "published"}, 1e-5, 10),
        ({"preset": "few_radiographs"}, 1e-4, 20),
    ],
)
def test_a_preset_chooses_the_training(load_catalog, params, rate, epochs):
    training = load_catalog(ROOT, env="study", params=params).load("params:modeling.training")
    assert (training.learning_rate, training.epochs) == (rate, epochs)


@pytest.mark.parametrize(
    ("env", "preset", "told"),
    [
        ("study", "published", (1e-3, "constant", 30)),
        ("study", "few_radiographs", (3e-3, "cosine", 60)),
        ("demo", "demo", (3e-3, "cosine", 14)),
    ],
)
def test_a_preset_chooses_the_training_of_screening_too(load_catalog, env, preset, told):
    catalog = load_catalog(ROOT, env=env, params={"preset": preset})
    cnn = catalog.load("params:screening").training.cnn
    assert (cnn.learning_rate, cnn.schedule, cnn.epochs) == told


@pytest.mark.parametrize(
    ("pipeline", "params", "named"),
    [
        ("modeling", {"modeling": {"transfer": {"variant": "balancd"}}}, "variant"),
        ("modeling", {"modeling": {"training": {"epochs": 0}}}, "epochs"),
        ("modeling", {"modeling": {"training": {"optimiser": "sgd"}}}, "optimiser"),
        ("modeling", {"modeling": {"figure_14": {"class_weights": {"x": 3}}}}, "class_weights"),
        ("ablation", {"ablation": {"head": [{"conv": 3}]}}, "head"),
        ("ablation", {"ablation": {"laplacian_thresholds": [-1]}}, "laplacian_thresholds"),
        ("cross_validation", {"cross_validation": {"n_folds": 2}}, "n_folds"),
    ],
)
def test_an_impossible_parameter_of_a_training_is_named(
    project, run_kedro, pipeline, params, named
):
    with pytest.raises(ParameterValidationError, match=named):
        run_kedro(project, pipeline, params=params)


@pytest.mark.parametrize(
    ("env", "params", "told"),
    [
        ("demo", {"study_path": "x"}, "kedro run --env study --params study_path=x"),
        ("demo", {"kaggle_handle": "a/b"}, "kedro run --env study --params kaggle_handle=a/b"),
        (
            "study",
            {"modeling": {"presets": {"published": {"epochs": 3}}}},
            "--params modeling.training.epochs=3",
        ),
    ],
)
def test_what_nothing_reads_is_refused_with_what_to_type(load_catalog, env, params, told):
    with pytest.raises(UnknownParameterError) as error:
        load_catalog(ROOT, env=env, params=params)
    assert told in str(error.value)


def test_a_preset_works_in_the_demo_too(load_catalog):
    catalog = load_catalog(ROOT, env="demo", params={"preset": "few_radiographs"})
    training = catalog.load("params:modeling.training")
    assert (training.learning_rate, training.batch_size, training.epochs) == (1e-4, 16, 20)


@pytest.mark.parametrize("name", ["../up", "a/b", "", ".hidden", "two words"])
def test_a_study_name_that_is_no_folder_is_refused(load_catalog, name):
    with pytest.raises(Exception, match="study_name is '"):
        load_catalog(ROOT, env="demo", params={"study_name": name})
