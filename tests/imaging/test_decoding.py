"""Decoding: every colour type comes out as the grey it shows, every broken file with its reason."""

import io

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from covid_xray.imaging.decoding import decode_radiograph
from covid_xray.imaging.mask_decoding import decode_lung_mask, join_lung_masks
from covid_xray.imaging.rejection import RejectedFileError, RejectionReason

GREY = np.random.default_rng(7).integers(0, 256, (40, 48), dtype=np.uint8)
COLOUR = np.random.default_rng(8).integers(0, 256, (40, 48, 3), dtype=np.uint8)
ALPHA = np.random.default_rng(9).integers(0, 256, (40, 48), dtype=np.uint8)
REC_601 = np.array([0.299, 0.587, 0.114])
SMOOTH = np.outer(np.linspace(40, 120, 40), np.linspace(1, 2, 60)).astype(np.uint8)


def encoded(image, kind="PNG", **options):
    buffer = io.BytesIO()
    (image if isinstance(image, Image.Image) else Image.fromarray(image)).save(
        buffer, kind, **options
    )
    return buffer.getvalue()


def encoded_16_bit(pixels):
    return cv2.imencode(".png", pixels)[1].tobytes()


def rejection(decode, *arguments):
    with pytest.raises(RejectedFileError) as caught:
        decode(*arguments)
    assert str(caught.value) == f"{caught.value.reason}: {caught.value.detail}"
    return caught.value


PNG, JPEG = encoded(GREY), encoded(SMOOTH, "JPEG", quality=90)


@pytest.mark.parametrize(
    "image",
    [
        pytest.param(GREY, id="grey"),
        pytest.param(np.dstack([GREY] * 3), id="RGB"),
        pytest.param(np.dstack([GREY] * 3 + [ALPHA]), id="RGBA"),
        pytest.param(np.dstack([GREY, ALPHA]), id="grey with alpha"),
        pytest.param(Image.fromarray(GREY).convert("P"), id="palette"),
    ],
)
def test_a_grey_picture_decodes_to_its_own_values_whatever_its_colour_type(image):
    radiograph = decode_radiograph(encoded(image))
    assert radiograph.bit_depth == 8
    assert radiograph.pixels.dtype == np.uint8
    np.testing.assert_array_equal(radiograph.pixels, GREY)


@pytest.mark.parametrize("channels", [[COLOUR], [COLOUR, ALPHA]], ids=["RGB", "RGBA"])
def test_colour_is_weighed_by_rec_601_and_transparency_is_dropped(channels):
    pixels = decode_radiograph(encoded(np.dstack(channels))).pixels
    assert np.abs(pixels - COLOUR @ REC_601).max() <= 0.51


@pytest.mark.parametrize("bits", [8, 4])
def test_a_palette_is_looked_up_before_it_becomes_grey(bits):
    picture = Image.fromarray(COLOUR).quantize(2**bits)
    shown = np.asarray(picture.convert("RGB")) @ REC_601
    pixels = decode_radiograph(encoded(picture, bits=bits, transparency=3)).pixels
    assert np.abs(pixels - shown).max() <= 0.51


def test_a_1_bit_picture_is_black_and_white():
    picture = Image.fromarray(GREY > 100)
    assert picture.mode == "1"
    pixels = decode_radiograph(encoded(picture)).pixels
    np.testing.assert_array_equal(pixels, np.where(GREY > 100, 255, 0))


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_16_bits_of_full_range_come_down_to_8_exactly(channels):
    wide = np.dstack([GREY.astype(np.uint16) * 257] * channels).squeeze()
    radiograph = decode_radiograph(encoded_16_bit(wide))
    assert radiograph.bit_depth == 16
    np.testing.assert_array_equal(radiograph.pixels, GREY)


@given(st.integers(0, 2**32 - 1), st.sampled_from([(12, 4095), (16, 65535)]))
@settings(deadline=None, max_examples=20)
def test_the_whole_range_of_12_and_16_bits_is_scaled_onto_0_to_255(seed, depth):
    bit_depth, top = depth
    wide = np.random.default_rng(seed).integers(0, top + 1, (32, 33)).astype(np.uint16)
    wide[0, :2] = 0, top
    radiograph = decode_radiograph(encoded_16_bit(wide))
    assert radiograph.bit_depth == bit_depth
    np.testing.assert_array_equal(radiograph.pixels, np.rint(wide / top * 255))


def test_one_value_beyond_12_bits_makes_a_16_bit_radiograph():
    wide = np.full((32, 32), 4095, np.uint16)
    wide[0, 0] = 0
    assert decode_radiograph(encoded_16_bit(wide)).bit_depth == 12
    wide[0, 1] = 4096
    radiograph = decode_radiograph(encoded_16_bit(wide))
    assert (radiograph.bit_depth, radiograph.pixels[5, 5]) == (16, 16)


@pytest.mark.parametrize("mode", ["L", "RGB", "CMYK"])
@pytest.mark.parametrize("progressive", [False, True])
def test_a_jpeg_decodes_to_its_picture(mode, progressive):
    picture = Image.fromarray(SMOOTH).convert(mode)
    content = encoded(picture, "JPEG", quality=98, progressive=progressive)
    radiograph = decode_radiograph(content)
    assert radiograph.bit_depth == 8
    assert np.abs(radiograph.pixels.astype(int) - SMOOTH).max() <= 4


TURNED = {
    1: SMOOTH,
    2: SMOOTH[:, ::-1],
    3: SMOOTH[::-1, ::-1],
    4: SMOOTH[::-1],
    5: SMOOTH.T,
    6: np.rot90(SMOOTH, -1),
    7: SMOOTH[::-1, ::-1].T,
    8: np.rot90(SMOOTH),
}


@pytest.mark.parametrize("orientation", TURNED)
def test_the_orientation_tag_of_a_jpeg_is_obeyed(orientation):
    tags = Image.Exif()
    tags[0x0112] = orientation
    pixels = decode_radiograph(encoded(SMOOTH, "JPEG", quality=98, exif=tags)).pixels
    upright = TURNED[orientation]
    assert pixels.shape == upright.shape
    assert np.abs(pixels.astype(int) - upright).max() <= 4


@given(st.integers(0, 2**32 - 1), st.integers(32, 70), st.integers(32, 70))
@settings(deadline=None, max_examples=20)
def test_any_8_bit_grey_png_comes_back_pixel_for_pixel(seed, height, width):
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width), dtype=np.uint8)
    np.testing.assert_array_equal(decode_radiograph(encoded(pixels)).pixels, pixels)


def test_an_empty_file_is_named_so():
    error = rejection(decode_radiograph, b"")
    assert error.reason is RejectionReason.EMPTY_FILE
    assert "no byte" in error.detail


@pytest.mark.parametrize("content", [b"a request form, renamed to .png\n", b"GIF89a", PNG[:7]])
def test_bytes_without_an_image_signature_are_not_an_image(content):
    error = rejection(decode_radiograph, content)
    assert error.reason is RejectionReason.NOT_AN_IMAGE
    assert "PNG" in error.detail
    assert "JPEG" in error.detail


@given(st.integers(8, len(PNG) - 1))
@settings(deadline=None, max_examples=60)
def test_a_png_cut_anywhere_after_its_signature_is_truncated(n_bytes):
    error = rejection(decode_radiograph, PNG[:n_bytes])
    assert error.reason is RejectionReason.TRUNCATED
    assert "ends before" in error.detail


@given(st.integers(3, len(JPEG) - 1))
@settings(deadline=None, max_examples=60)
def test_a_jpeg_cut_anywhere_after_its_signature_is_truncated(n_bytes):
    assert rejection(decode_radiograph, JPEG[:n_bytes]).reason is RejectionReason.TRUNCATED


def test_a_jpeg_cut_after_its_thumbnail_is_truncated():
    thumbnail = encoded(SMOOTH[:8, :8], "JPEG")
    block = b"Exif\0\0" + thumbnail
    segment = b"\xff\xe1" + (len(block) + 2).to_bytes(2, "big") + block
    whole = JPEG[:2] + segment + JPEG[2:]
    assert decode_radiograph(whole).pixels.shape == SMOOTH.shape
    cut = rejection(decode_radiograph, whole[: -len(JPEG) // 2])
    assert cut.reason is RejectionReason.TRUNCATED


def test_padding_zeros_after_the_end_of_a_jpeg_do_no_harm():
    padded = decode_radiograph(JPEG + b"\0" * 512).pixels
    np.testing.assert_array_equal(padded, decode_radiograph(JPEG).pixels)


@given(st.data())
@settings(deadline=None, max_examples=60)
def test_a_flipped_byte_among_the_pixels_of_a_png_is_found(data):
    start = PNG.index(b"IDAT") + 4
    size = int.from_bytes(PNG[start - 8 : start - 4], "big")
    place = data.draw(st.integers(start, start + size - 1))
    damaged = bytearray(PNG)
    damaged[place] ^= data.draw(st.integers(1, 255))
    error = rejection(decode_radiograph, bytes(damaged))
    assert error.reason is RejectionReason.CORRUPT
    assert error.detail


def test_a_damaged_jpeg_header_is_corrupt():
    damaged = JPEG[:3] + b"\0" * (len(JPEG) - 5) + JPEG[-2:]
    assert rejection(decode_radiograph, damaged).reason is RejectionReason.CORRUPT


@pytest.mark.parametrize("level", [0, 128, 255])
def test_a_picture_of_one_grey_is_blank(level):
    error = rejection(decode_radiograph, encoded(np.full((64, 64), level, np.uint8)))
    assert error.reason is RejectionReason.BLANK
    assert str(level) in error.detail


@pytest.mark.parametrize("shape", [(1, 1), (31, 64), (64, 31)])
def test_a_side_below_the_minimum_is_too_small(shape):
    error = rejection(decode_radiograph, encoded(np.resize(GREY, shape)))
    assert error.reason is RejectionReason.TOO_SMALL
    assert f"{shape[1]}x{shape[0]}" in error.detail
    assert "at least 32" in error.detail


def test_the_minimum_side_can_be_chosen():
    content = encoded(GREY[:20, :21])
    assert decode_radiograph(content, min_side=20).pixels.shape == (20, 21)
    error = rejection(decode_radiograph, content, 21)
    assert error.reason is RejectionReason.TOO_SMALL
    assert "at least 21" in error.detail


LUNGS = np.zeros((64, 64), np.uint8)
LUNGS[10:50, 8:28] = LUNGS[10:50, 36:56] = 1


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(encoded(LUNGS), id="0 and 1"),
        pytest.param(encoded(LUNGS * 255), id="0 and 255"),
        pytest.param(encoded(np.dstack([LUNGS * 255] * 3)), id="RGB"),
        pytest.param(encoded(Image.fromarray(LUNGS > 0)), id="1 bit"),
        pytest.param(encoded_16_bit(LUNGS.astype(np.uint16)), id="0 and 1 in 16 bits"),
        pytest.param(encoded_16_bit(LUNGS.astype(np.uint16) * 65535), id="0 and 65535"),
        pytest.param(encoded(LUNGS * 255, "JPEG", quality=95), id="JPEG"),
    ],
)
def test_a_mask_comes_out_as_0_and_1_however_it_is_stored(content):
    mask = decode_lung_mask(content, (64, 64))
    assert mask.dtype == np.uint8
    np.testing.assert_array_equal(mask, LUNGS)


@pytest.mark.parametrize("image_shape", [(64, 64), (299, 299), (75, 75), (101, 100)])
def test_a_mask_of_the_same_proportions_keeps_its_own_size(image_shape):
    np.testing.assert_array_equal(decode_lung_mask(encoded(LUNGS), image_shape), LUNGS)


@pytest.mark.parametrize("image_shape", [(299, 256), (64, 66), (128, 64)])
def test_a_mask_of_other_proportions_is_rejected_with_both_sizes(image_shape):
    error = rejection(decode_lung_mask, encoded(LUNGS), image_shape)
    assert error.reason is RejectionReason.WRONG_MASK_SIZE
    assert "64x64" in error.detail
    assert f"{image_shape[1]}x{image_shape[0]}" in error.detail


LABELS = LUNGS.copy()
LABELS[:, 32:] *= 2
CLEAR = np.zeros((64, 64), np.uint8)


def palette_mask(colours, **options):
    picture = Image.frombytes("P", (64, 64), LABELS.tobytes())
    picture.putpalette(colours)
    return encoded(picture, **options)


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(encoded(LABELS), id="labels 1 and 2"),
        pytest.param(encoded(LABELS * 127), id="labels 127 and 254"),
        pytest.param(encoded_16_bit(LABELS.astype(np.uint16)), id="labels in 16 bits"),
        pytest.param(palette_mask([0, 0, 0, 128, 0, 0, 0, 128, 0]), id="colours of a palette"),
        pytest.param(palette_mask([0, 0, 0, 0, 0, 100, 255, 255, 0]), id="dark and light colour"),
        pytest.param(palette_mask([0] * 9), id="palette of one colour"),
        pytest.param(palette_mask([9] * 9, transparency=b"\0\xff\xff"), id="palette's alpha"),
        pytest.param(encoded(np.dstack([CLEAR] * 3 + [LUNGS * 255])), id="black with alpha"),
        pytest.param(encoded(np.dstack([~CLEAR] * 3 + [LUNGS * 255])), id="white with alpha"),
        pytest.param(encoded(np.dstack([CLEAR, LUNGS * 255])), id="grey with alpha"),
        pytest.param(encoded(np.dstack([LUNGS * 255] * 3 + [~CLEAR])), id="opaque"),
        pytest.param(
            encoded(
                np.dstack([np.arange(4096).reshape(64, 64).astype(np.uint8)] * 3 + [LUNGS * 255])
            ),
            id="alpha over a radiograph",
        ),
    ],
)
def test_lungs_are_found_in_labels_palettes_and_transparency(content):
    np.testing.assert_array_equal(decode_lung_mask(content, (64, 64)), LUNGS)


@pytest.mark.parametrize("soft", [False, True])
@pytest.mark.parametrize("grey", [60, 110, 127])
def test_no_lung_vanishes_because_it_is_darker(soft, grey):
    levels = LUNGS * 255
    levels[:, 32:] = 0
    levels[12:22, 36:46] = grey
    if soft:
        levels = cv2.GaussianBlur(levels, (3, 3), 0)
        assert rejection(decode_lung_mask, encoded(levels), (64, 64)).reason == "mask_not_binary"
    else:
        expected = (levels > 0).astype(np.uint8)
        np.testing.assert_array_equal(decode_lung_mask(encoded(levels), (64, 64)), expected)


def test_more_labels_than_lungs_are_refused():
    levels = LABELS.copy()
    levels[55:60, 30:34] = 3
    error = rejection(decode_lung_mask, encoded(levels), (64, 64))
    assert error.reason is RejectionReason.MASK_NOT_BINARY
    assert "3 labels" in error.detail


def ones(rows):
    mask = np.zeros((64, 64), np.uint8)
    mask[rows, 1:63] = 1
    return mask


@pytest.mark.parametrize(
    ("mask", "reason", "words"),
    [
        (1 - LUNGS, RejectionReason.INVERTED_MASK, "swap black and white"),
        (np.ones((64, 64), np.uint8), RejectionReason.MASK_TOO_LARGE, "100% of the picture"),
        (ones(slice(4, 44)), RejectionReason.MASK_TOO_LARGE, "61% of the picture"),
    ],
)
def test_an_inverted_or_too_large_mask_is_rejected(mask, reason, words):
    error = rejection(decode_lung_mask, encoded(mask * 255), (64, 64))
    assert error.reason is reason
    assert words in error.detail


def test_a_mask_of_almost_three_fifths_is_accepted():
    assert decode_lung_mask(encoded(ones(slice(4, 43))), (64, 64)).sum() == 39 * 62


def test_both_lungs_join_and_too_much_of_them_is_rejected():
    left, right = LUNGS.copy(), LUNGS.copy()
    left[:, 32:] = right[:, :32] = 0
    np.testing.assert_array_equal(join_lung_masks([left, right]), LUNGS)
    np.testing.assert_array_equal(join_lung_masks([left]), left)
    halves = [ones(slice(1, 32)), ones(slice(32, 63))]
    assert rejection(join_lung_masks, halves).reason is RejectionReason.MASK_TOO_LARGE
    assert rejection(join_lung_masks, [left, right[:32]]).reason is RejectionReason.WRONG_MASK_SIZE


def test_a_mask_without_a_lung_is_rejected():
    error = rejection(decode_lung_mask, encoded(np.zeros((64, 64), np.uint8)), (64, 64))
    assert error.reason is RejectionReason.EMPTY_MASK


def test_a_grey_gradient_is_no_mask():
    gradient = np.tile(np.arange(256, dtype=np.uint8), (256, 1))
    error = rejection(decode_lung_mask, encoded(gradient), (256, 256))
    assert error.reason is RejectionReason.MASK_NOT_BINARY
    assert "80%" in error.detail


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", RejectionReason.EMPTY_FILE),
        (b"text", RejectionReason.NOT_AN_IMAGE),
        (encoded(LUNGS)[:-9], RejectionReason.TRUNCATED),
    ],
)
def test_an_unreadable_mask_is_rejected_like_any_picture(content, reason):
    assert rejection(decode_lung_mask, content, (64, 64)).reason is reason
