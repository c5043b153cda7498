import pytest

from comp.bundle.kaggle_time import default_factor, estimate


def test_the_start_is_not_scaled() -> None:
    time = estimate(
        (12.0, 20), (14.0, 40), machine="t4", on_gpu=False, threads=4, factor=2, images=1000
    )
    assert time.per_image_s == pytest.approx(0.1)
    assert time.start_s == pytest.approx(10)
    assert time.seconds == pytest.approx(10 + 1000 * 0.1 * 2)
    assert (
        time.words
        == "at Kaggle about 4 minutes of 9 h on two T4, for 1,000 hidden images, factor 2"
    )


def test_what_is_assumed_is_said() -> None:
    time = estimate((10.0, 20), None, machine="cpu", on_gpu=False, threads=4)
    assert time.images == 200
    assert time.factor == 1.5
    assert "200 hidden images (assumed), factor 1.5 (assumed)" in time.words
    assert not time.too_long


def test_a_test_that_takes_too_long() -> None:
    time = estimate((100.0, 10), None, machine="cpu", on_gpu=False, threads=4, images=10_000)
    assert time.too_long
    assert "about 41 h 40 min of 9 h on a CPU notebook" in time.words


def test_noise_in_the_times_is_no_time_for_nothing() -> None:
    time = estimate((10.0, 20), (9.0, 40), machine="t4", on_gpu=False, threads=1, images=100)
    assert time.per_image_s == 0.5
    assert time.start_s == 0


def test_factors() -> None:
    assert default_factor("cpu", False, 8) == 2 * default_factor("cpu", False, 4)
    assert default_factor("t4", False, 4) < default_factor("p100", False, 4)
    assert default_factor("p100", True, 4) == 10
    assert default_factor("cpu", True, 4) == 100
