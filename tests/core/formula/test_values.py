from callout.core.formula.values import Blob, UnfitError


def test_a_blob_shows_its_bytes_unless_a_secret_went_into_them() -> None:
    assert repr(Blob(b"abc", is_secret=False)) == "Blob(b'abc')"
    assert repr(Blob(b"c4n4ry", is_secret=True)) == "Blob(…)"


def test_an_argument_that_does_not_fit_says_got_and_expected() -> None:
    assert str(UnfitError("x", "y")) == "got x; expected y"
