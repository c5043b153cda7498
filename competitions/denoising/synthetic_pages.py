"""Draw a small data set in the layout of Denoising Dirty Documents, for tests and first runs.

As in the real data, many pages share a few scanned papers (stained, folded, wrinkled, smeared). A
dirty page is its paper times its printed text, a little faded and with a little noise.

Import this module inside functions: its libraries are heavy. With the same versions of them, the
files have the same bytes.
"""

import textwrap
from pathlib import Path
from typing import TypeAlias

import cv2
import numpy as np
import numpy.typing as npt
import polars as pl
from numpy.random import Generator
from PIL import Image, ImageDraw, ImageFont

Grey: TypeAlias = npt.NDArray[np.float32]  # (height, width), 0 black .. 1 white
Font: TypeAlias = ImageFont.FreeTypeFont | ImageFont.ImageFont
Line: TypeAlias = list[tuple[float, str]]  # words with their left edges, in oversampled pixels
Style: TypeAlias = tuple[float, float, float]  # narrowing, slant, left margin in pixels

WIDTH = 540
TALL, SHORT = 420, 258  # the two page heights; a short page shows the top of a tall paper
LINE_PITCH = {TALL: (34.0, 40.0), SHORT: (21.0, 25.0)}  # pixels from one line of text to the next
OVERSAMPLING = 4  # letters are drawn larger by this factor, then averaged, for smooth edges
INK_CURVE = ((0.0, 0.12, 0.88, 1.0), (0.10, 0.24, 0.84, 1.0))  # clean grey -> share of the paper
X, Y = np.meshgrid(np.arange(WIDTH, dtype=np.float32), np.arange(TALL, dtype=np.float32))

SENTENCES = """\
Every archive begins with a box that nobody wants to open.
The clerk numbered the sheets in pencil, but the numbers have faded since.
A scanner sees the stain as clearly as it sees the word underneath.
Paper remembers each fold, and light from the side will show it.
Coffee dries darkest at the rim, so that a cup leaves a ring.
It is easier to remove a shadow than to invent a missing stroke.
The contract was crumpled, thrown away and then flattened again.
Whoever walked across the floor also walked across these minutes.
Good restoration changes the paper and leaves the print alone.
We kept the envelope, since its stamp gives the year of the letter.
""".splitlines()


def draw_pages(
    root: Path, rng: Generator, *, texts: int = 6, noises: int = 4, test_texts: int = 2
) -> None:
    """Write train/, train_cleaned/, test/ and sampleSubmission.csv into `root`.

    Each training text is printed on each of the first `noises` papers, each test text on half of
    them. Tall and short texts alternate, so two texts have both heights.
    """
    if not 1 <= noises <= len(DIRTY_PAPERS) or texts + test_texts > len(SENTENCES):
        raise ValueError(
            f"at most {len(DIRTY_PAPERS)} noises and {len(SENTENCES)} texts can be drawn"
        )
    test_noises = (noises + 1) // 2
    papers = [draw(rng) for draw in DIRTY_PAPERS[:noises]]
    first_sentences = iter(rng.permutation(len(SENTENCES)).tolist())
    clean = [draw_text(rng, next(first_sentences), (TALL, SHORT)[i % 2]) for i in range(texts)]
    unseen = [
        draw_text(rng, next(first_sentences), (TALL, SHORT)[i % 2]) for i in range(test_texts)
    ]
    train_numbers, test_numbers = number_pages(rng, texts * noises, test_texts * test_noises)
    for k, n in enumerate(train_numbers):
        save_page(
            root / "train" / f"{n}.png", print_on_paper(clean[k // noises], papers[k % noises], rng)
        )
        save_page(root / "train_cleaned" / f"{n}.png", clean[k // noises])
    for k, n in enumerate(test_numbers):
        save_page(
            root / "test" / f"{n}.png",
            print_on_paper(unseen[k // test_noises], papers[k % noises], rng),
        )
    heights = {n: len(unseen[k // test_noises]) for k, n in enumerate(test_numbers)}
    write_sample_submission(root / "sampleSubmission.csv", heights)


def number_pages(rng: Generator, train: int, test: int) -> tuple[list[int], list[int]]:
    """Distinct page numbers for train and test pages."""
    # Numbers of three and two digits alternate: with two test pages, text and number order differ.
    hundreds, tens = rng.permutation(np.arange(100, 180)), rng.permutation(np.arange(20, 100))
    chosen = np.stack([hundreds, tens], axis=1).ravel()[:test]
    others = np.setdiff1d(np.arange(1, 217), chosen)
    return rng.permutation(others)[:train].tolist(), chosen.tolist()


def save_page(path: Path, page: Grey) -> None:
    """Write a page as an 8-bit grey PNG; create its folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    grey = np.rint(page * 255).astype(np.uint8)
    if not cv2.imwrite(str(path), grey, [cv2.IMWRITE_PNG_COMPRESSION, 9]):
        raise OSError(f"cannot write {path}")


def write_sample_submission(path: Path, heights: dict[int, int]) -> None:
    """Write the all-white sample submission: `<page>_<row>_<col>,1`, pages in text order."""
    frames = []
    for n in sorted(heights, key=str):
        rows, cols = np.indices((heights[n], WIDTH)).reshape(2, -1) + 1
        ids = pl.format(f"{n}_{{}}_{{}}", "row", "col").alias("id")
        frames.append(pl.DataFrame({"row": rows, "col": cols}).select(ids, value=pl.lit(1)))
    pl.concat(frames).write_csv(path)


def draw_text(rng: Generator, first: int, height: int) -> Grey:
    """A clean page (height, WIDTH), black on white, whose text starts with SENTENCES[first]."""
    others = rng.permutation([s for s in SENTENCES if s != SENTENCES[first]]).tolist()
    paragraphs = [" ".join([SENTENCES[first], *others[:5]]), " ".join(others[5:] + others)]
    pitch, top = rng.uniform(*LINE_PITCH[height]), rng.uniform(-6, 2)  # below 0: first line is cut
    narrow, slant = rng.uniform(0.84, 1.0), float(rng.choice([0.0, 0.22]))
    style = narrow, slant, rng.uniform(5, 14)
    measure = rng.uniform(520, 640) * OVERSAMPLING / narrow  # full lines may exceed the page
    font = ImageFont.load_default(size=round(0.7 * pitch * OVERSAMPLING))
    page = np.ones((height + 100, WIDTH), np.float32)  # 50 extra rows above and below
    lines = justify_lines(paragraphs, font, measure)[: int(height / pitch) + 1]
    for i, words in enumerate(lines):
        y = 50 + round(top + i * pitch)
        line = render_line(words, font, round(pitch), style)
        page[y : y + len(line)] = np.minimum(page[y : y + len(line)], line)
    return page[50:-50]


def justify_lines(paragraphs: list[str], font: Font, measure: float) -> list[Line]:
    """Lines of paragraphs, indented and justified to `measure` oversampled pixels; last lines are
    not justified."""
    lines, indent = [], 2.5 * font.getlength("m")
    for paragraph in paragraphs:
        columns = int(measure / font.getlength(paragraph) * len(paragraph))
        wrapped = textwrap.wrap(paragraph, columns, initial_indent=" " * 5)
        for i, words in enumerate(map(str.split, wrapped)):
            start, space = 0.0 if i else indent, font.getlength(" ")
            widths = [font.getlength(word) for word in words]
            gap = (measure - start - sum(widths)) / max(len(words) - 1, 1)
            gap = max(gap, 0.7 * space) if i < len(wrapped) - 1 else space
            edges = start + np.cumsum([0.0, *(width + gap for width in widths[:-1])])
            lines.append(list(zip(edges.tolist(), words, strict=True)))
    return lines


def render_line(words: Line, font: Font, pitch: int, style: Style) -> Grey:
    """One printed line (pitch, WIDTH), 0 ink .. 1 white."""
    narrow, slant, left = style
    width, height = WIDTH * OVERSAMPLING, pitch * OVERSAMPLING
    baseline = round(0.74 * height)
    canvas = Image.new("L", (round(width / narrow) + 64, height), 0)
    for x, word in words:
        ImageDraw.Draw(canvas).text((x, baseline), word, fill=255, font=font, anchor="ls")
    # Horizontal strokes lose more, as in a serif font: the built-in font is a heavy sans serif.
    thinner = round(pitch / 20)
    ink = cv2.erode(np.asarray(canvas), np.ones((thinner + 2, thinner), np.uint8))
    warp = np.array([[narrow, -slant, left * OVERSAMPLING + slant * baseline], [0, 1, 0]])
    ink = cv2.warpAffine(ink, warp, (width, height))
    return to_grey(1 - cv2.resize(ink, (WIDTH, pitch), interpolation=cv2.INTER_AREA) / 255.0)


def to_grey(values: npt.ArrayLike) -> Grey:
    """Values clipped to 0 .. 1."""
    return np.asarray(np.clip(values, 0, 1), np.float32)


def print_on_paper(clean: Grey, paper: Grey, rng: Generator) -> Grey:
    """The dirty page (height, WIDTH): a clean text on the upper part of a paper (TALL, WIDTH)."""
    # Noise is mostly in the ink: white areas of two pages on one paper hardly differ.
    noise = rng.normal(size=clean.shape) * (0.006 + 0.04 * (1 - clean))
    return to_grey(paper[: len(clean)] * np.interp(clean, *INK_CURVE) + noise)


def smooth_noise(rng: Generator, scale: float, along: float = 1.0) -> Grey:
    """Smooth noise (TALL, WIDTH) of mean 0 and deviation 1; its structures are about `scale` pixels
    wide and `along` times as high."""
    noise = rng.normal(size=(TALL, WIDTH)).astype(np.float32)
    noise = cv2.GaussianBlur(noise, (0, 0), sigmaX=scale, sigmaY=scale * along)
    return np.asarray((noise - noise.mean()) / noise.std(), np.float32)


def distort(image: Grey, rng: Generator, scale: float, amount: float) -> Grey:
    """Displace the image (TALL, WIDTH) by about `amount` pixels, smoothly over `scale` pixels."""
    columns, rows = X + amount * smooth_noise(rng, scale), Y + amount * smooth_noise(rng, scale)
    bent = cv2.remap(image, columns, rows, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
    return np.asarray(bent, np.float32)


def draw_blank_paper(rng: Generator) -> Grey:
    """A clean paper (TALL, WIDTH) with grain, uneven shades and faint stripes of the scanner."""
    grain = (
        0.014 * smooth_noise(rng, 0.6)
        + 0.009 * smooth_noise(rng, 1.5)
        + 0.008 * smooth_noise(rng, 40)
    )
    stripes = 0.004 * smooth_noise(rng, 1.5, 40) + 0.004 * smooth_noise(rng, 60, 0.03)
    return to_grey(0.88 + grain + stripes)


def draw_coffee(rng: Generator) -> Grey:
    """A paper with the rings and drops of wet cups."""
    wobble = smooth_noise(rng, 6)
    dry = np.ones((TALL, WIDTH), np.float32)
    for i in range(5):
        cx, cy = (i + rng.uniform(0, 1)) / 5 * WIDTH, rng.uniform(0, 0.6 + 0.4 * (i % 2)) * TALL
        dx, dy = X - cx, (Y - cy) / rng.uniform(0.85, 1.15)
        # The cup was tilted, so the ring is a crescent: wide on one side, missing on the other.
        wet = 0.5 + 0.5 * np.cos(np.arctan2(dy, dx) - rng.uniform(0, 2 * np.pi))
        band = rng.uniform(16, 45) * wet ** rng.uniform(0.8, 2.5) - 2
        depth = rng.uniform(65, 115) - np.hypot(dx, dy) + 0.8 * wobble
        inside = to_grey(depth) * to_grey(band - depth + 1.5 * wobble) * to_grey(band / 4)
        rim = np.exp(-(np.minimum(depth, band - depth) ** 2) / 6)
        dry *= 1 - inside * (rng.uniform(0.15, 0.5) * (0.4 + 0.6 * wet) + 0.1 * rim)
    for _ in range(4):
        drop = rng.uniform(2, 8) - np.hypot(X - rng.uniform(0, WIDTH), Y - rng.uniform(0, SHORT))
        dry *= 1 - rng.uniform(0.3, 0.6) * to_grey(drop + wobble)
    blotches = 1 + 0.05 * smooth_noise(rng, 1.2) + 0.06 * smooth_noise(rng, 8)
    return to_grey(draw_blank_paper(rng) * (1 - (1 - dry) * blotches))


def draw_folds(rng: Generator) -> Grey:
    """A paper that was folded several times and flattened."""
    shade = np.zeros((TALL, WIDTH), np.float32)
    for i, slope in enumerate((0.0, 0.7, -0.65, 1.5, -0.3)):
        angle = slope + rng.uniform(-0.2, 0.2)
        cx, cy = rng.uniform(0.1, 0.9) * WIDTH, rng.uniform(0.1, 0.6) * TALL
        across = (Y - cy) * np.cos(angle) - (X - cx) * np.sin(angle) + smooth_noise(rng, 12)
        strength = rng.uniform(0.4, 1) * np.clip(0.7 + 0.4 * smooth_noise(rng, 14), 0, 1.3)
        side = 1 - 2 * (i % 2)  # a fold up or down: the bright edge is on the other side
        shade += strength * 0.12 * np.exp(-((across - 1.2 * side) ** 2) / 1.5)
        shade -= strength * 0.14 * np.exp(-((across + 0.8 * side) ** 2) / 1.2)
        shade += side * 0.03 * np.tanh(across / 4) * np.exp(-np.abs(across) / 35)
    return to_grey(draw_blank_paper(rng) + shade)


def draw_wrinkles(rng: Generator) -> Grey:
    """A crumpled paper: facets with light from the side, and sharp ridges between them."""
    shade = np.zeros((TALL, WIDTH), np.float32)
    for summits, depth in ((15, 0.07), (60, 0.09), (200, 0.06)):
        ground = np.ones((TALL, WIDTH), np.uint8)
        ground[rng.integers(0, TALL, summits), rng.integers(0, WIDTH, summits)] = 0
        fall = cv2.distanceTransform(ground, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
        down, right = np.gradient(distort(fall, rng, 22, 9))
        shade += depth * (0.9 * down + 0.5 * right)
    shade *= 0.85 + 0.3 * np.tanh(smooth_noise(rng, 40))
    return to_grey(draw_blank_paper(rng) + cv2.GaussianBlur(shade, (0, 0), 0.7))


def draw_smears(rng: Generator) -> Grey:
    """A paper with a shoe print: a pattern of nested squares, dust and shadows."""
    sole = np.zeros((TALL, WIDTH), np.float32)
    cell = int(rng.integers(70, 100))
    for top in range(-20, TALL, cell):
        for left in range(-20, WIDTH, cell + 12):
            for inset, ink in ((0, 0.8), (12, 0.0), (18, 0.7), (24, 0.15), (29, 1.0)):
                end = cell - 14 - inset
                cv2.rectangle(sole, (left + inset, top + inset), (left + end, top + end), ink, -1)
    corners = np.array([[0, 0], [WIDTH, 0], [WIDTH, TALL], [0, TALL]], np.float32)
    view = cv2.getPerspectiveTransform(corners, np.float32(corners + rng.uniform(-80, 80, (4, 2))))
    sole = distort(cv2.warpPerspective(sole, view, (WIDTH, TALL)), rng, 25, 4)
    worn = np.clip(0.6 + 0.5 * smooth_noise(rng, 35) + 0.15 * smooth_noise(rng, 2), 0, 1.2)
    streaks = np.clip(smooth_noise(rng, 3, 14) - 0.4, 0, 2) * to_grey(smooth_noise(rng, 30))
    dust = 0.11 * cv2.GaussianBlur(sole, (0, 0), 1.2) * worn + 0.02 * streaks
    shadow = 0.01 + 0.02 * np.clip(smooth_noise(rng, 50), 0, 2)
    return to_grey(draw_blank_paper(rng) - dust - shadow)


DIRTY_PAPERS = (draw_coffee, draw_folds, draw_wrinkles, draw_smears)
