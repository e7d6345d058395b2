"""Pictures: every accepted format by its content, whole or not at all, and none too large."""

import io
import tracemalloc
import zlib

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from covid_xray.imaging.decoding import decode_radiograph
from covid_xray.imaging.formats import SIGNATURE_BYTES, format_of
from covid_xray.imaging.mask_decoding import decode_lung_mask
from covid_xray.imaging.pictures import read_picture
from covid_xray.imaging.rejection import RejectedFileError, RejectionReason

NOISE = np.random.default_rng(5).integers(0, 256, (64, 80), dtype=np.uint8)
GREY = cv2.GaussianBlur(NOISE, (0, 0), 2)
COLOUR = np.dstack([GREY, GREY[::-1], GREY[:, ::-1]])
FLAT = np.full((64, 80), 128, np.uint8)
FLAT[:16, :16] = 20
DEEP = GREY.astype(np.uint16) * 257
BINARY = np.where(GREY > 128, 255, 0).astype(np.uint8)


def encoded(picture, kind, **options):
    buffer = io.BytesIO()
    if not isinstance(picture, Image.Image):
        picture = Image.fromarray(picture)
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


def tiff(pixels, **tags):
    """A TIFF of any number type and colour meaning, which Pillow can't all write."""
    tifffile = pytest.importorskip("tifffile")
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, pixels, **tags)
    return buffer.getvalue()


def reason_of(content, decode=decode_radiograph, **options):
    with pytest.raises(RejectedFileError) as caught:
        decode(content, **options)
    return caught.value.reason


EXACT = {
    "png": (encoded(GREY, "PNG"), GREY, 1),
    "bmp": (encoded(GREY, "BMP"), GREY, 1),
    "bmp of 1 bit": (encoded(Image.fromarray(GREY > 128), "BMP"), BINARY, 1),
    "colour bmp": (encoded(np.dstack([GREY] * 3), "BMP"), GREY, 3),
    "webp": (encoded(GREY, "WEBP", lossless=True), GREY, 3),
    "webp with alpha": (
        encoded(np.dstack([GREY] * 3 + [GREY | 1]), "WEBP", lossless=True, exact=True),
        GREY,
        4,
    ),
    "tiff": (encoded(GREY, "TIFF"), GREY, 1),
    "packed tiff": (encoded(GREY, "TIFF", compression="tiff_lzw"), GREY, 1),
    "colour tiff": (encoded(np.dstack([GREY] * 3), "TIFF"), GREY, 3),
    "tiff with alpha": (encoded(np.dstack([GREY, NOISE]), "TIFF"), GREY, 2),
    "tiff of 1 bit": (encoded(Image.fromarray(GREY > 128), "TIFF"), BINARY, 1),
    "tiff of 16 bits": (tiff(DEEP), GREY, 1),
    "big-endian tiff of 16 bits": (tiff(DEEP, byteorder=">"), GREY, 1),
    "colour tiff of 16 bits": (tiff(np.dstack([DEEP] * 3), photometric="rgb"), GREY, 3),
    "white-is-zero tiff": (tiff(255 - GREY, photometric="miniswhite"), GREY, 1),
    "white-is-zero tiff of 16 bits": (tiff(65535 - DEEP, photometric="miniswhite"), GREY, 1),
    "tiled tiff": (tiff(GREY, tile=(16, 16)), GREY, 1),
    "png with alpha": (encoded(np.dstack([GREY, NOISE]), "PNG"), GREY, 2),
    "colour png with alpha": (encoded(np.dstack([GREY] * 3 + [NOISE]), "PNG"), GREY, 4),
    "palette png": (encoded(Image.fromarray(GREY).convert("P"), "PNG"), GREY, 1),
}


@pytest.mark.parametrize("kind", EXACT)
def test_each_format_gives_its_pixels_and_its_number_of_channels(kind):
    content, expected, channels = EXACT[kind]
    radiograph = decode_radiograph(content)
    np.testing.assert_array_equal(radiograph.pixels, expected)
    assert radiograph.channels == channels
    assert radiograph.bit_depth == (16 if "16" in kind else 8)


@pytest.mark.parametrize(("mode", "channels"), [("L", 1), ("RGB", 3), ("CMYK", 4)])
def test_the_channels_of_a_jpeg_are_counted(mode, channels):
    content = encoded(Image.fromarray(COLOUR).convert(mode), "JPEG")
    assert decode_radiograph(content).channels == channels


def test_colour_weighs_the_same_in_every_format():
    expected = decode_radiograph(encoded(COLOUR, "PNG")).pixels
    for kind in ("BMP", "TIFF"):
        np.testing.assert_array_equal(decode_radiograph(encoded(COLOUR, kind)).pixels, expected)


def test_the_orientation_tag_of_a_tiff_is_obeyed():
    pixels = decode_radiograph(encoded(GREY, "TIFF", tiffinfo={274: 6})).pixels
    np.testing.assert_array_equal(pixels, np.rot90(GREY, -1))


def test_the_first_bytes_tell_the_format():
    for kind in ("PNG", "JPEG", "BMP", "TIFF", "WEBP"):
        assert format_of(encoded(GREY, kind)[:SIGNATURE_BYTES]) == kind
    for text in (b"", b"BM is how this note begins", b"RIFF1234WAVE", b"GIF89a"):
        assert format_of(text) is None


def test_a_dicom_file_is_named_with_the_remedy():
    with pytest.raises(RejectedFileError, match="not_an_image.*DICOM.*convert it to PNG"):
        decode_radiograph(b"\0" * 128 + b"DICM" + b"\0" * 99)


@pytest.mark.parametrize("kind", ["TIFF", "WEBP"])
def test_a_file_of_several_pictures_is_refused(kind):
    more = [Image.fromarray(COLOUR[::-1])]
    content = encoded(COLOUR, kind, save_all=True, append_images=more)
    assert reason_of(content) is RejectionReason.SEVERAL_PICTURES


@pytest.mark.parametrize("kind", [np.float32, np.int16, np.uint32])
def test_grey_levels_of_no_known_range_are_refused(kind):
    assert reason_of(tiff(GREY.astype(kind))) is RejectionReason.UNSUPPORTED_DEPTH


JPEGS = {
    f"{name}, {options}": encoded(picture, "JPEG", **options)
    for name, picture in {
        "noise": NOISE,
        "flat": FLAT,
        "colour": COLOUR,
        "cmyk": Image.fromarray(COLOUR).convert("CMYK"),
    }.items()
    for options in (
        {"quality": 90},
        {"optimize": True},
        {"restart_marker_rows": 1},
        {"restart_marker_blocks": 1},
        {"progressive": True},
        {"progressive": True, "restart_marker_rows": 1},
    )
}
END = b"\xff\xd9"


@pytest.mark.parametrize("kind", JPEGS)
def test_bytes_after_the_end_of_a_jpeg_do_no_harm(kind):
    content = JPEGS[kind]
    alone = decode_radiograph(content).pixels
    for more in (b"\0" * 512, b"a camera's notes", content, END, b"\xff\xda\xff"):
        np.testing.assert_array_equal(decode_radiograph(content + more).pixels, alone)


@pytest.mark.parametrize("kind", JPEGS)
@given(st.data())
@settings(deadline=None, max_examples=40)
def test_a_jpeg_cut_anywhere_is_truncated_whatever_ends_it(kind, data):
    content = JPEGS[kind]
    place = data.draw(st.integers(3, len(content) - 3))
    end = data.draw(st.sampled_from([b"", END, END + b"\0" * 80]))
    try:
        pixels = decode_radiograph(content[:place] + end).pixels
    except RejectedFileError as error:
        assert error.reason in (RejectionReason.TRUNCATED, RejectionReason.CORRUPT)
        assert error.reason is RejectionReason.TRUNCATED or place < content.index(b"\xff\xda")
    else:  # the last bytes of a progressive file may say nothing
        assert "progressive" in kind
        np.testing.assert_array_equal(pixels, decode_radiograph(content).pixels)


def test_reading_a_jpeg_prints_nothing(capfd):
    for content in JPEGS.values():
        decode_radiograph(content)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("kind", ["BMP", "TIFF", "WEBP", "PNG"])
@given(share=st.floats(0.1, 0.99))
@settings(deadline=None, max_examples=30)
def test_a_cut_file_of_any_format_is_never_read(kind, share):
    content = encoded(COLOUR, kind)
    cut = content[: int(share * len(content))]
    assert reason_of(cut) in (RejectionReason.TRUNCATED, RejectionReason.CORRUPT)


@pytest.mark.parametrize("kind", ["BMP", "TIFF", "WEBP", "PNG", "JPEG"])
def test_a_file_cut_in_half_is_truncated_in_any_format(kind):
    content = encoded(COLOUR, kind)
    assert reason_of(content[: len(content) // 2]) is RejectionReason.TRUNCATED


def huge_png(side):
    """A PNG whose header tells of many pixels; their data would only come to light later."""

    def chunk(name, data):
        body = name + data
        return len(data).to_bytes(4, "big") + body + zlib.crc32(body).to_bytes(4, "big")

    header = side.to_bytes(4, "big") * 2 + b"\x08\0\0\0\0"
    rows = zlib.compress(bytes(10 * (side + 1)))
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize("decode", [decode_radiograph, decode_lung_mask], ids=lambda f: f.__name__)
@pytest.mark.parametrize("side", [8_000, 24_000])
def test_too_many_pixels_are_refused_before_any_is_decoded(decode, side):
    content = huge_png(side)
    options = {"image_shape": (64, 64)} if decode is decode_lung_mask else {}
    tracemalloc.start()
    assert reason_of(content, decode, **options) is RejectionReason.TOO_LARGE
    assert tracemalloc.get_traced_memory()[1] < 4 * len(content) + 2**20
    tracemalloc.stop()


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "BMP", "TIFF", "WEBP"])
def test_the_limit_of_pixels_holds_in_every_format_to_the_pixel(kind):
    content = encoded(GREY, kind)
    assert decode_radiograph(content, max_pixels=GREY.size).pixels.shape == GREY.shape
    with pytest.raises(RejectedFileError, match=r"too_large: 80x64.*at most 5,119.*max_pixels"):
        decode_radiograph(content, max_pixels=GREY.size - 1)


@given(st.binary(max_size=200), st.sampled_from(["PNG", "JPEG", "BMP", "TIFF", "WEBP"]))
@settings(deadline=None, max_examples=150)
def test_whatever_bytes_follow_a_signature_the_file_is_only_rejected(noise, kind):
    content = encoded(GREY, kind)[:SIGNATURE_BYTES] + noise
    with pytest.raises(RejectedFileError):
        read_picture(content, 10**6)
