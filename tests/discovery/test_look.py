"""What is concluded from data in the layout of many competitions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from comp.discovery.conclusion import Conclusion
from comp.discovery.look import look
from comp.discovery.plugin_file import competition_of
from comp.discovery.plugin_text import plugin_text
from comp.submission.blank import check_rows
from comp.workspace import Workspace
from tests.fakes import layouts, unclear_layouts

IMAGES, FOLDERS = "comp.tasks.image_table.image_table", "comp.tasks.image_folders.image_folders"
MASKS, PAIRS = "comp.tasks.segmenter.segmenter", "comp.tasks.image_pairs.image_pairs"
PIXELS, TABLE = "comp.tasks.pixel_table.pixel_table", "comp.tasks.tabular.table"

FORMS: dict[str, tuple[str, str, str, str, dict[str, Any]]] = {
    # layout: form, factory, task, metric, some arguments
    "cassava": ("labels csv", IMAGES, "multiclass(('0', '1', '2', '3', '4'))", "accuracy",
                {"id_column": "image_id", "label_column": "label", "images": "train_images",
                 "test_images": "test_images"}),
    "aptos": ("grades", IMAGES, "ordinal(5)", "qwk", {"label_column": "diagnosis"}),
    "ham10000": ("labels csv", IMAGES, "multiclass(('bkl', 'mel', 'nv'))", "accuracy",
                 {"group_column": "lesion_id", "sample_submission": None,
                  "images": ("HAM10000_images_part_1", "HAM10000_images_part_2")}),
    "plant_pathology_2020": (
        "multi-hot", IMAGES, "multiclass(('healthy', 'multiple_diseases', 'rust', 'scab'))", "auc",
        {"label_columns": ("healthy", "multiple_diseases", "rust", "scab"), "images": "images",
         "test_images": "images", "submit": "probabilities"}),
    "plant_pathology_2021": ("label lists", IMAGES,
                             "multilabel(('complex', 'healthy', 'rust', 'scab'))", "f1-samples",
                             {"label_column": "labels", "separator": " "}),
    "protein_atlas": ("label lists", IMAGES,
                      "multilabel(('0', '1', '2', '5', '7', '16', '18'))", "f1-samples",
                      {"separator": "|"}),
    "chest_findings": ("multi-hot", IMAGES, "multilabel(('ETT', 'NGT', 'CVC'))", "mean-auc",
                       {"id_column": "StudyInstanceUID", "group_column": "PatientID"}),
    "dog_breed": ("labels csv", IMAGES, "multiclass(('boxer', 'collie', 'pug'))", "log-loss",
                  {"labels": "labels.csv", "label_column": "breed", "submit": "probabilities"}),
    "cactus": ("labels csv", IMAGES, "binary(('0', '1'))", "auc",
               {"images": "train/train", "test_images": "test/test"}),
    "cancer": ("labels csv", IMAGES, "binary(('0', '1'))", "auc", {"labels": "train_labels.csv"}),
    "whales": ("labels csv", IMAGES,
               "multiclass(('w_0', 'w_1', 'w_2', 'w_3', 'w_4', 'w_5'))", "map@5",
               {"label_column": "Id", "id_column": "Image"}),
    "individuals": ("labels csv", IMAGES,
                    f"multiclass({tuple(f'w{i}' for i in range(8))})", "map@5",
                    {"label_column": "individual_id", "columns": ("predictions",)}),
    "hotels": ("labels csv", IMAGES,
               "multiclass(('100', '107', '114', '121', '128', '135', '142', '149'))", "map@5",
               {"images": "train_images/*", "label_column": "hotel_id"}),
    "ages": ("numbers", IMAGES, "regression(('age',))", "rmse", {"label_column": "age"}),
    "landmarks": ("numbers", IMAGES, "regression(('x', 'y'))", "rmse",
                  {"defaults": {
                      "image": {"size": 64},
                      "augment": {"flip": False, "vertical": False, "rotate": 0.0, "shift": 0.0,
                                  "scale": 0.0},
                      "predict": {"tta": "none"}}}),
    "galaxies": ("numbers", IMAGES,
                 "regression(('Class1.1', 'Class1.2'), limits=(0.0, 1.0))", "rmse",
                 {"sample_submission": "all_zeros_benchmark.csv"}),
    "saved_by_excel": ("labels csv", IMAGES, "binary(('0', '1'))", "auc", {"images": "train"}),
    "driver_list": ("labels csv", IMAGES, "multiclass(('c0', 'c1', 'c2'))", "log-loss",
                    {"group_column": "subject", "label_column": "classname"}),
    "dogs_vs_cats": ("labels in file names", FOLDERS, "binary(('cat', 'dog'))", "auc",
                     {"class_pattern": "^(cat|dog)[._ -]?[0-9]+[.][A-Za-z]+$",
                      "test_images": "test1", "sample_submission": "sampleSubmission.csv"}),
    "chest_xray": ("class folders", FOLDERS, "binary(('NORMAL', 'PNEUMONIA'))", "auc",
                   {"train": ("train", "val"), "test_images": "test", "sample_submission": None}),
    "scenes": ("class folders", FOLDERS, "multiclass(('forest', 'glacier', 'sea'))", "accuracy",
               {"train": ("seg_train/seg_train",), "test_images": "seg_test/seg_test"}),
    "seedlings": ("class folders", FOLDERS,
                  "multiclass(('Black-grass', 'Common Chickweed', 'Maize'))", "accuracy",
                  {"columns": ("species",), "sample_submission": "sample_submission.csv"}),
    "drivers": ("class folders", FOLDERS, "multiclass(('c0', 'c1', 'c2'))", "log-loss",
                {"train": ("imgs/train",), "submit": "probabilities"}),
    "salt": ("mask folders", MASKS, "segmentation(('mask',))", "dice",
             {"images": "train/images", "masks": "train/masks", "table": "train.csv",
              "rle_column": "rle_mask", "test_images": "test/images"}),
    "mask_suffix": ("mask folders", MASKS,
                    "segmentation(('background', 'class1', 'class2'), exclusive=True)", "dice",
                    {"mask_suffix": "_mask", "table": None, "submit": ("class1", "class2")}),
    "nerves": ("mask folders", MASKS, "segmentation(('mask',))", "dice",
               {"id_column": "img", "rle_column": "pixels", "table": None}),
    "clouds": ("run lengths", MASKS, "segmentation(('Fish', 'Sugar'))", "dice",
               {"masks": None, "id_column": "Image_Label", "rle_column": "EncodedPixels"}),
    "steel": ("run lengths", MASKS, "segmentation(('1', '2'))", "dice",
              {"id_column": "ImageId", "class_column": "ClassId"}),
    "carvana": ("run lengths", MASKS, "segmentation(('mask',))", "dice", {"id_column": "img"}),
    "denoising": ("pairs", PAIRS, "", "rmse",
                  {"images": "train", "targets": "train_cleaned", "channels": 1}),
    "digits": ("pixel columns", PIXELS, "", "accuracy",
               {"classes": tuple("0123456789"), "size": (8, 8), "id_column": "ImageId"}),
    "kannada": ("pixel columns", PIXELS, "", "accuracy",
                {"first_id": 0, "submission_label": "label", "id_column": "id"}),
    "titanic": ("table", TABLE, "binary(('0', '1'))", "accuracy",
                {"id_column": "PassengerId", "target": "Survived"}),
    "spaceship": ("table", TABLE, "binary(('False', 'True'))", "accuracy",
                  {"target": "Transported"}),
    "house_prices": ("table", TABLE, "regression(('SalePrice',))", "rmse", {"id_column": "Id"}),
    "bikes": ("table", TABLE, "regression(('count',))", "rmse",
              {"target": "count", "drop": ("casual", "registered")}),
    "several_targets": ("table", TABLE, "regression(('y1', 'y2'))", "rmse",
                        {"target": ("y1", "y2")}),
    "wine": ("table", TABLE, "ordinal(('3', '4', '5', '6', '7', '8'))", "qwk",
             {"target": "quality"}),
    "cirrhosis": ("table", TABLE, "multiclass(('C', 'CL', 'D'))", "log-loss",
                  {"columns": ("Status_C", "Status_CL", "Status_D"), "target": "Status"}),
    "ventilator": ("table", TABLE, "regression(('pressure',))", "rmse",
                   {"group_column": "breath_id"}),
    "store_sales": ("table", TABLE, "regression(('sales',))", "rmse",
                    {"time_column": "date", "defaults": {"scheme": "time"}}),
    "adoption": ("table", TABLE, "multiclass(('0', '1', '2', '3', '4'))", "accuracy",
                 {"train": "train/train.csv", "test": "test/test.csv", "id_column": "PetID",
                  "group_column": "RescuerID", "drop": ("Description",)}),
    "pawpularity": ("table with images", IMAGES, "regression(('Pawpularity',))", "rmse",
                    {"feature_columns": ("Subject Focus", "Face")}),
    "melanoma": ("table with images", IMAGES, "binary(('0', '1'))", "auc",
                 {"feature_columns": ("sex", "age_approx", "site"), "group_column": "patient_id",
                  "label_column": "target"}),
    "leaf_classification": ("table with images", IMAGES,
                            "multiclass(('Acer', 'Quercus', 'Tilia'))", "log-loss",
                            {"feature_columns": tuple(f"margin{k}" for k in range(6))}),
    "flowers": ("class folders", FOLDERS, "multiclass(('daisy', 'rose', 'tulip'))", "accuracy",
                {"test_share": 0.2, "sample_submission": None}),
    "ships": ("run lengths", MASKS, "segmentation(('mask',))", "dice", {"join_rows": True}),
    "both_eyes": ("grades", IMAGES, "ordinal(5)", "qwk", {"group_pattern": "^(?:([0-9]+)_)"}),
    "cars": ("mask folders", MASKS, "segmentation(('mask',))", "dice",
             {"masks": "train_masks", "mask_suffix": "_mask", "rle_column": "rle_mask"}),
    "wild_cameras": ("table with images", IMAGES, "multiclass(('0', '1', '2'))", "accuracy",
                     {"id_column": "id", "group_column": "location",
                      "feature_columns": ("frame",)}),
    "lesions": ("table with images", IMAGES, "binary(('0', '1'))", "auc",
                {"group_column": "patient_id", "feature_columns": ("age", "lesion_confidence")}),
    "plant_traits": ("table with images", IMAGES, "regression(('X4_mean', 'X11_mean'))", "rmse",
                     {"columns": ("X4", "X11"), "feature_columns": ("rain",)}),
    "scans": ("mask folders", MASKS, "segmentation(('mask',))", "dice",
              {"images": ".", "group_pattern": "^(?:(P_[0-9]+)_)", "test_share": 0.2}),
    "split_masks": ("mask folders", MASKS, "segmentation(('mask',))", "dice",
                    {"images": "train/images", "test_images": "test/images"}),
}  # fmt: skip

UNCLEAR = {
    "no_labels": ("labels of the images", ""),
    "two_label_tables": ("Which table has the labels", "labels"),
    "unclear_target": ("Which column is to be predicted", "target"),
    "missing_test_images": ("images of the test set", ""),
    "some_test_images_missing": ("images of the test set", ""),
    "masks_of_other_size": ("masks belong to their images", ""),
    "coloured_masks": ("Which class is which value", ""),
    "videos": ("What is to be predicted", ""),
    "sounds": ("What is to be predicted", ""),
    "unknown_test_folder": ("Which folder has the images to predict", "test_images"),
    "boxes": ("boxes", ""),
    "pneumonia_boxes": ("boxes", ""),
    "nuclei": ("Which folder has the training images", ""),
    "ships_to_count": ("several masks of one image", ""),
    "formulas": ("What do the values of InChI mean", "task"),
    "ids_of_training_images": ("images of the test set", ""),
    "channels": ("Which image belongs to a row", ""),
    "slices": ("Which image belongs to a row", ""),
    "coco": ("labels of the images", ""),
    "split_boxes": ("boxes", ""),
    "blank_targets": ("blank cells", ""),
    "attributes": ("Which value says", ""),
    "scored_names": ("columns of the submission", ""),
    "volumes": ("What is to be predicted", ""),
    "keypoints": ("Where are the images", ""),
    "arrays": ("What is to be predicted", ""),
    "texts": ("What is to be learned from", ""),
    "no_test_rows": ("rows to predict", ""),
    "repeated_ids": ("several rows of one image", ""),
    "colour_pairs": ("images written into the submission", ""),
    "empty": ("What is to be predicted", ""),
}
"""Layout -> a part of the first question, and the argument that takes the answer."""


def look_at(root: Path, draw: Any, **answers: str) -> Conclusion:
    """Draw a layout and look at it."""
    root.mkdir()
    draw(root)
    return look(root, workspace=Workspace.at(root.parent), answers=answers)


@pytest.mark.parametrize("name", FORMS)
def test_right_conclusion_whose_plugin_reads_the_data(name: str, tmp_path: Path) -> None:
    form, factory, task, metric, arguments = FORMS[name]
    found = look_at(tmp_path / "data", getattr(layouts, name))
    assert not found.missing
    assert (found.form, found.factory, found.task, found.metric) == (form, factory, task, metric)
    assert arguments.items() <= dict(found.arguments).items()
    text = plugin_text(found, name="new", title="New", kaggle="competitions/new")
    competition = competition_of(text)
    assert found.root is not None
    train = competition.samples(found.root, "train")
    test = competition.samples(found.root, "test")
    assert train
    assert test
    check_rows(competition, found.root, test)


@pytest.mark.parametrize("name", UNCLEAR)
def test_what_cannot_be_known_is_asked(name: str, tmp_path: Path) -> None:
    question, argument = UNCLEAR[name]
    found = look_at(tmp_path / "data", getattr(unclear_layouts, name))
    assert found.missing
    assert not found.known
    assert question in found.missing[0].question
    assert found.missing[0].argument == argument
    assert found.missing[0].found


def test_every_layout_is_tested() -> None:
    for module, known in ((layouts, FORMS), (unclear_layouts, UNCLEAR)):
        drawn = {
            name
            for name, value in vars(module).items()
            if list(getattr(value, "__annotations__", {})) == ["root", "return"]
            and value.__module__ == module.__name__
        }
        assert drawn == set(known)


def test_answers_are_taken(tmp_path: Path) -> None:
    found = look_at(tmp_path / "a", unclear_layouts.two_label_tables, labels="annotator_b.csv")
    assert found.known
    assert found.arguments["labels"] == "annotator_b.csv"
    found = look_at(tmp_path / "b", unclear_layouts.unclear_target, target="shape")
    assert found.task == "binary(('a', 'b'))"
    assert found.known
    found = look_at(tmp_path / "c", layouts.cassava, task="grades")
    assert (found.task, found.metric) == ("ordinal(5)", "qwk")
    unclear_layouts.unknown_test_folder(tmp_path / "d")
    space = Workspace.at(tmp_path)
    found = look(tmp_path / "d", workspace=space, answers={"test_images": "pictures"})
    assert found.known
    assert found.arguments["test_images"] == "pictures"
    found = look(tmp_path / "d", workspace=space, answers={"test_images": None})
    assert found.arguments["test_share"] == 0.2
    assert "6 images in pictures are not used" in found.findings[-1].what


def test_the_metric_of_kaggle_decides(tmp_path: Path) -> None:
    layouts.aptos(tmp_path)
    space = Workspace.at(tmp_path)
    found = look(tmp_path, metric_name="QuadraticWeightedKappa", workspace=space)
    assert (found.task, found.metric, found.certainty) == ("ordinal(5)", "qwk", "sure")
    found = look(tmp_path, metric_name="Accuracy", workspace=space)
    assert found.task.startswith("multiclass")
    assert found.metric == "accuracy"


def test_a_table_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    layouts.cassava(tmp_path)
    (tmp_path / "sample_submission.csv").write_bytes(bytes(range(256)))
    found = look(tmp_path, workspace=Workspace.at(tmp_path))
    assert found.missing
    assert "sample_submission.csv" in found.missing[0].question
    (tmp_path / "notes.csv").write_bytes(bytes(range(256)))
    found = look(tmp_path, workspace=Workspace.at(tmp_path))
    assert any("notes.csv is not used" in finding.what for finding in found.findings)


DATA = Path(__file__).parents[2] / "data"
REAL = {
    "tgs-salt": ("mask folders", "train/masks", "masks"),
    "cats-dogs": ("labels csv", "trainLabels.csv", "labels"),
    "california-housing": ("table", "median_house_value", "target"),
    "chest-xray-pneumonia": ("class folders", ("train", "val"), "train"),
    "denoising-dirty-documents": ("pairs", "train_cleaned", "targets"),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", REAL)
def test_real_data(name: str, tmp_path: Path) -> None:
    archive = next((p for p in DATA.rglob(f"{name}.zip")), None)
    if archive is None:
        pytest.skip(f"no {name}.zip below data/")
    found = look(archive, workspace=Workspace.at(tmp_path))
    form, value, argument = REAL[name]
    assert (found.form, found.arguments[argument]) == (form, value)
    assert found.known
