"""Data of many competitions, drawn in their layout: a few tiny images and short tables.

Each function draws into a folder. The names are those of the forms, and of competitions on Kaggle
whose layout they have.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np

Rows = Sequence[Sequence[Any]]
SIDE = 12


def image(path: Path, value: int = 0, shape: tuple[int, ...] = (SIDE, SIDE, 3)) -> Path:
    """Write an image of noise, whose content follows from `value`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(value).integers(0, 256, shape, dtype=np.uint8)
    cv2.imwrite(str(path), pixels)
    return path


def mask(
    path: Path, values: Sequence[int] = (0, 255), shape: tuple[int, int] = (SIDE, SIDE)
) -> None:
    """Write a mask with these values in blocks."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.zeros(shape, np.uint8)
    for number, value in enumerate(values):
        pixels[2 * number : 2 * number + 2, 3:7] = value
    cv2.imwrite(str(path), pixels)


def csv(path: Path, header: str, rows: Rows) -> None:
    """Write a CSV."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [header, *(",".join(map(str, row)) for row in rows)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def images(folder: Path, names: Sequence[Any], suffix: str = ".png") -> None:
    """Write an image for each name."""
    for number, name in enumerate(names):
        image(folder / f"{name}{suffix}", number)


def ids(prefix: str, count: int) -> list[str]:
    """`count` different ids."""
    return [f"{prefix}{number:03d}" for number in range(count)]


TRAIN, TEST = ids("a", 24), ids("b", 6)


def labelled(root: Path, header: str, cell: Callable[[int], str], sample: str, blank: str) -> None:
    """train/, test/, train.csv with the id and `cell`, sample_submission.csv with `blank`."""
    images(root / "train", TRAIN)
    images(root / "test", TEST)
    csv(root / "train.csv", header, [[name, cell(i)] for i, name in enumerate(TRAIN)])
    csv(root / "sample_submission.csv", sample, [[name, blank] for name in TEST])


def cassava(root: Path) -> None:
    """Classes in whole numbers, ids with suffix, other folders."""
    names, test = [f"{i}.jpg" for i in TRAIN], [f"{i}.jpg" for i in TEST]
    images(root / "train_images", TRAIN, ".jpg")
    images(root / "test_images", TEST, ".jpg")
    csv(root / "train.csv", "image_id,label", [[n, i % 5] for i, n in enumerate(names)])
    csv(root / "sample_submission.csv", "image_id,label", [[n, 4] for n in test])
    (root / "label_num_to_disease_map.json").write_text("{}")


def aptos(root: Path) -> None:
    """Grades in a column diagnosis."""
    images(root / "train_images", TRAIN)
    images(root / "test_images", TEST)
    csv(root / "train.csv", "id_code,diagnosis", [[n, i % 5] for i, n in enumerate(TRAIN)])
    csv(root / "test.csv", "id_code", [[n] for n in TEST])
    csv(root / "sample_submission.csv", "id_code,diagnosis", [[n, 0] for n in TEST])


def pawpularity(root: Path) -> None:
    """A number from images and columns beside them."""
    columns = "Id,Subject Focus,Eyes,Face"
    images(root / "train", TRAIN, ".jpg")
    images(root / "test", TEST, ".jpg")
    rows = [[n, i % 2, 1, i % 3 % 2, 1 + 7 * i % 100] for i, n in enumerate(TRAIN)]
    csv(root / "train.csv", f"{columns},Pawpularity", rows)
    csv(root / "test.csv", columns, [[n, 1, i % 2, 0] for i, n in enumerate(TEST)])
    rows = [[n, 50.25 + i] for i, n in enumerate(TEST)]
    csv(root / "sample_submission.csv", "Id,Pawpularity", rows)


def ham10000(root: Path) -> None:
    """Images in two folders, a column of lesions, and no sample submission."""
    images(root / "HAM10000_images_part_1", TRAIN[:12], ".jpg")
    images(root / "HAM10000_images_part_2", TRAIN[12:], ".jpg")
    images(root / "test", TEST, ".jpg")
    rows = [[f"HAM{i // 2:03d}", n, ("nv", "mel", "bkl")[i % 3], 40 + i, "male"]
            for i, n in enumerate(TRAIN)]  # fmt: skip
    csv(root / "HAM10000_metadata.csv", "lesion_id,image_id,dx,age,sex", rows)


def plant_pathology_2020(root: Path) -> None:
    """One folder for training and test images, a column of 0 and 1 for each class."""
    names = "healthy,multiple_diseases,rust,scab"
    images(root / "images", [f"Train_{i}" for i in range(24)], ".jpg")
    images(root / "images", [f"Test_{i}" for i in range(6)], ".jpg")
    rows = [[f"Train_{i}", *(int(i % 4 == k) for k in range(4))] for i in range(24)]
    csv(root / "train.csv", f"image_id,{names}", rows)
    csv(root / "test.csv", "image_id", [[f"Test_{i}"] for i in range(6)])
    rows = [[f"Test_{i}", *[0.25] * 4] for i in range(6)]
    csv(root / "sample_submission.csv", f"image_id,{names}", rows)


def plant_pathology_2021(root: Path) -> None:
    """Labels with spaces between them."""
    cells = ("healthy", "scab", "rust", "complex", "scab rust", "rust complex")
    images(root / "train_images", TRAIN, ".jpg")
    images(root / "test_images", TEST, ".jpg")
    rows = [[f"{n}.jpg", cells[i % 6]] for i, n in enumerate(TRAIN)]
    csv(root / "train.csv", "image,labels", rows)
    csv(root / "sample_submission.csv", "image,labels", [[f"{n}.jpg", "healthy"] for n in TEST])


def protein_atlas(root: Path) -> None:
    """Labels that are numbers, with bars between them."""
    cells = ("16|0", "7|1|2|0", "5", "1", "18", "0", "7", "2|16", "16", "2")
    labelled(root, "ID,Label", lambda i: cells[i % 10], "ID,Label", "0")


def chest_findings(root: Path) -> None:
    """Several columns of 0 and 1, patients, and a test set without table."""
    names = "ETT,NGT,CVC"
    images(root / "train", TRAIN, ".jpg")
    images(root / "test", TEST, ".jpg")
    rows = [[n, i % 2, i % 3 % 2, int(i > 4), f"p{i // 2}"] for i, n in enumerate(TRAIN)]
    csv(root / "train.csv", f"StudyInstanceUID,{names},PatientID", rows)
    csv(root / "sample_submission.csv", f"StudyInstanceUID,{names}", [[n, 0, 0, 0] for n in TEST])


def dog_breed(root: Path) -> None:
    """The columns of the sample submission are the classes."""
    breeds = ("boxer", "collie", "pug")
    images(root / "train", TRAIN, ".jpg")
    images(root / "test", TEST, ".jpg")
    csv(root / "labels.csv", "id,breed", [[n, breeds[i % 3]] for i, n in enumerate(TRAIN)])
    rows = [[n, *[0.3333] * 3] for n in TEST]
    csv(root / "sample_submission.csv", "id,boxer,collie,pug", rows)


def cactus(root: Path) -> None:
    """Two classes, 0.5 in the sample submission, folders inside folders."""
    names, test = [f"{i}.jpg" for i in TRAIN], [f"{i}.jpg" for i in TEST]
    images(root / "train" / "train", TRAIN, ".jpg")
    images(root / "test" / "test", TEST, ".jpg")
    csv(root / "train.csv", "id,has_cactus", [[n, int(i % 4 > 0)] for i, n in enumerate(names)])
    csv(root / "sample_submission.csv", "id,has_cactus", [[n, 0.5] for n in test])


def cancer(root: Path) -> None:
    """TIFF, and 0 in the sample submission."""
    images(root / "train", TRAIN, ".tif")
    images(root / "test", TEST, ".tif")
    csv(root / "train_labels.csv", "id,label", [[n, i % 2] for i, n in enumerate(TRAIN)])
    csv(root / "sample_submission.csv", "id,label", [[n, 0] for n in TEST])


def melanoma(root: Path) -> None:
    """Columns beside images, patients, and further columns of the training set."""
    images(root / "jpeg" / "train", TRAIN, ".jpg")
    images(root / "jpeg" / "test", TEST, ".jpg")
    rows = [[n, f"IP_{i // 2}", ("male", "female")[i % 2], 20 + i, ("torso", "head")[i % 2],
             ("nevus", "melanoma")[int(i % 6 == 0)], int(i % 6 == 0)]
            for i, n in enumerate(TRAIN)]  # fmt: skip
    csv(root / "train.csv", "image_name,patient_id,sex,age_approx,site,diagnosis,target", rows)
    rows = [[n, f"IQ_{i // 2}", "male", 30, "head"] for i, n in enumerate(TEST)]
    csv(root / "test.csv", "image_name,patient_id,sex,age_approx,site", rows)
    csv(root / "sample_submission.csv", "image_name,target", [[n, 0] for n in TEST])


def leaf_classification(root: Path) -> None:
    """One folder of images, many columns beside them, a column for each class to submit."""
    species = ("Acer", "Quercus", "Tilia")
    columns = ",".join(f"margin{k}" for k in range(6))
    images(root / "images", range(1, 31), ".jpg")
    rows = [
        [i, species[i % 3], *(round(0.01 * (i + k), 3) for k in range(6))] for i in range(1, 25)
    ]
    csv(root / "train.csv", f"id,species,{columns}", rows)
    rows = [[i, *(round(0.01 * (i - k), 3) for k in range(6))] for i in range(25, 31)]
    csv(root / "test.csv", f"id,{columns}", rows)
    csv(
        root / "sample_submission.csv",
        f"id,{','.join(species)}",
        [[i, *[0.33] * 3] for i in range(25, 31)],
    )


def whales(root: Path) -> None:
    """Five names in a cell of the sample submission."""
    names = [f"w_{k}" for k in range(6)]
    images(root / "train", TRAIN, ".jpg")
    images(root / "test", TEST, ".jpg")
    csv(root / "train.csv", "Image,Id", [[f"{n}.jpg", names[i % 6]] for i, n in enumerate(TRAIN)])
    rows = [[f"{n}.jpg", " ".join(names[:5])] for n in TEST]
    csv(root / "sample_submission.csv", "Image,Id", rows)


def ages(root: Path) -> None:
    """Whole numbers that are numbers."""
    labelled(root, "image,age", lambda i: str(20 + (7 * i) % 40), "image,age", "30")


def dogs_vs_cats(root: Path) -> None:
    """The class in the file name, numbers as ids."""
    images(root / "train", [f"{c}.{i}" for c in ("cat", "dog") for i in range(12)], ".jpg")
    images(root / "test1", range(1, 7), ".jpg")
    csv(root / "sampleSubmission.csv", "id,label", [[i, 0] for i in range(1, 7)])


def chest_xray(root: Path) -> None:
    """Class folders with validation set, patients in the names, and files of a Mac."""
    for part, count in (("train", 12), ("val", 2), ("test", 3)):
        for label in ("NORMAL", "PNEUMONIA"):
            sick = label == "PNEUMONIA"
            names = [
                f"person{i // 2}_{part}_{i}" if sick else f"IM-{i:04d}-0001" for i in range(count)
            ]
            images(root / "chest_xray" / part / label, names, ".jpeg")
    images(root / "chest_xray" / "chest_xray" / "train" / "NORMAL", ["IM-0000-0001"], ".jpeg")
    (root / "chest_xray" / "train" / ".DS_Store").write_bytes(b"x")
    (root / "__MACOSX" / "chest_xray").mkdir(parents=True)
    (root / "__MACOSX" / "chest_xray" / "._a.jpeg").write_bytes(b"x")


def scenes(root: Path) -> None:
    """seg_train/seg_train/CLASS, as Intel's scenes."""
    for label in ("forest", "glacier", "sea"):
        images(root / "seg_train" / "seg_train" / label, range(8), ".jpg")
        images(root / "seg_test" / "seg_test" / label, range(20, 22), ".jpg")


def seedlings(root: Path) -> None:
    """Class folders, names with spaces, and a sample submission of names."""
    for label in ("Black-grass", "Common Chickweed", "Maize"):
        images(root / "train" / label, [f"{label[0]}{i}x" for i in range(8)])
    images(root / "test", TEST)
    csv(root / "sample_submission.csv", "file,species", [[f"{n}.png", "Maize"] for n in TEST])


def drivers(root: Path) -> None:
    """Class folders c0 to c2, and a column for each class to submit."""
    for label in ("c0", "c1", "c2"):
        images(root / "imgs" / "train" / label, [f"img_{label}{i}" for i in range(8)], ".jpg")
    images(root / "imgs" / "test", [f"img_{i}" for i in range(6)], ".jpg")
    rows = [[f"img_{i}.jpg", 0.1, 0.1, 0.8] for i in range(6)]
    csv(root / "sample_submission.csv", "img,c0,c1,c2", rows)


def salt(root: Path) -> None:
    """Mask folders, run lengths of the same masks, another table of the same ids."""
    for i, name in enumerate(TRAIN[:8]):
        image(root / "train" / "images" / f"{name}.png", i)
        mask(root / "train" / "masks" / f"{name}.png", (0,) if i == 0 else (0, 255))
    images(root / "test" / "images", TEST)
    runs = " ".join(f"{column * SIDE + 3} 2" for column in range(3, 7))
    csv(root / "train.csv", "id,rle_mask", [[n, runs * (i > 0)] for i, n in enumerate(TRAIN[:8])])
    csv(root / "depths.csv", "id,z", [[n, 100 + i] for i, n in enumerate([*TRAIN[:8], *TEST])])
    csv(root / "sample_submission.csv", "id,rle_mask", [[n, "1 1"] for n in TEST])


def mask_suffix(root: Path) -> None:
    """Masks of exclusive classes beside their images, without any table."""
    for i, name in enumerate(TRAIN[:8]):
        image(root / "train" / f"{name}.jpg", i)
        mask(root / "train" / f"{name}_mask.png", (0, 1, 2))
    images(root / "test", TEST)


def clouds(root: Path) -> None:
    """Run lengths, ids <image>_<class>."""
    images(root / "train_images", TRAIN[:8], ".jpg")
    images(root / "test_images", TEST, ".jpg")
    rows = [[f"{n}.jpg_{c}", "3 2 20 3" * ((i + k) % 2)]
            for i, n in enumerate(TRAIN[:8]) for k, c in enumerate(("Fish", "Sugar"))]  # fmt: skip
    csv(root / "train.csv", "Image_Label,EncodedPixels", rows)
    rows = [[f"{n}.jpg_{c}", "1 1"] for n in TEST for c in ("Fish", "Sugar")]
    csv(root / "sample_submission.csv", "Image_Label,EncodedPixels", rows)


def steel(root: Path) -> None:
    """Run lengths, a column of the class; images without a row have no defect."""
    images(root / "train_images", TRAIN[:8], ".jpg")
    images(root / "test_images", TEST, ".jpg")
    rows = [[f"{n}.jpg", 1 + i % 2, "3 2 20 3"] for i, n in enumerate(TRAIN[:6])]
    csv(root / "train.csv", "ImageId,ClassId,EncodedPixels", rows)
    rows = [[f"{n}.jpg", "1 1", c] for n in TEST for c in (1, 2)]
    csv(root / "sample_submission.csv", "ImageId,EncodedPixels,ClassId", rows)


def carvana(root: Path) -> None:
    """Run lengths along the rows; masks as GIF, which are not read."""
    for i, name in enumerate(TRAIN[:8]):
        image(root / "train" / f"{name}.jpg", i, (SIDE, 2 * SIDE, 3))
    images(root / "test", TEST, ".jpg")
    (root / "train_masks").mkdir()
    for name in TRAIN[:8]:
        (root / "train_masks" / f"{name}_mask.gif").write_bytes(b"GIF89a")
    runs = " ".join(f"{row * 2 * SIDE + 6} 9" for row in range(2, 8))
    csv(root / "train_masks.csv", "img,rle_mask", [[f"{n}.jpg", runs] for n in TRAIN[:8]])
    csv(root / "sample_submission.csv", "img,rle_mask", [[f"{n}.jpg", "1 1"] for n in TEST])


def denoising(root: Path) -> None:
    """Pairs of grey images, a row for each pixel."""
    for i in range(8):
        image(root / "train" / f"{i}.png", i, (SIDE, SIDE))
        image(root / "train_cleaned" / f"{i}.png", i // 2 + 50, (SIDE, SIDE))
    images(root / "test", [100, 101])
    rows = [[f"{n}_{r}_{c}", 1] for n in (100, 101) for r in range(1, 13) for c in range(1, 13)]
    csv(root / "sampleSubmission.csv", "id,value", rows)


def digits(root: Path) -> None:
    """Pixels in columns."""
    pixels = ",".join(f"pixel{k}" for k in range(64))
    rows = [[i % 10, *[(i * k) % 256 for k in range(64)]] for i in range(40)]
    csv(root / "train.csv", f"label,{pixels}", rows)
    csv(root / "test.csv", pixels, [row[1:] for row in rows[:6]])
    csv(root / "sample_submission.csv", "ImageId,Label", [[i + 1, 0] for i in range(6)])


def kannada(root: Path) -> None:
    """Pixels in columns, ids from 0."""
    digits(root)
    text = (root / "test.csv").read_text().splitlines()
    lines = [f"{'id' if i == 0 else i - 1},{line}" for i, line in enumerate(text)]
    (root / "test.csv").write_text("\n".join(lines))
    csv(root / "sample_submission.csv", "id,label", [[i, 0] for i in range(6)])


def table(
    root: Path,
    columns: str,
    row: Callable[[int], list[Any]],
    target: Callable[[int], list[Any]],
    sample: str,
    blank: Callable[[int], list[Any]],
    names: str = "target",
    submission: str = "sample_submission.csv",
) -> None:
    """train.csv of 40 rows, test.csv of 10, and a sample submission; the first column is the id."""
    csv(root / "train.csv", f"{columns},{names}", [[*row(i), *target(i)] for i in range(40)])
    csv(root / "test.csv", columns, [row(i) for i in range(40, 50)])
    rows = [[row(i)[0], *blank(i)] for i in range(40, 50)]
    csv(root / submission, sample, rows)


def titanic(root: Path) -> None:
    """A table of passengers, with names and gaps."""

    def row(i: int) -> list[Any]:
        age = "" if i % 5 == 0 else 20 + i
        return [i, 1 + i % 3, f'"Name, {i}"', ("male", "female")[i % 2], age, f"T{i}", 7.5 + i]

    columns = "PassengerId,Pclass,Name,Sex,Age,Ticket,Fare"
    table(root, columns, row, lambda i: [i % 2], "PassengerId,Survived", lambda i: [i % 2],
          "Survived", "gender_submission.csv")  # fmt: skip


def spaceship(root: Path) -> None:
    """A table whose label is True or False."""
    table(
        root,
        "PassengerId,HomePlanet,Spa,Name",
        lambda i: [f"{i:04d}_01", ("Earth", "Mars")[i % 2], i % 3, f"Name {i}"],
        lambda i: [i % 2 == 0],
        "PassengerId,Transported",
        lambda _: [False],
        "Transported",
    )


def house_prices(root: Path) -> None:
    """A table whose target is a wide number."""
    table(
        root,
        "Id,MSSubClass,MSZoning,Alley,LotArea",
        lambda i: [i, 20 + i % 5, ("RL", "RM")[i % 2], "NA" if i % 3 else "Grvl", 8000 + 13 * i],
        lambda i: [100000 + 777 * i],
        "Id,SalePrice",
        lambda _: [169277.05],
        "SalePrice",
    )
    (root / "data_description.txt").write_text("MSSubClass: the class")


def bikes(root: Path) -> None:
    """A table whose ids are times, and columns that the test set does not have."""
    table(
        root,
        "datetime,season,temp",
        lambda i: [f"2011-{1 + i % 12:02d}-{1 + i // 12:02d} 00:00:00", i % 4, 10.5 + i],
        lambda i: [i, 2 * i, 3 * i],
        "datetime,count",
        lambda _: [0],
        "casual,registered,count",
        "sampleSubmission.csv",
    )


def several_targets(root: Path) -> None:
    """A table with several numbers to predict."""
    table(root, "id,a,b", lambda i: [i, round(0.1 * i, 2), i % 7], lambda i: [0.5 * i, 1.25 * i],
          "id,y1,y2", lambda _: [0.0, 0.0], "y1,y2")  # fmt: skip


def wine(root: Path) -> None:
    """A table of grades in a column quality."""
    table(root, "Id,acid,sugar", lambda i: [i, 7 + 0.25 * i, i % 9], lambda i: [3 + i % 6],
          "Id,quality", lambda _: [5], "quality")  # fmt: skip


def cirrhosis(root: Path) -> None:
    """A table, and a column of the sample submission for each class: Status_C for C."""
    table(root, "id,N,Drug", lambda i: [i, 0.5 * i, "AB"[i % 2]],
          lambda i: [("C", "CL", "D")[i % 3]],
          "id,Status_C,Status_CL,Status_D", lambda _: [0.3, 0.3, 0.4], "Status")  # fmt: skip


def ventilator(root: Path) -> None:
    """A table of breaths that the test set does not share."""
    table(root, "id,breath_id,u_in", lambda i: [i, i // 2, 0.25 * i], lambda i: [5.5 + i],
          "id,pressure", lambda _: [0], "pressure")  # fmt: skip


def store_sales(root: Path) -> None:
    """A table whose test rows are later, and another table."""
    table(root, "id,date,store", lambda i: [i, f"2016-{1 + i // 20:02d}-{1 + i % 20:02d}", i % 4],
          lambda i: [2.5 * i], "id,sales", lambda _: [0.0], "sales")  # fmt: skip
    csv(root / "stores.csv", "store,city", [[i, "Quito"] for i in range(4)])


def adoption(root: Path) -> None:
    """Tables in folders, images of other names, texts, and tables of codes."""
    row = [
        [1 + i % 2, f"r{i // 2}", f'"a long description of pet number {i} with many more words"',
         i % 9, i % 3, f"id{i:03d}"] for i in range(50)
    ]  # fmt: skip
    columns = "Type,RescuerID,Description,Age,Fee,PetID"
    rows = [[*cells, i % 5] for i, cells in enumerate(row[:40])]
    csv(root / "train" / "train.csv", f"{columns},AdoptionSpeed", rows)
    csv(root / "test" / "test.csv", columns, row[40:])
    csv(root / "breed_labels.csv", "BreedID,Type", [[i, 1] for i in range(4)])
    images(root / "train_images", [f"id{i:03d}-1" for i in range(20)], ".jpg")
    images(root / "test_images", [f"id{i:03d}-1" for i in range(40, 45)], ".jpg")
    sample = [[cells[-1], 0] for cells in row[40:]]
    csv(root / "test" / "sample_submission.csv", "PetID,AdoptionSpeed", sample)


def hotels(root: Path) -> None:
    """Images in many folders, which the ids do not name; class numbers, five in a cell."""
    rows = []
    for i in range(40):
        image(root / "train_images" / str(i % 9) / f"h{i:03d}.jpg", i)
        rows.append([f"h{i:03d}.jpg", i % 9, 100 + 7 * (i % 8)])
    images(root / "test_images", TEST, ".jpg")
    csv(root / "train.csv", "image,chain,hotel_id", rows)
    sample = [[f"{n}.jpg", "100 107 114 121 128"] for n in TEST]
    csv(root / "sample_submission.csv", "image,hotel_id", sample)


def driver_list(root: Path) -> None:
    """Class folders, and a table with the driver of each image."""
    drivers(root)
    names = [(c, f"img_{c}{i}.jpg") for c in ("c0", "c1", "c2") for i in range(8)]
    rows = [[f"p{k // 2:03d}", *name] for k, name in enumerate(names)]
    csv(root / "driver_imgs_list.csv", "subject,classname,img", rows)


def landmarks(root: Path) -> None:
    """Coordinates, which do not move with a flipped image."""
    labelled(root, "id,x,y", lambda i: f"{0.5 * i},{0.25 * i}", "id,x,y", "0,0")


def galaxies(root: Path) -> None:
    """Shares of 0 to 1, and benchmarks instead of a sample submission."""
    images(root / "images_training_rev1", range(1000, 1024), ".jpg")
    images(root / "images_test_rev1", range(2000, 2006), ".jpg")
    columns = "GalaxyID,Class1.1,Class1.2"
    rows = [[1000 + i, round(i / 24, 3), round(1 - i / 24, 3)] for i in range(24)]
    csv(root / "training_solutions_rev1.csv", columns, rows)
    csv(root / "all_zeros_benchmark.csv", columns, [[2000 + i, 0, 0] for i in range(6)])


def individuals(root: Path) -> None:
    """The sample submission has another column, with names of the classes."""
    images(root / "train_images", TRAIN, ".jpg")
    images(root / "test_images", TEST, ".jpg")
    rows = [[f"{n}.jpg", "ab"[i % 2], f"w{i % 8}"] for i, n in enumerate(TRAIN)]
    csv(root / "train.csv", "image,species,individual_id", rows)
    sample = [[f"{n}.jpg", "w1 w2 w3 w4 new_individual"] for n in TEST]
    csv(root / "sample_submission.csv", "image,predictions", sample)


def nerves(root: Path) -> None:
    """Masks beside the images, other names in the table and in the submission."""
    for i in range(12):
        image(root / "train" / f"{1 + i // 4}_{1 + i % 4}.tif", i, (SIDE, SIDE))
        mask(root / "train" / f"{1 + i // 4}_{1 + i % 4}_mask.tif")
    images(root / "test", range(1, 7), ".tif")
    rows = [[1 + i // 4, 1 + i % 4, "3 2 20 3"] for i in range(12)]
    csv(root / "train_masks.csv", "subject,img,pixels", rows)
    csv(root / "sample_submission.csv", "img,pixels", [[i, "1 1"] for i in range(1, 7)])


def saved_by_excel(root: Path) -> None:
    """UTF-16, semicolons, numbers with .0, suffixes in capitals."""
    images(root / "train", TRAIN, ".JPG")
    images(root / "test", TEST, ".JPG")
    lines = ["id;label", *(f"{n};{i % 2}.0" for i, n in enumerate(TRAIN))]
    (root / "train.csv").write_bytes("\r\n".join(lines).encode("utf-16"))
    csv(root / "sample_submission.csv", "id,label", [[n, 0.5] for n in TEST])


def flowers(root: Path) -> None:
    """Folders of classes without images to predict."""
    for label in ("daisy", "rose", "tulip"):
        images(root / "flowers" / label, range(8), ".jpg")


def ships(root: Path) -> None:
    """Run lengths, several rows of one image."""
    images(root / "train", TRAIN[:8], ".jpg")
    images(root / "test", TEST, ".jpg")
    rows = [[f"{n}.jpg", "3 2 20 3"] for n in TRAIN[:8] for _ in range(2)]
    csv(root / "train_ship_segmentations.csv", "ImageId,EncodedPixels", rows)
    csv(
        root / "sample_submission.csv", "ImageId,EncodedPixels", [[f"{n}.jpg", "1 1"] for n in TEST]
    )


def both_eyes(root: Path) -> None:
    """Two images of a patient, whose number is in their names alone."""
    eyes = [f"{i // 2 + 10}_{'lr'[i % 2]}" for i in range(40)]
    images(root / "train", eyes)
    images(root / "test", ["99_l", "99_r"])
    csv(root / "trainLabels.csv", "image,level", [[n, i // 2 % 5] for i, n in enumerate(eyes)])
    csv(root / "sampleSubmission.csv", "image,level", [["99_l", 0], ["99_r", 0]])


def cars(root: Path) -> None:
    """Masks as GIF, with a suffix."""
    from PIL import Image

    images(root / "train", TRAIN[:6], ".jpg")
    images(root / "test", TEST, ".jpg")
    (root / "train_masks").mkdir()
    for name in TRAIN[:6]:
        picture = Image.new("1", (SIDE, SIDE))
        picture.paste(1, (2, 2, 6, 8))
        picture.save(root / "train_masks" / f"{name}_mask.gif")
    rows = [[f"{n}.jpg", "1 1"] for n in TEST]
    csv(root / "sample_submission.csv", "img,rle_mask", rows)


def wild_cameras(root: Path) -> None:
    """Ids with and without suffix, of which the submission has one; sequences of one set only."""
    images(root / "train_images", TRAIN, ".jpg")
    images(root / "test_images", TEST, ".jpg")
    columns = "file_name,id,location,seq_id,frame"
    rows = [[i % 3, f"{n}.jpg", n, i // 2, f"s{i // 3}", i % 3] for i, n in enumerate(TRAIN)]
    csv(root / "train.csv", f"category_id,{columns}", rows)
    csv(root / "test.csv", columns, [[f"{n}.jpg", n, 90, "t0", i] for i, n in enumerate(TEST)])
    csv(root / "sample_submission.csv", "Id,Predicted", [[n, 0] for n in TEST])


def lesions(root: Path) -> None:
    """A measurement whose name is like that of a group, and a patient with several lesions."""
    images(root / "image", [*TRAIN, *TEST], ".jpg")
    columns = "isic_id,patient_id,lesion_id,age,lesion_confidence"
    rows = [[n, f"p{i // 2}", f"l{i - i % 3 // 2}", i % 5, i // 2 + 0.5, i // 3 % 2]
            for i, n in enumerate(TRAIN)]  # fmt: skip
    csv(root / "train.csv", f"{columns},target", rows)
    csv(root / "test.csv", columns, [[n, "p99", "l99", i % 5, 0.5] for i, n in enumerate(TEST)])
    csv(root / "sample_submission.csv", "isic_id,target", [[n, 0.3] for n in TEST])


def plant_traits(root: Path) -> None:
    """Targets with an ending that the sample submission does not have."""
    images(root / "train", TRAIN)
    images(root / "test", TEST)
    rows = [[n, i, i / 3, i / 7, 0.1, ""] for i, n in enumerate(TRAIN)]
    csv(root / "train.csv", "id,rain,X4_mean,X11_mean,X4_sd,X11_sd", rows)
    csv(root / "test.csv", "id,rain", [[n, i] for i, n in enumerate(TEST)])
    csv(root / "sample_submission.csv", "id,X4,X11", [[n, 0, 0] for n in TEST])


def scans(root: Path) -> None:
    """Images and masks of each patient in one folder."""
    for i in range(12):
        for k in range(2):
            name = root / "mri" / f"P_{100 + i}_x" / f"P_{100 + i}_x_{k}"
            image(name.with_suffix(".tif"), i)
            mask(Path(f"{name}_mask.tif"))
    csv(root / "mri" / "data.csv", "Patient,death", [[f"P_{100 + i}", i % 2] for i in range(12)])


def split_masks(root: Path) -> None:
    """Images and masks in the folders of training, validation and test."""
    for part, count in (("train", 6), ("val", 3), ("test", 3)):
        images(root / part / "images", [f"{part}{i}" for i in range(count)])
        for i in range(count):
            mask(root / part / "masks" / f"{part}{i}.png")
