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
    ships,
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


def unknown_test_folder(root: Path) -> None:
    """Folders of classes, and a folder that may have the images to predict."""
    for label in ("daisy", "rose", "tulip"):
        images(root / "flowers" / label, [f"{label}{i}" for i in range(8)], ".jpg")
    images(root / "pictures", TEST, ".jpg")


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


def ships_to_count(root: Path) -> None:
    """Run lengths, of which the submission has several rows for one image."""
    ships(root)
    rows = [[f"{TEST[0]}.jpg", "1 1"]] * 2
    csv(root / "sample_submission.csv", "ImageId,EncodedPixels", rows)


def formulas(root: Path) -> None:
    """Texts to read from images, which are in folders of the first characters of their names."""
    for k, folder in enumerate("0a1b"):
        images(root / "train" / folder / "f", [f"{folder}f{i}" for i in range(4)])
        images(root / "test" / folder / "f", [f"{folder}e{k}"])
    rows = [[f"{folder}f{i}", f"InChI={folder}{i}"] for folder in "0a1b" for i in range(4)]
    csv(root / "train_labels.csv", "image_id,InChI", rows)
    rows = [[f"{folder}e{k}", "InChI=1S/H2O"] for k, folder in enumerate("0a1b")]
    csv(root / "sample_submission.csv", "image_id,InChI", rows)


def ids_of_training_images(root: Path) -> None:
    """Row numbers in the sample submission, which are names of training images."""
    for label in ("daisy", "rose"):
        images(root / "train" / label, range(8), ".jpg")
    images(root / "photos", [f"new-{i}" for i in range(4)], ".jpg")
    csv(root / "sample_submission.csv", "Id,Predicted", [[i, "daisy"] for i in range(4)])


def channels(root: Path) -> None:
    """Four images of each id."""
    for name in TRAIN[:8]:
        images(root / "train", [f"{name}_{colour}" for colour in ("red", "blue")])
    csv(root / "train.csv", "Id,Target", [[n, i % 2] for i, n in enumerate(TRAIN[:8])])


def slices(root: Path) -> None:
    """A folder of images for each id."""
    for name in TRAIN[:8]:
        images(root / "train" / name / "flair", ["s1", "s2"])
    csv(root / "train.csv", "id,label", [[n, i % 2] for i, n in enumerate(TRAIN[:8])])


def coco(root: Path) -> None:
    """Boxes in a format that is not read."""
    images(root / "train", TRAIN)
    (root / "instances.json").write_text("{}")


def split_boxes(root: Path) -> None:
    """A column for each side of a box."""
    labelled(root, "image_id,class_name,x_min,y_min,x_max,y_max", lambda i: "lung,1,2,3,4",
             "image_id,PredictionString", "14 1 0 0 1 1")  # fmt: skip


def blank_targets(root: Path) -> None:
    """Coordinates of which some are blank."""
    labelled(root, "id,x,y", lambda i: f"{i}.5,{'' if i == 3 else i / 2}", "id,x,y", "0,0")


def attributes(root: Path) -> None:
    """Labels of -1 and 1, and a column of the author's split."""
    images(root / "faces", TRAIN)
    rows = [[n, 1 - 2 * (i % 2), 1, -1] for i, n in enumerate(TRAIN)]
    csv(root / "attributes.csv", "image_id,Bald,Young,Male", rows)
    csv(root / "partition.csv", "image_id,partition", [[n, i % 3] for i, n in enumerate(TRAIN)])


def scored_names(root: Path) -> None:
    """A name and a confidence in one cell."""
    labelled(root, "id,landmark_id", lambda i: str(i % 4), "id,landmarks", "7 0.1")


def volumes(root: Path) -> None:
    """Volumes and a table about them."""
    (root / "train").mkdir()
    (root / "train" / "a.nii.gz").write_bytes(b"x")
    csv(root / "survival.csv", "id,age,days", [[n, i, 9 * i] for i, n in enumerate(TRAIN)])


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
    csv(root / "sample_submission.csv", "id,target", [[i, 0] for i in range(30, 40)])


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
