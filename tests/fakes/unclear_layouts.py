"""Layouts of which something cannot be known: comp says what is missing."""

from __future__ import annotations

from pathlib import Path

from tests.fakes.layouts import (
    SIDE,
    TEST,
    TRAIN,
    csv,
    image,
    images,
    labelled,
    mask,
)


def no_labels(root: Path) -> None:
    """Images alone."""
    images(root / "train", TRAIN)
    images(root / "test", TEST)


def two_label_tables(root: Path) -> None:
    """Two tables whose ids name the images."""
    images(root / "train", TRAIN)
    images(root / "test", TEST)
    csv(root / "annotator_a.csv", "id,label", [[n, i % 2] for i, n in enumerate(TRAIN)])
    csv(root / "annotator_b.csv", "id,label", [[n, i % 3 % 2] for i, n in enumerate(TRAIN)])
    csv(root / "sample_submission.csv", "id,label", [[n, 0.5] for n in TEST])


def unclear_target(root: Path) -> None:
    """Several columns that may be the target, and a sample submission that names none of them."""
    labelled(
        root, "id,colour,shape", lambda i: f"{'rg'[i % 2]},{'ab'[i % 3 % 2]}", "id,answer", "0"
    )


def missing_test_images(root: Path) -> None:
    """A sample submission whose images are not there."""
    images(root / "train", TRAIN)
    csv(root / "train.csv", "id,label", [[n, i % 2] for i, n in enumerate(TRAIN)])
    csv(root / "sample_submission.csv", "id,label", [[n, 0.5] for n in TEST])


def some_test_images_missing(root: Path) -> None:
    """A sample submission of which two images are not there."""
    missing_test_images(root)
    images(root / "test", TEST[:4])


def masks_of_other_size(root: Path) -> None:
    """Masks of half the size of their images."""
    for i, name in enumerate(TRAIN[:8]):
        image(root / "train" / "images" / f"{name}.png", i)
        mask(root / "train" / "masks" / f"{name}.png", (0, 255), (SIDE // 2, SIDE))
    images(root / "test" / "images", TEST)


def coloured_masks(root: Path) -> None:
    """Masks whose classes are colours."""
    for i, name in enumerate(TRAIN[:8]):
        image(root / "images" / f"{name}.png", i)
        image(root / "masks" / f"{name}.png", i)
    images(root / "test", TEST)


def videos(root: Path) -> None:
    """Videos alone."""
    (root / "train").mkdir()
    for name in TRAIN:
        (root / "train" / f"{name}.mp4").write_bytes(b"x")


def sounds(root: Path) -> None:
    """Sounds with labels."""
    (root / "train").mkdir()
    for name in TRAIN:
        (root / "train" / f"{name}.wav").write_bytes(b"x")
    csv(root / "train.csv", "fname,label", [[f"{n}.wav", "ab"[i % 2]] for i, n in enumerate(TRAIN)])
    csv(root / "sample_submission.csv", "fname,label", [[f"{n}.wav", "a"] for n in TEST])


def no_test_set(root: Path) -> None:
    """Folders of classes without images to predict."""
    for label in ("daisy", "rose", "tulip"):
        images(root / "flowers" / label, range(8), ".jpg")


def boxes(root: Path) -> None:
    """Boxes around objects."""
    labelled(root, "image_id,width,height,bbox", lambda i: '12,12,"[1, 2, 3, 4]"',
             "image_id,PredictionString", "1.0 0 0 5 5")  # fmt: skip


def pneumonia_boxes(root: Path) -> None:
    """Boxes in columns x, y, width, height, and a class."""
    labelled(root, "patientId,x,y,width,height,Target", lambda i: f"{i},2,3,4,{i % 2}",
             "patientId,PredictionString", "0.5 0 0 5 5")  # fmt: skip


def nuclei(root: Path) -> None:
    """A folder for each image, with a mask for each object."""
    for i, name in enumerate(TRAIN[:6]):
        image(root / "stage1_train" / name / "images" / f"{name}.png", i)
        for k in range(3):
            mask(root / "stage1_train" / name / "masks" / f"{name}_{k}.png")
    for i, name in enumerate(TEST):
        image(root / "stage1_test" / name / "images" / f"{name}.png", i)
    rows = [[n, "3 2 20 3"] for n in TRAIN[:6] for _ in range(3)]
    csv(root / "stage1_train_labels.csv", "ImageId,EncodedPixels", rows)
    csv(root / "stage1_sample_submission.csv", "ImageId,EncodedPixels", [[n, "1 1"] for n in TEST])


def ships(root: Path) -> None:
    """Run lengths, several rows of one image."""
    images(root / "train", TRAIN[:8], ".jpg")
    images(root / "test", TEST, ".jpg")
    rows = [[f"{n}.jpg", "3 2 20 3"] for n in TRAIN[:8] for _ in range(2)]
    csv(root / "train_ship_segmentations.csv", "ImageId,EncodedPixels", rows)
    csv(
        root / "sample_submission.csv", "ImageId,EncodedPixels", [[f"{n}.jpg", "1 1"] for n in TEST]
    )


def keypoints(root: Path) -> None:
    """Pixels in one cell."""
    cell = " ".join(map(str, range(96)))
    csv(root / "training.csv", "left_eye_x,nose_y,Image", [[i, 2 * i, cell] for i in range(20)])
    csv(root / "test.csv", "ImageId,Image", [[i, cell] for i in range(5)])
    csv(root / "SampleSubmission.csv", "RowId,Location", [[i, 0] for i in range(10)])


def arrays(root: Path) -> None:
    """Compressed arrays alone."""
    for name in ("kmnist-train-imgs.npz", "kmnist-train-labels.npz"):
        (root / name).write_bytes(b"x")


def texts(root: Path) -> None:
    """A table of texts."""
    text = "this is a sentence that is long enough to be no category at all number"
    csv(root / "train.csv", "id,text,target", [[i, f"{text} {i}", i % 2] for i in range(30)])
    csv(root / "test.csv", "id,text", [[i, f"{text} {i}"] for i in range(30, 40)])
    csv(root / "sample_submission.csv", "id,target", [[i, 0] for i in range(30, 40)])


def no_test_rows(root: Path) -> None:
    """A table without test rows."""
    csv(root / "data.csv", "id,a,target", [[i, 2 * i, i % 2] for i in range(30)])


def repeated_ids(root: Path) -> None:
    """Several labels of an image in a row each."""
    images(root / "train", TRAIN)
    images(root / "test", TEST)
    rows = [[n, "ab"[k]] for n in TRAIN for k in range(2)]
    csv(root / "train.csv", "id,label", rows)
    csv(root / "sample_submission.csv", "id,label", [[n, "a"] for n in TEST])


def colour_pairs(root: Path) -> None:
    """Pairs of colour images with a sample submission that has no pixels."""
    for i in range(8):
        image(root / "input" / f"{i}.png", i)
        image(root / "target" / f"{i}.png", i + 50)
    images(root / "test", [100, 101])
    csv(root / "sample_submission.csv", "id,file", [[100, "100.png"], [101, "101.png"]])


def empty(root: Path) -> None:
    """Nothing but a text."""
    (root / "README.txt").write_text("nothing")
