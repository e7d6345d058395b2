"""Arrays: streams add up to their shape, scratch space leaves nothing behind."""

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from covid_xray.imaging.arrays import RowStream, keep_rows, row_batches, scratch_array
from covid_xray.records import digest


@given(st.lists(st.integers(0, 5), max_size=6), st.integers(1, 4))
@settings(deadline=None, max_examples=40)
def test_batches_of_any_size_add_up_to_the_whole_array(sizes, side):
    whole = np.random.default_rng(0).integers(0, 256, (sum(sizes), side, side), dtype=np.uint8)
    starts = np.cumsum([0, *sizes])
    batches = [whole[a:b] for a, b in zip(starts[:-1], starts[1:], strict=True)]
    np.testing.assert_array_equal(RowStream(whole.shape, np.uint8, batches).collect(), whole)
    numbered = RowStream(whole.shape, np.uint8, iter(batches)).numbered_batches()
    assert [start for start, _ in numbered] == starts[:-1].tolist()


def test_the_collected_array_has_the_type_asked_for():
    collected = RowStream((2, 3), np.float32, [np.ones((2, 3), np.uint8)]).collect()
    assert collected.dtype == np.float32


@pytest.mark.parametrize(
    ("batches", "message"),
    [
        ([np.zeros((2, 3))], r"2 rows came for an array of shape \(4, 3\)"),
        ([], r"0 rows came for an array of shape \(4, 3\)"),
        ([np.zeros((3, 3)), np.zeros((2, 3))], r"\(2, 3\) at row 3 does not fit \(4, 3\)"),
        ([np.zeros((4, 2))], r"\(4, 2\) at row 0 does not fit \(4, 3\)"),
        ([np.zeros((4, 3, 1))], r"\(4, 3, 1\) at row 0 does not fit \(4, 3\)"),
    ],
)
def test_batches_that_do_not_fit_are_refused_with_shapes_and_row(batches, message):
    with pytest.raises(ValueError, match=message):
        RowStream((4, 3), np.uint8, batches).collect()


@pytest.mark.parametrize("shape", [(5, 4, 3), (1,), (0, 8, 8)])
def test_scratch_is_zeroed_writable_and_leaves_no_file_even_while_alive(tmp_path, shape):
    array = scratch_array(shape, np.uint8, tmp_path)
    assert array.shape == shape
    assert array.dtype == np.uint8
    assert not array.any()
    array[...] = 7
    assert (np.asarray(array) == 7).all()
    assert list(tmp_path.iterdir()) == []


def test_a_killed_process_leaves_no_scratch_file(tmp_path):
    script = (
        "import os, sys; from pathlib import Path; import numpy as np;"
        "from covid_xray.imaging.arrays import scratch_array;"
        "array = scratch_array((64, 64), np.uint8, Path(sys.argv[1])); array[...] = 1;"
        "print(array.sum(), flush=True); os.kill(os.getpid(), 9)"
    )
    ended = subprocess.run(
        [sys.executable, "-c", script, tmp_path], capture_output=True, text=True, check=False
    )
    assert (ended.returncode, ended.stdout.strip()) == (-9, "4096"), ended.stderr
    assert list(tmp_path.iterdir()) == []


def test_scratch_arrays_share_nothing(tmp_path):
    first, second = (scratch_array((3, 3), np.float64, tmp_path) for _ in range(2))
    first[...] = 1
    assert not second.any()


@given(st.lists(st.booleans(), min_size=1, max_size=30))
@settings(deadline=None, max_examples=50)
def test_keeping_rows_in_place_selects_as_an_index_array_would(kept):
    array = np.random.default_rng(len(kept)).integers(0, 256, (len(kept), 3, 2), dtype=np.uint8)
    rows = np.flatnonzero(kept)
    expected = array[rows]
    moved = keep_rows(array, rows)
    np.testing.assert_array_equal(moved, expected)
    assert np.shares_memory(moved, array) or len(rows) == 0


@given(st.integers(0, 80), st.integers(1, 30))
@settings(deadline=None, max_examples=100)
def test_row_batches_are_the_rows_in_even_parts_none_short_and_none_twice_as_long(n, size):
    rows = np.random.default_rng(n).permutation(1000)[:n]
    batches = list(row_batches(rows, size, "Testing"))
    np.testing.assert_array_equal(np.concatenate(batches), rows)
    lengths = [len(batch) for batch in batches]
    if len(rows) < size:
        assert lengths == [len(rows)]
    else:
        assert size <= min(lengths) <= max(lengths) < 2 * size
        assert max(lengths) - min(lengths) <= 1


def test_row_batches_of_a_size_that_divides_the_rows_have_this_size():
    batches = row_batches(np.arange(10, 22), 4, "Testing")
    assert [batch.tolist() for batch in batches] == [
        [10, 11, 12, 13],
        [14, 15, 16, 17],
        [18, 19, 20, 21],
    ]


@given(st.integers(1, 4), st.integers(1, 4), st.integers(0, 255))
@settings(deadline=None, max_examples=30)
def test_a_digest_is_of_an_arrays_values_shape_and_type(n, side, value):
    array = np.full((n, side, side), value, np.uint8)
    known = digest(array)
    assert digest(array.copy(order="F")) == known
    assert digest(np.repeat(array, 2, axis=0)[::2]) == known
    assert digest(array.reshape(n * side, side)) != known
    assert digest(array.view(np.int8)) != known
    array[-1, -1, -1] ^= 1
    assert digest(array) != known


def test_a_digest_of_several_parts_knows_their_order_and_of_none_exists():
    first, second = np.arange(3), np.arange(3, 6)
    assert digest(first, second, b"end") == digest(np.arange(3), np.arange(3, 6), b"end")
    known = {
        digest(),
        digest(first),
        digest(first, second),
        digest(second, first),
        digest(np.concatenate([first, second])),
        digest(first, second, b"end"),
    }
    assert len(known) == 6


def test_a_digest_is_the_same_in_every_process():
    script = (
        "import numpy as np; from covid_xray.records import digest;"
        "print(digest(np.arange(3.0), b'end'))"
    )
    printed = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert printed.stdout.strip() == digest(np.arange(3.0), b"end")
