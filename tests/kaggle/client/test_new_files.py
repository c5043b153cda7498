"""Folders in data sets: each is an object of its own, since Kaggle drops them in names."""

from __future__ import annotations

from kagglesdk.datasets.types.dataset_api_service import ApiCreateDatasetRequest

from comp.kaggle.client.new_files import set_files


def test_files_stay_in_their_folders() -> None:
    request = ApiCreateDatasetRequest()
    set_files(request, {"predict.py": "1", "weights/a": "2", "code/x/y.py": "3", "code/z.py": "4"})
    sent = ApiCreateDatasetRequest.to_dict(request)
    assert sent == {
        "files": [{"token": "1"}],
        "directories": [
            {
                "name": "code",
                "directories": [{"name": "x", "files": [{"token": "3"}]}],
                "files": [{"token": "4"}],
            },
            {"name": "weights", "files": [{"token": "2"}]},
        ],
    }
