"""Figures are checked against scipy, closed forms and explicit sums, not against statsmodels."""

from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from covid_xray.evaluation.anova import analyse_variance, beside_published_anova, check_assumptions
from covid_xray.evaluation.pairwise import beside_published_pairs, compare_pairs

# A warning that reaches the user fails any of these tests.
pytestmark = pytest.mark.filterwarnings("error")

PUBLISHED = Path(__file__).parents[2] / "data" / "01_raw" / "published"
COVID, OPACITY, NORMAL, VIRAL = "COVID", "Lung_Opacity", "Normal", "Viral Pneumonia"
FIGURES = ["mean_diff", "p_adj", "lower", "upper"]
seeds = st.integers(0, 2**32 - 1)
sizes = st.lists(st.integers(2, 15), min_size=2, max_size=5)


def frame_of(**groups):
    """Long frame of one feature, from values per class."""
    return pd.concat(
        pd.DataFrame({"label": label, "feature": np.asarray(values, dtype=float)})
        for label, values in groups.items()
    ).reset_index(drop=True)


def drawn(counts, seed=0, shift=0.0, spread=0.0):
    """Normal values in classes A, B, ...; each class's mean and deviation grow by a step."""
    rng = np.random.default_rng(seed)
    return {
        label: rng.normal(i * shift, 1 + i * spread, n)
        for i, (label, n) in enumerate(zip("ABCDE", counts, strict=False))
    }


def anova_of(**groups):
    return analyse_variance(frame_of(**groups), ["feature"]).iloc[0]


def pairs_of(method, alpha=0.05, **groups):
    table = compare_pairs(frame_of(**groups), ["feature"], alpha)
    return table[table["method"] == method].reset_index(drop=True)


def assumption_of(test, label="all", **groups):
    table = check_assumptions(frame_of(**groups), ["feature"])
    return table[(table["test"] == test) & (table["label"] == label)].iloc[0]


def no_silent_nan(table):
    """Every row with a missing figure says why, and no figure is infinite."""
    figures = table.select_dtypes("float")
    missing = figures.isna().any(axis=1)
    if "reject" in table:
        missing |= table["reject"].isna()
    assert (table.loc[missing, "note"].str.len() > 0).all()
    assert not np.isinf(figures.to_numpy()).any()


def all_tables(frame, features=("feature",)):
    """The three tables of a frame, each checked for silent gaps."""
    tables = [
        check_assumptions(frame, features),
        analyse_variance(frame, features),
        compare_pairs(frame, features),
    ]
    for table in tables:
        no_silent_nan(table)
    return tables


# --- Analysis of variance ---------------------------------------------------------------------


def test_anova_of_a_small_example_worked_by_hand():
    # Means 2, 5 and 9, and 4.875 overall; within the classes 2 + 2 + 2.
    row = anova_of(A=[1, 2, 3], B=[4, 5, 6], C=[8, 10])
    assert (row["n_groups"], row["n"], row["df_between"], row["df_within"]) == (3, 8, 2, 5)
    between = 3 * 2.875**2 + 3 * 0.125**2 + 2 * 4.125**2
    f_statistic = (between / 2) / (6 / 5)
    assert row["f_statistic"] == pytest.approx(f_statistic)
    # The upper tail of F(2, d) is (1 + 2F/d)^(-d/2).
    assert row["p_value"] == pytest.approx((1 + 2 * f_statistic / 5) ** -2.5)
    assert row["eta_squared"] == pytest.approx(between / (between + 6))
    assert row["note"] == ""


@given(sizes, seeds, st.floats(-2, 2), st.floats(0, 2))
@settings(deadline=None, max_examples=60)
def test_classical_anova_equals_scipy(counts, seed, shift, spread):
    groups = drawn(counts, seed, shift, spread)
    row = anova_of(**groups)
    f_statistic, p_value = stats.f_oneway(*groups.values())
    assert row["f_statistic"] == pytest.approx(f_statistic)
    assert row["p_value"] == pytest.approx(p_value)
    explained = row["f_statistic"] * row["df_between"]
    assert 0 <= row["eta_squared"] <= 1
    assert row["eta_squared"] == pytest.approx(explained / (explained + row["df_within"]))


@given(sizes, seeds, st.floats(-2, 2), st.floats(0, 2))
@settings(deadline=None, max_examples=60)
def test_welch_anova_equals_welchs_formula(counts, seed, shift, spread):
    groups = list(drawn(counts, seed, shift, spread).values())
    weights = np.array([len(values) / values.var(ddof=1) for values in groups])
    means = np.array([values.mean() for values in groups])
    shares, k = weights / weights.sum(), len(groups)
    lack = sum((1 - s) ** 2 / (len(v) - 1) for s, v in zip(shares, groups, strict=True))
    between = (weights * (means - shares @ means) ** 2).sum() / (k - 1)
    expected = between / (1 + 2 * (k - 2) / (k**2 - 1) * lack)
    df_within = (k**2 - 1) / (3 * lack)
    row = anova_of(**dict(zip("ABCDE", groups, strict=False)))
    assert row["welch_f"] == pytest.approx(expected)
    assert row["welch_df_within"] == pytest.approx(df_within)
    assert row["welch_p_value"] == pytest.approx(stats.f.sf(expected, k - 1, df_within))


def test_with_two_classes_both_anovas_are_squared_t_tests():
    groups = drawn([9, 25], seed=3, shift=0.5, spread=2)
    row = anova_of(**groups)
    student = stats.ttest_ind(*groups.values())
    welch = stats.ttest_ind(*groups.values(), equal_var=False)
    assert row["f_statistic"] == pytest.approx(student.statistic**2)
    assert row["p_value"] == pytest.approx(student.pvalue)
    assert row["welch_f"] == pytest.approx(welch.statistic**2)
    assert row["welch_p_value"] == pytest.approx(welch.pvalue)
    assert row["welch_df_within"] == pytest.approx(welch.df)


def test_a_class_of_one_image_is_not_in_welchs_anova():
    groups = {"COVID": [3.0], "Normal": [1.0, 2.0, 4.0], "Viral": [2.0, 5.0]}
    row = anova_of(**groups)
    f_statistic, p_value = stats.f_oneway(*groups.values())
    assert row["f_statistic"] == pytest.approx(f_statistic)
    assert row["p_value"] == pytest.approx(p_value)
    assert np.isnan(row["welch_f"]) and np.isnan(row["welch_p_value"])
    assert row["note"] == "Welch not testable: COVID has 1 value"


def test_a_class_without_variance_is_not_in_welchs_anova():
    # 0.1 three times has a mean that rounds, and so a computed variance of about 1e-34.
    groups = {"COVID": [0.1] * 3, "Normal": [1.0, 2.0, 4.0]}
    row = anova_of(**groups)
    assert row["f_statistic"] == pytest.approx(stats.f_oneway(*groups.values()).statistic)
    assert np.isnan(row["welch_f"])
    assert row["note"] == "Welch not testable: COVID has no variance, and so infinite weight"


def test_a_class_without_values_is_left_out_by_name():
    row = anova_of(A=[1, 2, 4], B=[np.nan, np.nan], C=[3, 5, np.nan])
    assert row["f_statistic"] == pytest.approx(stats.f_oneway([1, 2, 4], [3, 5]).statistic)
    assert (row["n_groups"], row["n"]) == (2, 5)
    assert row["note"] == "left out: B (no values)"


def test_one_note_holds_all_that_was_left_out():
    row = anova_of(A=[1], B=[np.nan], C=[3, 5])
    assert row["note"] == "left out: B (no values); Welch not testable: A has 1 value"


def test_features_keep_their_order_and_do_not_mix():
    frame = frame_of(A=[1, 2, 3], B=[2, 4, 7]).assign(other=[5, 1, 2, 2, 1, 5.0])
    table = analyse_variance(frame, ["other", "feature"])
    assert table["feature"].tolist() == ["other", "feature"]
    assert table.loc[0, "f_statistic"] == pytest.approx(
        stats.f_oneway([5, 1, 2], [2, 1, 5]).statistic, abs=1e-12
    )
    assert table.loc[1, "f_statistic"] == pytest.approx(
        stats.f_oneway([1, 2, 3], [2, 4, 7]).statistic
    )


# --- Assumptions ------------------------------------------------------------------------------


@given(sizes.filter(lambda counts: max(counts) > 2), seeds, st.floats(0, 3))
@settings(deadline=None, max_examples=40)
def test_levene_is_an_anova_of_distances_from_the_median(counts, seed, spread):
    groups = drawn(counts, seed, spread=spread)
    row = assumption_of("levene", **groups)
    expected = stats.f_oneway(*(np.abs(v - np.median(v)) for v in groups.values()))
    assert row["statistic"] == pytest.approx(expected.statistic)
    assert row["p_value"] == pytest.approx(expected.pvalue)
    assert row["n"] == sum(counts)


@given(sizes, seeds, st.floats(0, 3))
@settings(deadline=None, max_examples=40)
def test_bartlett_equals_its_closed_form(counts, seed, spread):
    groups = drawn(counts, seed, spread=spread)
    row = assumption_of("bartlett", **groups)
    dfs = np.array([len(values) - 1 for values in groups.values()])
    variances = np.array([values.var(ddof=1) for values in groups.values()])
    pooled = (dfs * variances).sum() / dfs.sum()
    correction = 1 + ((1 / dfs).sum() - 1 / dfs.sum()) / (3 * (len(dfs) - 1))
    expected = (dfs.sum() * np.log(pooled) - (dfs * np.log(variances)).sum()) / correction
    assert row["statistic"] == pytest.approx(expected, rel=1e-6, abs=1e-9)
    assert row["p_value"] == pytest.approx(stats.chi2.sf(expected, len(dfs) - 1), abs=1e-9)


def test_assumptions_equal_scipy():
    groups = drawn([20, 33, 60], seed=5, spread=1)
    table = check_assumptions(frame_of(**groups), ["feature"])
    expected = [
        stats.levene(*groups.values(), center="median"),
        stats.bartlett(*groups.values()),
        *(stats.normaltest(values) for values in groups.values()),
    ]
    assert table["test"].tolist() == ["levene", "bartlett", *["normality"] * 3]
    assert table["label"].tolist() == ["all", "all", "A", "B", "C"]
    assert table["n"].tolist() == [113, 113, 20, 33, 60]
    assert table["statistic"].tolist() == pytest.approx([each.statistic for each in expected])
    assert table["p_value"].tolist() == pytest.approx([each.pvalue for each in expected])
    assert (table["note"] == "").all()


def test_planted_violations_of_the_assumptions_are_found():
    rng = np.random.default_rng(2)
    fair = {"A": rng.normal(0, 1, 400), "B": rng.normal(5, 1, 400)}
    unfair = {"A": rng.normal(0, 1, 400), "B": rng.exponential(3, 400)}
    tests = [("levene", "all"), ("bartlett", "all"), ("normality", "B")]
    assert all(assumption_of(*test, **fair)["p_value"] > 0.01 for test in tests)
    assert all(assumption_of(*test, **unfair)["p_value"] < 1e-6 for test in tests)


def test_normality_needs_twenty_values():
    values = np.random.default_rng(1).normal(size=20)
    row = assumption_of("normality", "A", A=values[:19], B=values)
    assert row["note"] == "not testable: A has 19 values, and at least 20 are needed"
    assert np.isnan(row["p_value"])
    assert assumption_of("normality", "B", A=values[:19], B=values)["note"] == ""


@pytest.mark.parametrize(
    "groups",
    [
        {"A": [0.1, 0.4], "B": [3.3, 3.7]},
        # An odd number of steps apart: the median between them rounds.
        {"A": [2.0**20, 2.0**20 + 0.5 + 2.0**-32], "B": [3.0, 4.0]},
    ],
)
def test_levene_does_not_take_rounding_for_spread(groups):
    # Two values lie equally far from their median, but for rounding; scipy divides by its square.
    row = assumption_of("levene", **groups)
    assert row["note"] == (
        "not testable: the distances from the median do not vary within any class"
    )
    assert np.isnan(row["p_value"])


# --- Pairs ------------------------------------------------------------------------------------


def scipy_pairs(groups, equal_var, alpha):
    """Rows (difference group_2 minus group_1, p, lower, upper) of scipy's Tukey or Games-Howell."""
    result = stats.tukey_hsd(*groups.values(), equal_var=equal_var)
    interval = result.confidence_interval(1 - alpha)
    # scipy subtracts the second group from the first: rows and columns are swapped here.
    return np.array(
        [
            (result.statistic[j, i], result.pvalue[j, i], interval.low[j, i], interval.high[j, i])
            for i, j in combinations(range(len(groups)), 2)
        ]
    )


@pytest.mark.parametrize("alpha", [0.05, 0.01])
@pytest.mark.parametrize(("method", "equal_var"), [("tukey", True), ("games_howell", False)])
def test_pairs_of_unbalanced_classes_equal_scipy(method, equal_var, alpha):
    groups = drawn([12, 5, 40], seed=11, shift=1.5, spread=0.3)
    table = pairs_of(method, alpha, **groups)
    expected = scipy_pairs(groups, equal_var, alpha)
    np.testing.assert_allclose(table[FIGURES].to_numpy(), expected, rtol=1e-8, atol=1e-9)
    assert table["reject"].tolist() == (expected[:, 1] < alpha).tolist()
    assert 0 < table["reject"].sum() < len(table)
    assert table[["group_1", "group_2"]].agg("".join, axis=1).tolist() == ["AB", "AC", "BC"]
    assert table["n_1"].tolist() == [12, 12, 5]
    assert table["n_2"].tolist() == [5, 40, 40]


def test_games_howell_equals_its_definition():
    groups = drawn([6, 15, 9], seed=4, shift=1, spread=1)
    table = pairs_of("games_howell", **groups)
    for row in table.itertuples():
        first, second = groups[row.group_1], groups[row.group_2]
        v1, v2 = first.var(ddof=1) / len(first), second.var(ddof=1) / len(second)
        df = (v1 + v2) ** 2 / (v1**2 / (len(first) - 1) + v2**2 / (len(second) - 1))
        error = np.sqrt((v1 + v2) / 2)
        difference = second.mean() - first.mean()
        half_width = stats.studentized_range.ppf(0.95, 3, df) * error
        assert row.mean_diff == pytest.approx(difference)
        assert row.p_adj == pytest.approx(
            stats.studentized_range.sf(abs(difference) / error, 3, df), abs=1e-10
        )
        assert (row.lower, row.upper) == pytest.approx(
            (difference - half_width, difference + half_width)
        )


@pytest.mark.parametrize("n_images", [2, 30])
def test_balanced_classes_have_intervals_of_one_width(n_images):
    groups = drawn([n_images] * 4, seed=6, shift=1, spread=0.5)
    table = pairs_of("tukey", **groups)
    pooled = np.sqrt(np.mean([values.var(ddof=1) for values in groups.values()]))
    q_critical = stats.studentized_range.ppf(0.95, 4, 4 * (n_images - 1))
    half_widths = (table["upper"] - table["lower"]) / 2
    assert half_widths.tolist() == pytest.approx([q_critical * pooled / np.sqrt(n_images)] * 6)


def test_the_published_half_width_is_tukeys():
    # Planted: 6,000 a class whose pooled deviation is what a half-width of 1.0921 implies.
    deviation = 1.0921 * np.sqrt(6000) / stats.studentized_range.ppf(0.95, 4, 4 * 5999)
    values = np.random.default_rng(0).normal(size=6000)
    values = (values - values.mean()) / values.std(ddof=1) * deviation
    table = pairs_of("tukey", A=values, B=values - 15.51, C=values + 1, D=values)
    half_widths = (table["upper"] - table["lower"]) / 2
    assert half_widths.tolist() == pytest.approx([1.0921] * 6)
    assert table.loc[0, "mean_diff"] == pytest.approx(-15.51)
    # The report prints -16.6021 and -14.4178: its middle is -15.50995.
    assert (table.loc[0, "lower"], table.loc[0, "upper"]) == pytest.approx(
        (-16.6021, -14.4178), abs=2e-4
    )


@pytest.mark.parametrize("method", ["tukey", "games_howell"])
def test_planted_differences_alone_are_rejected(method):
    values = np.random.default_rng(8).normal(100, 10, (3, 500))
    values -= values.mean(axis=1, keepdims=True)
    table = pairs_of(method, A=values[0], B=values[1] + 0.2, C=values[2] + 10)
    assert table["reject"].tolist() == [False, True, True]
    assert table["mean_diff"].tolist() == pytest.approx([0.2, 10, 9.8])
    row = anova_of(A=values[0], B=values[1] + 0.2, C=values[2] + 10)
    assert max(row["p_value"], row["welch_p_value"]) < 1e-20
    same = anova_of(A=values[0], B=values[1], C=values[2] + 0.01)
    assert min(same["p_value"], same["welch_p_value"]) > 0.9


def test_unequal_variances_do_not_mislead_welch():
    # Equal means; a small class that varies much, whose variance pooling hides.
    rng = np.random.default_rng(21)
    rows = [anova_of(A=rng.normal(0, 20, 10), B=rng.normal(0, 1, 300)) for _ in range(200)]
    rejected = pd.DataFrame(rows)[["p_value", "welch_p_value"]] < 0.05
    assert rejected["p_value"].mean() > 0.4
    assert rejected["welch_p_value"].mean() < 0.1


def test_unequal_variances_mislead_tukey_and_not_games_howell():
    # One such draw: the small class's mean is off by one standard error of its own.
    groups = {"A": np.linspace(-20, 20, 10) + 4.04, "B": np.linspace(-1, 1, 300)}
    assert pairs_of("tukey", **groups)["reject"].tolist() == [True]
    assert pairs_of("games_howell", **groups)["reject"].tolist() == [False]


def test_classes_are_sorted_by_name():
    frame = frame_of(Normal=[5, 6, 7], COVID=[1, 2, 4], Lung=[9, 9, 8])
    expected = compare_pairs(frame, ["feature"])
    order = pd.CategoricalDtype(["Normal", "Lung", "COVID", "never seen"])
    shuffled = frame.sample(frac=1, random_state=0).astype({"label": order})
    pd.testing.assert_frame_equal(compare_pairs(shuffled, ["feature"]), expected, rtol=1e-9)
    assert expected["group_1"].tolist()[:3] == ["COVID", "COVID", "Lung"]
    assert expected.loc[0, "mean_diff"] == pytest.approx(26 / 3 - 7 / 3)


def test_a_class_of_one_image_is_in_tukey_alone():
    groups = {"COVID": [3.0], "Normal": [1.0, 2.0, 4.0], "Viral": [2.0, 5.0, 9.0]}
    tukey = pairs_of("tukey", **groups)
    pooled = np.sqrt((np.var(groups["Normal"]) * 3 + np.var(groups["Viral"]) * 3) / 4)
    error = pooled * np.sqrt((1 + 1 / 3) / 2)
    half_width = stats.studentized_range.ppf(0.95, 3, 4) * error
    assert (tukey["note"] == "").all()
    assert tukey.loc[0, "upper"] - tukey.loc[0, "mean_diff"] == pytest.approx(half_width)
    games_howell = pairs_of("games_howell", **groups)
    reason = "not testable: COVID has 1 value, and at least 2 are needed"
    assert games_howell["note"].tolist() == [reason, reason, ""]
    assert games_howell["reject"].isna().tolist() == [True, True, False]
    rest = {label: groups[label] for label in ("Normal", "Viral")}
    np.testing.assert_allclose(
        games_howell.loc[2, FIGURES].astype(float), scipy_pairs(rest, False, 0.05)[0], rtol=1e-8
    )


def test_a_class_without_values_is_not_in_the_pairs():
    groups = {"A": [1.0, 2.0, 4.0], "B": [np.nan], "C": [3.0, 5.0]}
    rest = {label: groups[label] for label in "AC"}
    for method, fewest in (("tukey", "1 is"), ("games_howell", "2 are")):
        table = pairs_of(method, **groups)
        reason = f"not testable: B has no values, and at least {fewest} needed"
        assert table["note"].tolist() == [reason, "", reason]
        assert table["n_2"].tolist() == [0, 2, 2]
        expected = scipy_pairs(rest, method == "tukey", 0.05)[0]
        np.testing.assert_allclose(table.loc[1, FIGURES].astype(float), expected, rtol=1e-8)


def test_games_howell_needs_a_class_that_varies():
    groups = {"A": [1.0] * 4, "B": [2.0] * 4, "C": [3.0, 5.0, 6.0]}
    table = pairs_of("games_howell", **groups)
    assert table["note"].tolist() == [
        "not testable: A has no variance and B has no variance",
        "",
        "",
    ]
    assert table["reject"].isna().tolist() == [True, False, False]
    error = np.sqrt(np.var(groups["C"], ddof=1) / 3 / 2)
    expected = stats.studentized_range.sf((14 / 3 - 1) / error, 3, 2)
    assert table.loc[1, "p_adj"] == pytest.approx(expected)


# --- What cannot be tested --------------------------------------------------------------------

UNTESTABLE = {
    "the feature is constant": {"COVID": [0.3] * 25, "Normal": [0.3] * 30},
    "no values": {"COVID": [np.nan] * 3, "Normal": [np.nan] * 2},
    "only COVID has values, and at least 2 classes are needed": {
        "COVID": [1.0, 2.0, 5.0],
        "Normal": [np.nan],
    },
    "no class has more than 1 value": {"COVID": [1.0], "Normal": [2.0]},
    "no variance within any class": {"COVID": [0.1] * 25, "Normal": [0.7] * 30},
}


@pytest.mark.parametrize("reason", UNTESTABLE)
def test_what_cannot_be_compared_says_why(reason):
    _, variance, pairs = all_tables(frame_of(**UNTESTABLE[reason]))
    assert variance["note"].tolist() == [f"not testable: {reason}"]
    assert pairs["note"].tolist() == [f"not testable: {reason}"] * 2
    figures = variance[["f_statistic", "p_value", "eta_squared", "welch_f", "welch_p_value"]]
    assert figures.isna().all(axis=None)
    assert pairs[[*FIGURES, "reject"]].isna().all(axis=None)


@pytest.mark.parametrize(
    ("groups", "levene", "bartlett", "normality"),
    [
        (
            UNTESTABLE["the feature is constant"],
            "the feature is constant",
            "the feature is constant",
            "COVID has no variance",
        ),
        (UNTESTABLE["no values"], "no values", "no values", "no values"),
        (
            {"COVID": [1.0], "Normal": [2.0, 3.0, 7.0]},
            "COVID has 1 value, and at least 2 are needed",
            "COVID has 1 value, and at least 2 are needed",
            "COVID has 1 value, and at least 20 are needed",
        ),
        (
            {"COVID": [1.0], "Normal": [2.0]},
            "COVID has 1 value and Normal has 1 value, and at least 2 are needed",
            "COVID has 1 value and Normal has 1 value, and at least 2 are needed",
            "COVID has 1 value, and at least 20 are needed",
        ),
        (
            UNTESTABLE["no variance within any class"],
            "the distances from the median do not vary within any class",
            "COVID has no variance and Normal has no variance",
            "COVID has no variance",
        ),
        (
            {"COVID": np.arange(25.0)},
            "only COVID has values, and at least 2 classes are needed",
            "only COVID has values, and at least 2 classes are needed",
            None,
        ),
        (
            {"COVID": [np.nan], "Normal": [2.0, 3.0, 7.0], "Viral": [1.0, 4.0]},
            None,
            None,
            "COVID has no values, and at least 20 are needed",
        ),
    ],
)
def test_assumptions_that_cannot_be_tested_say_why(groups, levene, bartlett, normality):
    table = check_assumptions(frame_of(**groups), ["feature"])
    no_silent_nan(table)
    for row, reason in zip(table.itertuples(), (levene, bartlett, normality), strict=False):
        assert np.isnan(row.p_value) == (reason is not None)
        if reason is not None:
            assert np.isnan(row.statistic)
            assert row.note == f"not testable: {reason}"


def test_tests_of_spread_name_a_class_without_values():
    kept = {"A": [2.0, 3.0, 7.0, 7.5], "C": [1.0, 4.0, 4.5]}
    groups = {"A": kept["A"], "B": [np.nan], "C": kept["C"]}
    for test, reference in (("levene", stats.levene), ("bartlett", stats.bartlett)):
        row = assumption_of(test, **groups)
        assert row["statistic"] == pytest.approx(reference(*kept.values()).statistic)
        assert row["note"] == "left out: B (no values)"


def test_a_single_class_has_no_pairs():
    assumptions, variance, pairs = all_tables(frame_of(COVID=np.arange(25.0)))
    assert assumptions["note"].tolist()[2:] == [""]
    assert variance["note"].tolist() == [
        "not testable: only COVID has values, and at least 2 classes are needed"
    ]
    assert pairs.empty


def test_an_empty_frame_says_that_there_are_no_values():
    frame = pd.DataFrame({"label": pd.Series(dtype=str), "feature": pd.Series(dtype=float)})
    assumptions, variance, pairs = all_tables(frame)
    assert assumptions["note"].tolist() == ["not testable: no values"] * 2
    assert variance["note"].tolist() == ["not testable: no values"]
    assert variance["n"].tolist() == [0]
    assert pairs.empty


def test_no_features_give_empty_tables_with_their_columns():
    full = all_tables(frame_of(A=[1, 2, 3], B=[2, 4, 7]))
    empty = all_tables(frame_of(A=[1, 2, 3], B=[2, 4, 7]), [])
    for table, expected in zip(empty, full, strict=True):
        assert table.empty
        assert table.columns.tolist() == expected.columns.tolist()


@pytest.mark.parametrize("extreme", [np.inf, 1e300, 1e-300])
def test_figures_that_cannot_be_computed_say_so(extreme):
    wild = np.linspace(1, 2, 25) * extreme
    _, variance, pairs = all_tables(frame_of(A=wild, B=-wild))
    reason = "the values are infinite, or too large or too small to compute with"
    assert variance["note"].tolist() == [f"not testable: {reason}"]
    assert pairs["note"].tolist() == [f"not testable: {reason}"] * 2


values_or_gaps = st.lists(
    st.one_of(st.just(np.nan), st.sampled_from([0.0, 0.1, 0.3]), st.floats()), max_size=6
)


@given(st.dictionaries(st.sampled_from(["A", "B", "C"]), values_or_gaps, min_size=1))
@settings(deadline=None, max_examples=25)
def test_no_gap_is_ever_silent(groups):
    all_tables(frame_of(**groups))


def test_an_unknown_feature_is_refused():
    with pytest.raises(KeyError, match="sharpness"):
        analyse_variance(frame_of(A=[1], B=[2]), ["sharpness"])


# --- Beside the published figures -------------------------------------------------------------


def four_classes():
    groups = drawn([8, 9, 10, 11], seed=1, shift=1)
    renamed = dict(zip((COVID, OPACITY, NORMAL, VIRAL), groups.values(), strict=True))
    frame = frame_of(**renamed)
    return frame.rename(columns={"feature": "luminosity"}).assign(
        rms_contrast=lambda table: -table["luminosity"]
    )


def published_pairs(*rows):
    columns = ["group_1", "group_2", *FIGURES, "reject"]
    return pd.DataFrame(rows, columns=columns)


def test_published_anova_stands_beside_ours_under_our_names():
    table = analyse_variance(
        four_classes().assign(unpublished=lambda t: t["luminosity"] ** 2),
        ["rms_contrast", "unpublished", "luminosity"],
    )
    published = pd.DataFrame(
        {
            "feature": ["luminosity", "contrast_rms", "mask_area"],
            "f_statistic": [286.197361, 432.543849, 484.711387],
            "p_value": [4.007484e-182, 9.346916e-273, 1.214369e-304],
        }
    )
    beside = beside_published_anova(table, published)
    pd.testing.assert_frame_equal(beside[table.columns], table)
    assert beside["f_statistic_published"].fillna(-1).tolist() == [432.543849, -1, 286.197361]
    assert beside["p_value_published"].fillna(-1).tolist() == [9.346916e-273, -1, 4.007484e-182]


def test_published_pairs_stand_beside_tukey_alone():
    table = compare_pairs(four_classes(), ["luminosity", "rms_contrast"])
    published = published_pairs(
        (COVID, "Lung_Opacity", -15.51, 0.0, -16.6021, -14.4178, True),
        (COVID, "Normal", np.nan, np.nan, np.nan, -17.7205, np.nan),
        ("Normal", "Viral_Pneumonia", 16.0118, 0.0, 14.9197, 17.1039, False),
    )
    beside = beside_published_pairs(table, {"luminosity": published})
    pd.testing.assert_frame_equal(beside[table.columns], table)
    tukey = beside[(beside["feature"] == "luminosity") & (beside["method"] == "tukey")]
    tukey = tukey.set_index(["group_1", "group_2"]).filter(like="_published")
    assert tukey.loc[(COVID, OPACITY)].tolist() == [-15.51, 0.0, -16.6021, -14.4178, True]
    assert tukey.loc[(NORMAL, VIRAL)].tolist() == [16.0118, 0.0, 14.9197, 17.1039, False]
    illegible = tukey.loc[(COVID, NORMAL)]
    assert illegible.isna().tolist() == [True, True, True, False, True]
    assert illegible["upper_published"] == -17.7205
    others = beside.drop(index=beside[(beside["feature"] == "luminosity")].index[:6])
    assert others.filter(like="_published").isna().all(axis=None)
    assert beside["reject_published"].dtype == "boolean"


def test_a_pair_published_the_other_way_round_is_turned():
    table = compare_pairs(four_classes(), ["rms_contrast"])
    published = published_pairs(
        ("Viral_Pneumonia", COVID, -9.2739, 0.0, -9.8054, -8.7424, True),
        (NORMAL, COVID, np.nan, np.nan, 17.7205, np.nan, np.nan),
    )
    # Under the report's name of the feature, too.
    for name in ("rms_contrast", "contrast_rms"):
        beside = beside_published_pairs(table, {name: published})
        tukey = beside[beside["method"] == "tukey"].set_index(["group_1", "group_2"])
        figures = tukey.filter(like="_published")
        assert figures.loc[(COVID, VIRAL)].tolist() == [9.2739, 0.0, 8.7424, 9.8054, True]
        assert figures.loc[(COVID, NORMAL), "upper_published"] == -17.7205
        assert np.isnan(figures.loc[(COVID, NORMAL), "lower_published"])
        assert figures["mean_diff_published"].notna().sum() == 1


def test_nothing_published_leaves_the_columns_empty():
    table = compare_pairs(four_classes(), ["luminosity"])
    beside = beside_published_pairs(table, {})
    assert len(beside) == len(table)
    assert beside.filter(like="_published").isna().all(axis=None)
    assert beside.filter(like="_published").shape[1] == 5


def test_the_committed_figures_of_the_report_find_their_rows():
    features = ["luminosity", "rms_contrast"]
    pairs = beside_published_pairs(
        compare_pairs(four_classes(), features),
        {
            "luminosity": pd.read_csv(PUBLISHED / "annex_6_tukey_luminosity.csv"),
            "rms_contrast": pd.read_csv(PUBLISHED / "annex_6_tukey_contrast.csv"),
        },
    )
    tukey = pairs[pairs["method"] == "tukey"]
    assert tukey["mean_diff_published"].notna().groupby(tukey["feature"]).sum().to_dict() == {
        "luminosity": 5,  # the page is illegible at COVID and Normal
        "rms_contrast": 6,
    }
    half_widths = (tukey["upper_published"] - tukey["lower_published"]) / 2
    for feature, expected in (("luminosity", 1.0921), ("rms_contrast", 0.5315)):
        widths = half_widths[tukey["feature"] == feature].dropna()
        assert widths.tolist() == pytest.approx([expected] * len(widths), abs=1e-4)
    anova = beside_published_anova(
        analyse_variance(four_classes(), features), pd.read_csv(PUBLISHED / "annex_6_anova.csv")
    )
    assert anova["f_statistic_published"].tolist() == [286.197361, 432.543849]
